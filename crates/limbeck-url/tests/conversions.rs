//! The table `conversions.txt`: a URL, then each target with what it becomes there.
//!
//! Behind the URL stand `name=value` for keyword arguments and `?name` for a warning; `! kind name` is an error.

use std::fmt::Write as _;

use limbeck_url::{Argument, ConvertError, TlsContext, convert_to};

const TABLE: &str = include_str!("conversions.txt");

#[test]
fn every_row_of_the_table() {
    let (mut url, mut rows, mut wrong) = ("", 0, String::new());
    for line in TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let Some(row) = line.strip_prefix("  ") else {
            url = line;
            continue;
        };
        let (target, expected) = row.split_once(' ').expect("a target and what it becomes");
        let actual = shown(url, target);
        if actual != expected.trim() {
            let _ = writeln!(
                wrong,
                "{url}\n  {target}\n    {actual}\n    {}",
                expected.trim()
            );
        }
        rows += 1;
    }
    assert!(rows > 100, "{rows}");
    assert!(wrong.is_empty(), "what came, above what should:\n{wrong}");
}

fn shown(url: &str, target: &str) -> String {
    match convert_to(url, target) {
        Ok(conversion) => {
            let mut shown = conversion.reveal_url().to_owned();
            let alone = conversion.reveal_complete_url().ok();
            let says_all = conversion.connect_args.is_empty();
            assert_eq!(alone, says_all.then_some(&*shown), "{url} for {target}");
            for (name, value) in &conversion.connect_args {
                let _ = write!(shown, " {name}={}", argument(value));
            }
            for warning in &conversion.warnings {
                let _ = write!(
                    shown,
                    " ?{}",
                    warning.parameter.as_deref().unwrap_or_default()
                );
            }
            shown
        }
        Err(ConvertError {
            kind, parameter, ..
        }) => format!("! {kind} {}", parameter.unwrap_or_default())
            .trim_end()
            .to_owned(),
    }
}

fn argument(value: &Argument) -> String {
    match value {
        Argument::None => "None".into(),
        Argument::Bool(flag) => if *flag { "True" } else { "False" }.into(),
        Argument::Integer(number) => number.to_string(),
        Argument::Text(text) => format!("{text:?}"),
        Argument::Map(pairs) => format!("{pairs:?}"),
        Argument::TlsContext(context) => tls_context(context),
    }
}

fn tls_context(context: &TlsContext) -> String {
    let mut words = vec![match (context.verify, context.check_hostname) {
        (false, _) => "unverified".to_owned(),
        (true, false) => "verify-ca".to_owned(),
        (true, true) => "verify-full".to_owned(),
    }];
    let files = [
        ("ca", &context.authorities),
        ("cert", &context.certificate),
        ("key", &context.key),
        ("crl", &context.revoked),
    ];
    words.extend(
        files
            .iter()
            .filter_map(|(name, file)| Some(format!("{name}:{}", file.as_deref()?))),
    );
    words.extend(
        context
            .key_password
            .as_ref()
            .map(|secret| format!("pw:{}", secret.reveal_clear_text())),
    );
    format!("<{}>", words.join(" "))
}
