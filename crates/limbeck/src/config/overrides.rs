//! Values that go before those of the ini, as of a program that has set them in its own `Config`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use super::Config;

/// Values by section and key, with their `%` written twice. `Debug` shows no value.
#[derive(Default, Clone)]
pub struct Overrides(BTreeMap<String, BTreeMap<String, String>>);

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
    /// Reads a JSON object of sections from a file, or from standard input for `-`.
    ///
    /// # Errors
    /// The operating system's, or the place where the file is none such; its text is not quoted.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = if path == Path::new("-") {
            io::read_to_string(io::stdin())?
        } else {
            fs::read_to_string(path)?
        };
        serde_json::from_str(&text).map(Self).map_err(|error| {
            // The error's own text may quote a value.
            let place = format!("line {}, column {}", error.line(), error.column());
            let expected = r#"{"section": {"key": "value"}}"#;
            io::Error::other(format!(
                "{place}: a JSON object of the form {expected} is expected"
            ))
        })
    }

    /// The values, with each `%` written once.
    pub fn values(&self) -> impl Iterator<Item = String> {
        let sections = self.0.values();
        sections
            .flat_map(BTreeMap::values)
            .map(|value| value.replace("%%", "%"))
    }

    /// Adds a value, whose `%` is written once.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        let section = self.0.entry(section.to_owned()).or_default();
        section.insert(key.to_owned(), value.replace('%', "%%"));
    }

    /// Sets them in a configuration.
    pub fn apply(&self, config: &mut Config) {
        for (section, values) in &self.0 {
            for (key, value) in values {
                config.set(section, key, value);
            }
        }
    }

    /// Returns the values by section and key, with `%` doubled.
    pub(crate) fn by_section(&self) -> &BTreeMap<String, BTreeMap<String, String>> {
        &self.0
    }
}
