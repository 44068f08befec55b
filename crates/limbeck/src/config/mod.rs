//! The project's configuration: `alembic.ini` combined with `[tool.alembic]` of `pyproject.toml`.

mod error;
mod files;
mod ini;
mod interpolate;
mod logging;
mod overrides;
mod paths;

pub use error::ConfigError;
pub use files::{ConfigFiles, tool_limbeck};
pub use ini::Ini;
pub use logging::LogLines;
pub use overrides::Overrides;

use std::fmt;
use std::path::{Path, PathBuf};

use interpolate::interpolate;
use paths::split;

/// The configuration of a project. `Debug` omits the values.
#[derive(Clone)]
pub struct Config {
    section: String,
    files: ConfigFiles,
    ini: Option<Ini>,
    toml: toml::Table,
    toml_here: String,
    application: Option<String>,
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Config")
            .field("section", &self.section)
            .field("files", &self.files)
            .field("ini", &self.ini)
            .field("toml", &self.toml.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the files. A missing file counts as empty.
    ///
    /// # Errors
    /// Returns [`ConfigError`] if a file can't be read or parsed.
    pub fn load(files: &ConfigFiles, section: &str) -> Result<Self, ConfigError> {
        let ini_path = Path::new(&files.ini);
        let ini = match files::read(ini_path)? {
            Some(text) => Some(Ini::parse(
                ini_path,
                &text,
                vec![("here".into(), files::here(ini_path))],
            )?),
            None => None,
        };
        let toml_path = Path::new(&files.toml);
        let toml = match files::read(toml_path)? {
            Some(text) => files::tool_alembic(toml_path, &text)?,
            None => toml::Table::new(),
        };
        Ok(Self {
            section: section.to_owned(),
            files: files.clone(),
            ini,
            toml,
            toml_here: files::here(toml_path),
            application: tool_limbeck(files, "app")?,
        })
    }

    /// Overrides a value of the ini, also if there is no ini file.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        let files = &self.files;
        let ini = self
            .ini
            .get_or_insert_with(|| Ini::without_file(&files.ini));
        ini.set(section, key, value);
    }

    /// Returns the names of the files.
    pub fn files(&self) -> &ConfigFiles {
        &self.files
    }

    /// Returns the ini, if there is one.
    pub fn ini(&self) -> Option<&Ini> {
        self.ini.as_ref()
    }

    /// Returns the file and line of a key's value.
    pub fn location_of(&self, key: &str) -> Option<(PathBuf, usize)> {
        let in_ini = |ini: &Ini| {
            let line = ini.line(&self.section, key)?;
            Some((PathBuf::from(&self.files.ini), line))
        };
        self.ini.as_ref().and_then(in_ini).or_else(|| {
            let path = PathBuf::from(&self.files.toml);
            let line = self
                .toml
                .contains_key(key)
                .then(|| files::line_of_key(&path, key))?;
            Some((path, line))
        })
    }

    /// Returns whether `[tool.alembic]` has a key.
    pub fn has_toml(&self) -> bool {
        !self.toml.is_empty()
    }

    /// Returns the name of the ini's main section: `alembic`, or the name given with `-n`.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// Returns a string of the ini's main section, or else of `[tool.alembic]`.
    ///
    /// # Errors
    /// Returns [`ConfigError`] if a `%(…)s` of the value can't be interpolated, or if the TOML value is not a string.
    pub fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        match self.ini_text(key)? {
            Some(text) => Ok(Some(text)),
            None => match self.toml.get(key) {
                Some(toml::Value::String(text)) => self.interpolate_toml(key, text).map(Some),
                // Callers that accept a boolean read it from the table.
                Some(toml::Value::Boolean(_)) | None => Ok(None),
                Some(_) => Err(ConfigError::Value(format!(
                    "{}: `{key}` of [tool.alembic] must be a string",
                    self.files.toml
                ))),
            },
        }
    }

    /// Returns `script_location`, or the ini's folder if `env.py` is there.
    ///
    /// # Errors
    /// Returns [`ConfigError::NoScriptLocation`] if there is neither.
    pub fn script_location(&self) -> Result<String, ConfigError> {
        self.text("script_location")?
            .filter(|location| !location.is_empty())
            .or_else(|| self.files.script_folder())
            .ok_or_else(|| ConfigError::NoScriptLocation {
                missing_ini: self.files.missing_ini(),
            })
    }

    /// Returns the application that `env.py` needs: `app` of `[tool.limbeck]`.
    pub fn application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    /// Returns the folders of `version_locations`; `None` if the key is missing.
    ///
    /// # Errors
    /// Returns [`ConfigError`] for an unknown `path_separator` and for a value that can't be read.
    pub fn version_locations(&self) -> Result<Option<Vec<String>>, ConfigError> {
        // Alembic ignores an empty value.
        if let Some(text) = self
            .ini_text("version_locations")?
            .filter(|text| !text.is_empty())
        {
            let separator = match self.ini_text("path_separator")? {
                Some(separator) => Some(separator),
                None => self.ini_text("version_path_separator")?,
            };
            return split(&text, separator.as_deref(), &[' ', ',']).map(Some);
        }
        self.list("version_locations")
    }

    /// Returns the folders of `prepend_sys_path`.
    ///
    /// # Errors
    /// Returns [`ConfigError`] for an unknown `path_separator` and for a value that can't be read.
    pub fn prepend_sys_path(&self) -> Result<Vec<String>, ConfigError> {
        if let Some(text) = self.ini_text("prepend_sys_path")? {
            let separator = self.ini_text("path_separator")?;
            return split(&text, separator.as_deref(), &[' ', ',', ':']);
        }
        Ok(self.list("prepend_sys_path")?.unwrap_or_default())
    }

    /// Returns `revision_environment`: whether `env.py` runs for `revision`, `merge` and `history`.
    ///
    /// # Errors
    /// Returns [`ConfigError::Value`] for a word that is not a boolean.
    pub fn revision_environment(&self) -> Result<bool, ConfigError> {
        if let Some(toml::Value::Boolean(flag)) = self.toml.get("revision_environment")
            && self.ini_text("revision_environment")?.is_none()
        {
            return Ok(*flag);
        }
        match self
            .text("revision_environment")?
            .as_deref()
            .map(|word| word.trim().to_lowercase())
            .as_deref()
        {
            None | Some("false" | "no" | "off" | "n" | "f" | "0" | "") => Ok(false),
            Some("true" | "yes" | "on" | "y" | "t" | "1") => Ok(true),
            Some(other) => Err(ConfigError::Value(format!(
                "`revision_environment` is `{other}`, which is neither true nor false"
            ))),
        }
    }

    /// Returns whether a key is literally `true`, as Alembic reads `sourceless` and `recursive_version_locations`.
    ///
    /// # Errors
    /// Returns [`ConfigError::Refused`] with Alembic's text if the TOML value is not a boolean, and
    /// [`ConfigError::Interpolation`] if a `%(…)s` of the ini's value can't be interpolated.
    pub fn literal_true(&self, key: &str) -> Result<bool, ConfigError> {
        if let Some(text) = self.ini_text(key)? {
            return Ok(text == "true");
        }
        match self.toml.get(key) {
            None => Ok(false),
            Some(toml::Value::Boolean(flag)) => Ok(*flag),
            Some(_) => Err(ConfigError::Refused(format!(
                "boolean value expected for TOML parameter '{key}'"
            ))),
        }
    }

    /// Returns a string of the ini's main section, without `[tool.alembic]`.
    ///
    /// # Errors
    /// Returns [`ConfigError::Interpolation`] if a `%(…)s` of the value can't be interpolated.
    pub fn ini_text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        self.ini
            .as_ref()
            .map_or(Ok(None), |ini| ini.get(&self.section, key))
    }

    fn list(&self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        match self.toml.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => self
                .interpolate_toml(key, text)
                .map(|text| Some(vec![text])),
            Some(toml::Value::Array(items)) => {
                let texts = items.iter().map(|item| match item {
                    toml::Value::String(text) => self.interpolate_toml(key, text),
                    _ => Err(ConfigError::Value(format!(
                        "`{key}` of [tool.alembic] must be a list of strings"
                    ))),
                });
                texts.collect::<Result<Vec<_>, _>>().map(Some)
            }
            Some(_) => Err(ConfigError::Value(format!(
                "`{key}` of [tool.alembic] must be a string or a list of strings"
            ))),
        }
    }

    fn interpolate_toml(&self, key: &str, text: &str) -> Result<String, ConfigError> {
        let lookup = |name: &str| (name == "here").then_some(self.toml_here.as_str());
        interpolate(text, &lookup).map_err(|_| ConfigError::Interpolation {
            path: PathBuf::from(&self.files.toml),
            line: files::line_of_key(Path::new(&self.files.toml), key),
            key: key.to_owned(),
            problem: "only `%(here)s` is available here; write %% for a percent sign".into(),
        })
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
