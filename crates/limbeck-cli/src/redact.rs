//! Takes secrets out of what is told: those that a text's form gives away, and those that were handed to this process.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use limbeck::url::{KnownSecrets, is_secret_name, mask_value};

/// Values that came another way than as arguments, variables or in a file of the project.
static REMEMBERED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The files with a value in each line.
static FILES: OnceLock<Vec<PathBuf>> = OnceLock::new();

/// A text for people, or for the report, with `***` for each secret.
///
/// What is known is collected when the first text is to be told: a command that succeeds has none.
pub(crate) fn redact(text: &str) -> String {
    static KNOWN: OnceLock<KnownSecrets> = OnceLock::new();
    KNOWN.get_or_init(collect).mask(text)
}

/// Remembers a value that may be a secret.
pub(crate) fn remember(value: &str) {
    let mut remembered = REMEMBERED.lock().unwrap_or_else(PoisonError::into_inner);
    remembered.push(value.to_owned());
}

/// Names the files of the configuration.
pub(crate) fn configured_by(files: Vec<PathBuf>) {
    // There is one context in a process, and the names of a second one would not differ.
    let _ = FILES.set(files);
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
    let files = FILES.get().map(Vec::as_slice).unwrap_or_default();
    for file in files.iter().map(PathBuf::as_path).chain([".env".as_ref()]) {
        // What can't be read has told this process nothing.
        if let Ok(text) = std::fs::read(file) {
            known.learn_lines(&String::from_utf8_lossy(&text));
        }
    }
    known
}

/// The arguments as they may be shown.
pub(crate) fn arguments() -> Vec<String> {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let mut shown = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.iter().enumerate() {
        // `--password secret`: an option that limbeck doesn't have, and somebody's secret all the same.
        let option = index.checked_sub(1).and_then(|index| arguments.get(index));
        let follows = option.is_some_and(|option| {
            let name = option.trim_start_matches('-');
            name.len() < option.len() && !name.contains('=') && is_secret_name(name)
        });
        shown.push(if follows {
            "***".to_owned()
        } else {
            Cow::into_owned(mask_value(argument))
        });
    }
    shown
}
