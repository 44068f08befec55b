//! `--overrides`: values that go before those of the ini, for a program that has set them in its own `Config`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use limbeck::config::Config;
use serde_json::{Value as Json, json};

use crate::redact;

/// Values by section and key, with their `%` written twice. `Debug` shows no value.
#[derive(Default)]
pub(crate) struct Overrides(BTreeMap<String, BTreeMap<String, String>>);

impl fmt::Debug for Overrides {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self
            .0
            .iter()
            .map(|(section, values)| (section, values.keys()));
        out.debug_map().entries(keys).finish()
    }
}

impl Overrides {
    /// Reads the file, or standard input for `-`.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = if path == Path::new("-") {
            io::read_to_string(io::stdin())?
        } else {
            fs::read_to_string(path)?
        };
        for line in text.lines() {
            redact::remember(line);
        }
        serde_json::from_str(&text).map(Self).map_err(|error| {
            // The error's own text may quote a value.
            let place = format!("line {}, column {}", error.line(), error.column());
            let expected = r#"{"section": {"key": "value"}}"#;
            io::Error::other(format!(
                "{place}: a JSON object of the form {expected} is expected"
            ))
        })
    }

    pub(crate) fn apply(&self, config: &mut Config) {
        for (section, values) in &self.0 {
            for (key, value) in values {
                config.set(section, key, value);
            }
        }
    }

    /// For the worker, which sets them in Alembic's `Config`.
    pub(crate) fn to_json(&self) -> Json {
        json!(self.0)
    }
}
