//! `alembic.ini` and `[tool.alembic]` of `pyproject.toml`, and how they combine.

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

/// The configuration of a project. `Debug` shows no value.
#[derive(Clone)]
pub struct Config {
    section: String,
    files: ConfigFiles,
    ini: Option<Ini>,
    toml: toml::Table,
    toml_here: String,
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
    /// Reads the files that are there; a missing one is not an error by itself.
    ///
    /// # Errors
    /// [`ConfigError`] names file and line.
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
        })
    }

    /// Sets a value of the ini in place of the file's; where there is no file, it is as if there were one.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        let files = &self.files;
        let ini = self
            .ini
            .get_or_insert_with(|| Ini::without_file(&files.ini));
        ini.set(section, key, value);
    }

    /// The files that it was read from.
    pub fn files(&self) -> &ConfigFiles {
        &self.files
    }

    /// The ini file, when there is one.
    pub fn ini(&self) -> Option<&Ini> {
        self.ini.as_ref()
    }

    /// Where the value of a key stands: file and line.
    pub fn place(&self, key: &str) -> Option<(PathBuf, usize)> {
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

    /// Whether there is a table `[tool.alembic]`.
    pub fn has_toml(&self) -> bool {
        !self.toml.is_empty()
    }

    /// The ini's main section: `alembic`, or what `-n` says.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// A text of the ini's main section, else of `[tool.alembic]`.
    ///
    /// # Errors
    /// [`ConfigError`] when its `%(…)s` can't be filled in.
    pub fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        match self.ini_text(key)? {
            Some(text) => Ok(Some(text)),
            None => match self.toml.get(key) {
                Some(toml::Value::String(text)) => self.fill(key, text).map(Some),
                // Alembic's switches are booleans there; who asks for one looks for itself.
                Some(toml::Value::Boolean(_)) | None => Ok(None),
                Some(_) => Err(ConfigError::Value(format!(
                    "{}: `{key}` of [tool.alembic] must be a text",
                    self.files.toml
                ))),
            },
        }
    }

    /// `script_location`.
    ///
    /// # Errors
    /// Alembic's refusal when there is none.
    pub fn script_location(&self) -> Result<String, ConfigError> {
        self.text("script_location")?
            .filter(|location| !location.is_empty())
            .ok_or_else(|| {
                ConfigError::Refused("No 'script_location' key found in configuration.".into())
            })
    }

    /// `version_locations`, split; none when the key is absent.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an unknown `path_separator`.
    pub fn version_locations(&self) -> Result<Option<Vec<String>>, ConfigError> {
        // Alembic takes an empty list for none at all.
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

    /// `prepend_sys_path`, split.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an unknown `path_separator`.
    pub fn prepend_sys_path(&self) -> Result<Vec<String>, ConfigError> {
        if let Some(text) = self.ini_text("prepend_sys_path")? {
            let separator = self.ini_text("path_separator")?;
            return split(&text, separator.as_deref(), &[' ', ',', ':']);
        }
        Ok(self.list("prepend_sys_path")?.unwrap_or_default())
    }

    /// `revision_environment`: whether `env.py` runs for `revision`, `merge` and `history`.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for a word that is no truth value.
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

    /// A key that is on only when it is literally `true`: `sourceless`, `recursive_version_locations`.
    ///
    /// # Errors
    /// [`ConfigError::Value`] when the TOML value is no boolean.
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

    /// A text of the ini's main section alone.
    ///
    /// # Errors
    /// [`ConfigError`] when its `%(…)s` can't be filled in.
    pub fn ini_text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        self.ini
            .as_ref()
            .map_or(Ok(None), |ini| ini.get(&self.section, key))
    }

    fn list(&self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        match self.toml.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => self.fill(key, text).map(|text| Some(vec![text])),
            Some(toml::Value::Array(items)) => {
                let texts = items.iter().map(|item| match item {
                    toml::Value::String(text) => self.fill(key, text),
                    _ => Err(ConfigError::Value(format!(
                        "`{key}` of [tool.alembic] must be a list of texts"
                    ))),
                });
                texts.collect::<Result<Vec<_>, _>>().map(Some)
            }
            Some(_) => Err(ConfigError::Value(format!(
                "`{key}` of [tool.alembic] must be a text or a list"
            ))),
        }
    }

    fn fill(&self, key: &str, text: &str) -> Result<String, ConfigError> {
        let lookup = |name: &str| (name == "here").then_some(self.toml_here.as_str());
        interpolate(text, &lookup).map_err(|_| ConfigError::Interpolation {
            path: PathBuf::from(&self.files.toml),
            line: files::line_of_key(Path::new(&self.files.toml), key),
            key: key.to_owned(),
            problem: "only `%(here)s` can be filled in; write %% for a percent sign".into(),
        })
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
