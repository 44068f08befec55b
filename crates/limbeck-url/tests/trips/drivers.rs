//! The real drivers in one process of Python, which is asked about many URLs.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use limbeck_url::{Argument, Target};
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trips/drivers.py");
/// What makes an `ssl.SSLContext` in the Python package.
const CONTEXTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../limbeck-python/python/limbeck/_tls.py"
);

/// A URL and what stands beside it, for a driver.
pub(crate) struct Question<'a> {
    pub(crate) target: Target,
    pub(crate) url: &'a str,
    pub(crate) beside: &'a [(String, Argument)],
}

/// What the drivers understand, in the order of the questions; they work in the folder.
pub(crate) fn ask(python: &Path, folder: &Path, questions: &[Question<'_>]) -> Vec<Value> {
    let mut lines = String::new();
    for question in questions {
        let beside: Vec<_> = question
            .beside
            .iter()
            .map(|(name, value)| json!([name, argument(value)]))
            .collect();
        let line = json!({
            "target": question.target.to_string(),
            "url": question.url,
            "beside": beside,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    let mut child = Command::new(python)
        .args([SCRIPT, CONTEXTS])
        .current_dir(folder)
        .env_clear()
        .env("PYTHONUTF8", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    let written = writer.join().expect("no panic");
    assert!(output.status.success(), "{}", output.status);
    written.expect("it reads all");
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

fn argument(value: &Argument) -> Value {
    match value {
        Argument::None => Value::Null,
        Argument::Bool(flag) => (*flag).into(),
        Argument::Integer(number) => (*number).into(),
        Argument::Text(text) => text.clone().into(),
        Argument::Map(pairs) => pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Argument::TlsContext(context) => json!({ "tls": [
            context.authorities,
            context.verify,
            context.check_hostname,
            context.certificate,
            context.key,
            context.key_password.as_ref().map(limbeck_url::Secret::reveal_clear_text),
            context.revoked,
        ] }),
    }
}
