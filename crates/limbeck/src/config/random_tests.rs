//! Tests of random ini files: no text causes a panic, and each key has a value. `fuzz/targets/ini.rs` tests the same with any
//! bytes.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;

use super::Ini;

/// Pieces of ini files, so that random texts resemble real files.
const PIECES: &[&str] = &[
    "[alembic]\n",
    "[DEFAULT]\n",
    "[",
    "]",
    "[]",
    "[a]b]\n",
    "key",
    "KEY",
    "\u{130}",
    "k1",
    "sqlalchemy.url",
    " = ",
    "=",
    ":",
    "value",
    "%",
    "%%",
    "%(",
    ")s",
    "%(key)s",
    "%(here)s",
    "%(none)s",
    "\n",
    "\n  ",
    "\n\t",
    "\n\n",
    "\r\n",
    "\r",
    "# c\n",
    "; c\n",
    " ; c",
    "\u{e9}",
    "\u{a0}",
    "\u{2028}",
    "\0",
    "'",
    "\\",
    " ",
];

fn config(default_cases: u32) -> ProptestConfig {
    let cases = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(default_cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(20_000))]

    #[test]
    fn each_listed_key_has_a_value_and_can_be_set(
        pieces in proptest::collection::vec(select(PIECES), 0..20),
        value in "[a-z]{20}",
    ) {
        let text = format!("[alembic]\n{}", pieces.concat());
        let arguments = vec![("here".to_owned(), "/here".to_owned())];
        let Ok(mut ini) = Ini::parse(Path::new("alembic.ini"), &text, arguments) else {
            return Ok(());
        };
        let sections: Vec<String> = ini.sections().map(str::to_owned).collect();
        for section in sections {
            let keys: Vec<String> = ini.keys(&section).into_iter().map(str::to_owned).collect();
            for key in keys {
                prop_assert!(ini.get_as_written(&section, &key).is_some(), "{}: {}", section, key);
                prop_assert!(ini.line(&section, &key).is_some(), "{}: {}", section, key);
                prop_assert!(!matches!(ini.get(&section, &key), Ok(None)), "{}: {}", section, key);
                ini.set(&section, &key, &value);
                let read = ini.get(&section, &key).ok().flatten();
                prop_assert_eq!(read.as_deref(), Some(&*value), "{}: {}", section, key);
            }
        }
        let shown = format!("{ini:?}");
        prop_assert!(!shown.contains(&value), "{}", shown);
    }
}
