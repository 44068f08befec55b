//! Client of `drivers.py`, a Python process that reports how the real drivers interpret URLs.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use limbeck_url::{ArgumentValue, Target};
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trips/drivers.py");
/// The module of the Python package that creates an `ssl.SSLContext`.
const TLS_MODULE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../limbeck-python/python/limbeck/_tls.py"
);

/// A URL with its keyword arguments, for a driver.
pub(crate) struct Question<'a> {
    pub(crate) target: Target,
    pub(crate) url: &'a str,
    pub(crate) connect_args: &'a [(String, ArgumentValue)],
}

/// Returns the drivers' interpretations, in the order of the questions. The process runs in `folder`.
pub(crate) fn ask(python: &Path, folder: &Path, questions: &[Question<'_>]) -> Vec<Value> {
    let mut lines = String::new();
    for question in questions {
        let connect_args: Vec<_> = question
            .connect_args
            .iter()
            .map(|(name, value)| json!([name, argument(value)]))
            .collect();
        let line = json!({
            "target": question.target.to_string(),
            "url": question.url,
            "connect_args": connect_args,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let mut child = Command::new(python)
        .args([SCRIPT, TLS_MODULE])
        .current_dir(folder)
        .env_clear()
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("standard input");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("standard output");
    let written = writer.join().expect("no panic");
    assert!(output.status.success(), "{}", output.status);
    written.expect("Python reads all lines");
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

fn argument(value: &ArgumentValue) -> Value {
    match value {
        ArgumentValue::None => Value::Null,
        ArgumentValue::Bool(flag) => (*flag).into(),
        ArgumentValue::Integer(number) => (*number).into(),
        ArgumentValue::Text(text) => text.clone().into(),
        ArgumentValue::Map(pairs) => pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        ArgumentValue::TlsContext(context) => json!({ "tls": [
            context.root_certificates,
            context.verify_certificate,
            context.check_hostname,
            context.client_certificate,
            context.client_key,
            context.client_key_password.as_ref().map(limbeck_url::Secret::reveal_clear_text),
            context.revocation_list,
        ] }),
    }
}
