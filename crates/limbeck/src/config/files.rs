//! The files of the configuration: selection and reading.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::ConfigError;

/// The names of the two files, as the user or the defaults give them. Either file may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFiles {
    /// The ini's name.
    pub ini: String,
    /// The pyproject file's name.
    pub toml: String,
}

impl ConfigFiles {
    /// Returns the ini's folder if it contains both the ini and `env.py`, as with Flask-Migrate, whose ini has no
    /// `script_location`.
    pub(crate) fn script_folder(&self) -> Option<String> {
        let ini = Path::new(&self.ini);
        let folder = ini.parent()?;
        if !ini.is_file() || !folder.join("env.py").is_file() {
            return None;
        }
        let name = folder.to_str()?;
        Some(if name.is_empty() { "." } else { name }.to_owned())
    }

    /// Returns the ini if it is named and doesn't exist.
    pub(crate) fn missing_ini(&self) -> Option<PathBuf> {
        let ini = Path::new(&self.ini);
        (!self.ini.is_empty() && !ini.exists()).then(|| ini.to_owned())
    }

    /// Selects the files by the values of `-c` and of the variable `ALEMBIC_CONFIG`.
    ///
    /// # Errors
    /// Returns [`ConfigError::Value`] with Alembic's text if two files of one kind are given.
    pub fn select(given: &[String], variable: Option<&str>) -> Result<Self, ConfigError> {
        let mut defaults = Self {
            ini: "alembic.ini".into(),
            toml: "pyproject.toml".into(),
        };
        if let Some(named) = variable.filter(|named| !named.is_empty()) {
            *defaults.name_field_for(named) = named.to_owned();
        }
        let mut files = defaults.clone();
        let (mut ini, mut toml) = (false, false);
        for name in given {
            let (seen, text) = if is_pyproject(name) {
                (&mut toml, "pyproject.toml indicated more than once")
            } else {
                (&mut ini, "only one ini file may be indicated")
            };
            if std::mem::replace(seen, true) {
                return Err(ConfigError::Value(text.into()));
            }
            if !name.is_empty() {
                *files.name_field_for(name) = name.clone();
            }
        }
        Ok(files)
    }

    /// Returns the field for a file of this name: a pyproject file or an ini.
    fn name_field_for(&mut self, name: &str) -> &mut String {
        if is_pyproject(name) {
            &mut self.toml
        } else {
            &mut self.ini
        }
    }
}

fn is_pyproject(name: &str) -> bool {
    Path::new(name)
        .file_name()
        .is_some_and(|name| name == "pyproject.toml")
}

/// Reads a file; returns `None` if the file doesn't exist.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match fs::read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(error) => {
                let start = error.utf8_error().valid_up_to();
                let bytes = error.as_bytes();
                Err(ConfigError::NotUtf8 {
                    path: path.to_owned(),
                    line: memchr::memchr_iter(b'\n', &bytes[..start]).count() + 1,
                    byte: bytes.get(start).copied().unwrap_or_default(),
                })
            }
        },
        // For Python's reader, a file inside a file is missing, too.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(ConfigError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Returns the value of `%(here)s`: the file's folder, absolute, with forward slashes.
pub(super) fn here(path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let absolute = std::path::absolute(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    });
    absolute
        .unwrap_or_else(|_| PathBuf::from(folder))
        .display()
        .to_string()
        .replace('\\', "/")
}

/// Returns the table `[tool.alembic]`; empty if the file has none.
pub(super) fn tool_alembic(path: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    let whole: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The error's `Display` quotes the line, which may contain a password.
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        ConfigError::Toml {
            path: path.to_owned(),
            line: line_at(text, start),
            problem: error.message().to_owned(),
        }
    })?;
    match whole.get("tool").and_then(|tool| tool.get("alembic")) {
        None => Ok(toml::Table::new()),
        Some(toml::Value::Table(table)) => Ok(table.clone()),
        Some(_) => Err(ConfigError::Value(format!(
            "{}: `tool.alembic` must be a table",
            path.display()
        ))),
    }
}

/// The keys of `[tool.limbeck]`.
const LIMBECK_KEYS: [&str; 3] = ["app", "run", "dev"];

/// Reads the value of `name` in `[tool.limbeck]` of the pyproject file; returns `None` if the file or the value doesn't
/// exist.
///
/// # Errors
/// Returns [`ConfigError::Toml`] if the file is not valid TOML, `[tool.limbeck]` has an unknown key or the value doesn't
/// deserialize to `T`, and [`ConfigError::Read`] if the file can't be read.
pub fn tool_limbeck<T: DeserializeOwned>(
    files: &ConfigFiles,
    name: &str,
) -> Result<Option<T>, ConfigError> {
    let path = Path::new(&files.toml);
    let Some(text) = read(path)? else {
        return Ok(None);
    };
    let error_at = |offset: usize, problem: String| ConfigError::Toml {
        path: path.to_owned(),
        line: line_at(&text, offset.min(text.len())),
        problem,
    };
    let to_error = |error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        // The error's `Display` quotes the line, which may contain a password.
        let problem = describe_unknown_field(name, error.message());
        error_at(offset, problem.unwrap_or(error.message().to_owned()))
    };
    let mut whole = DeTable::parse(&text).map_err(to_error)?;
    let tool = whole.get_mut().get_mut("tool");
    let Some(limbeck) = tool.and_then(|tool| get_mut(tool, "limbeck")) else {
        return Ok(None);
    };
    let offset = limbeck.span().start;
    let DeValue::Table(table) = limbeck.get_mut() else {
        let problem = "`tool.limbeck` must be a table".to_owned();
        return Err(error_at(offset, problem));
    };
    if let Some(key) = table
        .keys()
        .find(|key| !LIMBECK_KEYS.contains(&&**key.get_ref()))
    {
        let problem = describe_unknown_key("tool.limbeck", key.get_ref(), &LIMBECK_KEYS);
        return Err(error_at(key.span().start, problem));
    }
    let Some(value) = table.get_mut(name) else {
        return Ok(None);
    };
    let value = std::mem::replace(value, Spanned::new(0..0, DeValue::Boolean(false)));
    T::deserialize(ValueDeserializer::from(value))
        .map(Some)
        .map_err(to_error)
}

/// Returns the problem for serde's message about an unknown field, which quotes the field and then the known ones.
fn describe_unknown_field(table: &str, message: &str) -> Option<String> {
    message.strip_prefix("unknown field ")?;
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    let table = format!("tool.limbeck.{table}");
    Some(describe_unknown_key(&table, unknown, &known))
}

/// Describes an unknown key and names the known key that is most similar to it.
fn describe_unknown_key(table: &str, key: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
    let nearest = nearest.map_or(String::new(), |known| format!("; did you mean `{known}`?"));
    format!("unknown key `{key}` in `[{table}]`{nearest}")
}

fn get_mut<'a, 'text>(
    value: &'a mut Spanned<DeValue<'text>>,
    key: &str,
) -> Option<&'a mut Spanned<DeValue<'text>>> {
    match value.get_mut() {
        DeValue::Table(table) => table.get_mut(key),
        _ => None,
    }
}

/// Returns the line of a key of `[tool.alembic]`, from 1; 1 if unknown.
pub(super) fn line_of_key(path: &Path, key: &str) -> usize {
    let text = fs::read_to_string(path).unwrap_or_default();
    let start = DeTable::parse(&text).ok().and_then(|table| {
        let tool = table.get_ref().get("tool")?.get_ref().as_table()?;
        let alembic = tool.get("alembic")?.get_ref().as_table()?;
        Some(alembic.get_key_value(key)?.0.span().start)
    });
    line_at(&text, start.unwrap_or(0))
}

fn line_at(text: &str, offset: usize) -> usize {
    memchr::memchr_iter(b'\n', &text.as_bytes()[..offset]).count() + 1
}
