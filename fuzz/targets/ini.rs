//! Fuzz target for ini files: nothing panics, each key has a value, and `Debug` shows no value that was set.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use limbeck::config::Ini;

/// A value that occurs in no input by chance.
const VALUE: &str = "Gehe1m-4711-Wort";

fuzz_target!(|text: &str| {
    let arguments = vec![("here".to_owned(), "/here".to_owned())];
    let Ok(mut ini) = Ini::parse(Path::new("alembic.ini"), text, arguments) else {
        return;
    };
    let sections: Vec<String> = ini.sections().map(str::to_owned).collect();
    for section in sections {
        let keys: Vec<String> = ini.keys(&section).into_iter().map(str::to_owned).collect();
        for key in keys {
            assert!(ini.get_as_written(&section, &key).is_some(), "{section}: {key}");
            assert!(ini.line(&section, &key).is_some(), "{section}: {key}");
            if let Ok(value) = ini.get(&section, &key) {
                assert!(value.is_some(), "{section}: {key}");
            }
            ini.set(&section, &key, VALUE);
            assert_eq!(ini.get(&section, &key).ok().flatten().as_deref(), Some(VALUE));
        }
    }
    assert!(text.contains(VALUE) || !format!("{ini:?}").contains(VALUE));
});
