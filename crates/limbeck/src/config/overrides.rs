//! Values that override the ini, for programs that set values in their own `Config`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use super::Config;

/// Values by section and key, with `%` doubled. `Debug` omits the values.
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
    /// Returns the system's error, or an error with line and column if the text is not such an object. The error doesn't quote
    /// the text.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = if path == Path::new("-") {
            io::read_to_string(io::stdin())?
        } else {
            fs::read_to_string(path)?
        };
        serde_json::from_str(&text).map(Self).map_err(|error| {
            // The error's `Display` may quote a value.
            let position = format!("line {}, column {}", error.line(), error.column());
            let expected = r#"{"section": {"key": "value"}}"#;
            io::Error::other(format!(
                "{position}: expected a JSON object of the form {expected}"
            ))
        })
    }

    /// Returns the values, with `%` not doubled.
    pub fn values(&self) -> impl Iterator<Item = String> {
        let sections = self.0.values();
        sections
            .flat_map(BTreeMap::values)
            .map(|value| value.replace("%%", "%"))
    }

    /// Adds a value; doubles each `%`.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        let section = self.0.entry(section.to_owned()).or_default();
        section.insert(key.to_owned(), value.replace('%', "%%"));
    }

    /// Sets the values in a configuration.
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
