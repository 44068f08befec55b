//! Test of the table `conversions.txt`: a URL, followed by the expected result for each target.
//!
//! A result is a URL with `name=value` for each keyword argument and `?name` for each warning, or `! kind parameter` for an
//! error.

use std::fmt::Write as _;

use limbeck_url::{ArgumentValue, ConvertError, TlsContext, convert_to};

const TABLE: &str = include_str!("conversions.txt");

#[test]
fn converts_every_row_of_the_table() {
    let (mut url, mut rows, mut differences) = ("", 0, String::new());
    for line in TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let Some(row) = line.strip_prefix("  ") else {
            url = line;
            continue;
        };
        let (target, expected) = row.split_once(' ').expect("a target and a result");
        let actual = describe(url, target);
        if actual != expected.trim() {
            let _ = writeln!(
                differences,
                "{url}\n  {target}\n    {actual}\n    {}",
                expected.trim()
            );
        }
        rows += 1;
    }
    assert!(rows > 100, "{rows}");
    assert!(
        differences.is_empty(),
        "actual results, each above the expected one:\n{differences}"
    );
}

fn describe(url: &str, target: &str) -> String {
    match convert_to(url, target) {
        Ok(conversion) => {
            let mut description = conversion.reveal_url().to_owned();
            let complete_url = conversion.reveal_complete_url().ok();
            let is_complete = conversion.connect_args.is_empty();
            assert_eq!(
                complete_url,
                is_complete.then_some(&*description),
                "{url} for {target}"
            );
            for (name, value) in &conversion.connect_args {
                let _ = write!(description, " {name}={}", argument(value));
            }
            for warning in &conversion.warnings {
                let _ = write!(
                    description,
                    " ?{}",
                    warning.parameter.as_deref().unwrap_or_default()
                );
            }
            description
        }
        Err(ConvertError {
            kind, parameter, ..
        }) => format!("! {kind} {}", parameter.unwrap_or_default())
            .trim_end()
            .to_owned(),
    }
}

fn argument(value: &ArgumentValue) -> String {
    match value {
        ArgumentValue::None => "None".into(),
        ArgumentValue::Bool(flag) => if *flag { "True" } else { "False" }.into(),
        ArgumentValue::Integer(number) => number.to_string(),
        ArgumentValue::Text(text) => format!("{text:?}"),
        ArgumentValue::Map(pairs) => format!("{pairs:?}"),
        ArgumentValue::TlsContext(context) => tls_context(context),
    }
}

fn tls_context(context: &TlsContext) -> String {
    let mut words = vec![match (context.verify_certificate, context.check_hostname) {
        (false, _) => "unverified".to_owned(),
        (true, false) => "verify-ca".to_owned(),
        (true, true) => "verify-full".to_owned(),
    }];
    let files = [
        ("ca", &context.root_certificates),
        ("cert", &context.client_certificate),
        ("key", &context.client_key),
        ("crl", &context.revocation_list),
    ];
    words.extend(
        files
            .iter()
            .filter_map(|(name, file)| Some(format!("{name}:{}", file.as_deref()?))),
    );
    words.extend(
        context
            .client_key_password
            .as_ref()
            .map(|secret| format!("pw:{}", secret.reveal_clear_text())),
    );
    format!("<{}>", words.join(" "))
}
