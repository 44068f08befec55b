//! Masks secrets in output: those recognizable by their form, and those that this process was given.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use limbeck::url::{KnownSecrets, is_secret_name, mask_value};

/// Secrets from other sources than arguments, variables and the project's files.
static REMEMBERED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The configuration files, with a value on each line.
static CONFIG_FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// Replaces each secret in a text with `***`.
///
/// The first call collects the known secrets: a command that succeeds needs none of them.
pub(crate) fn redact(text: &str) -> String {
    static KNOWN: OnceLock<KnownSecrets> = OnceLock::new();
    KNOWN.get_or_init(collect).mask(text)
}

/// Replaces each secret in the texts of a JSON value with `***`.
pub(crate) fn redact_json(value: &mut serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => *text = redact(text),
        Value::Array(values) => values.iter_mut().for_each(redact_json),
        Value::Object(object) => object.values_mut().for_each(redact_json),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Remembers a value that may be a secret.
pub(crate) fn remember(value: &str) {
    let mut remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
    remembered.push(value.to_owned());
}

/// Sets the configuration files to take secrets from.
pub(crate) fn set_config_files(files: Vec<PathBuf>) {
    // A process creates one context: a second call would set the same files.
    let _ = CONFIG_FILES.set(files);
}

fn collect() -> KnownSecrets {
    let mut known = KnownSecrets::default();
    for argument in std::env::args_os().skip(1) {
        known.learn_value("", &argument.to_string_lossy());
    }
    for (name, value) in std::env::vars_os() {
        known.learn_value(&name.to_string_lossy(), &value.to_string_lossy());
    }
    for value in REMEMBERED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .iter()
    {
        known.learn_value("", value);
    }
    let files = CONFIG_FILES.get().map(Vec::as_slice).unwrap_or_default();
    for file in files {
        // This process has no secrets from a file that it can't read.
        if let Ok(text) = std::fs::read(file) {
            known.learn_lines(&String::from_utf8_lossy(&text));
        }
    }
    known
}

/// Returns the process's arguments, without their secrets.
pub(crate) fn masked_arguments() -> Vec<String> {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let mut masked = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.iter().enumerate() {
        // limbeck has no option `--password`, but the value in `--password secret` is still a secret.
        let option = index.checked_sub(1).and_then(|index| arguments.get(index));
        let follows_secret_name = option.is_some_and(|option| {
            let name = option.trim_start_matches('-');
            name.len() < option.len() && !name.contains('=') && is_secret_name(name)
        });
        masked.push(if follows_secret_name {
            "***".to_owned()
        } else {
            Cow::into_owned(mask_value(argument))
        });
    }
    masked
}
