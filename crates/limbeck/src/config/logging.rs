//! The logging configuration of a stock ini, for log lines that limbeck writes without Python.

use super::{Config, ConfigError, Ini};

/// The output of `INFO` log lines of `alembic.runtime.migration`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogLines {
    /// The lines are not shown.
    Silent,
    /// The lines go to standard error in this format.
    Shown(Vec<FormatPart>),
}

/// A part of a log line's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatPart {
    /// Literal text.
    Text(String),
    /// The level's name.
    Level {
        /// The minimum number of characters; negative to align the name to the left.
        width: i32,
        /// The maximum number of characters.
        max_length: Option<usize>,
    },
    /// The logger's name.
    Name,
    /// The message.
    Message,
}

impl LogLines {
    /// Reads the ini's logging sections. Returns `None` if they configure anything but one stream handler on standard error
    /// with the stock format's fields, or if other log lines could appear.
    ///
    /// # Errors
    /// Returns [`ConfigError::Interpolation`] if a `%(…)s` of a value can't be interpolated.
    pub fn read(config: &Config) -> Result<Option<Self>, ConfigError> {
        let Some(ini) = config.ini() else {
            return Ok(None);
        };
        let get = |section: &str, key: &str| ini.get(section, key);
        let names = |section: &str| -> Result<Vec<String>, ConfigError> {
            let list = get(section, "keys")?.unwrap_or_default();
            Ok(list
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect())
        };
        let (loggers, handlers, formatters) =
            (names("loggers")?, names("handlers")?, names("formatters")?);
        let ([handler], [formatter]) = (handlers.as_slice(), formatters.as_slice()) else {
            return Ok(None);
        };
        let section = format!("handler_{handler}");
        let is_stock = get(&section, "class")?.as_deref() == Some("StreamHandler")
            && get(&section, "args")?
                .as_deref()
                .map(|args| args.replace(' ', ""))
                == Some("(sys.stderr,)".into())
            && get(&section, "formatter")?.as_deref() == Some(formatter);
        let known = ["class", "args", "formatter", "level"];
        let is_stock = is_stock && has_only(ini, &section, &known);
        let handler_level = match get(&section, "level")?.as_deref() {
            // Python ignores an empty level of a handler.
            None | Some("") => Some(0),
            Some(word) => level(word),
        };
        let section = format!("formatter_{formatter}");
        let is_stock = is_stock && has_only(ini, &section, &["format", "datefmt"]);
        // Python reads a format without interpolation.
        let format = ini
            .get_as_written(&section, "format")
            .and_then(parse_format);
        let (Some(format), Some(handler_level), true) = (format, handler_level, is_stock) else {
            return Ok(None);
        };
        let mut root = None;
        let mut alembic = None;
        let mut sqlalchemy = None;
        for logger in &loggers {
            let section = format!("logger_{logger}");
            let Some(own) = get(&section, "level")?.as_deref().map_or(Some(0), level) else {
                return Ok(None);
            };
            let handled: Vec<String> = get(&section, "handlers")?
                .unwrap_or_default()
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect();
            if logger == "root" {
                if handled != [handler.clone()] {
                    return Ok(None);
                }
                root = Some(own);
                continue;
            }
            let Some(name) = get(&section, "qualname")? else {
                return Ok(None);
            };
            let is_library_logger = ["alembic", "sqlalchemy"]
                .iter()
                .any(|library| name.split('.').next() == Some(library));
            if is_library_logger && (!handled.is_empty() || get(&section, "propagate")?.is_some()) {
                return Ok(None);
            }
            match name.as_str() {
                "alembic" => alembic = Some(own),
                "sqlalchemy" | "sqlalchemy.engine" if sqlalchemy.is_none() => {
                    sqlalchemy = Some(own);
                }
                _ if is_library_logger => return Ok(None),
                _ => {}
            }
        }
        // Reading the file disables Alembic's loggers if the file doesn't name them.
        let (Some(root), Some(alembic)) = (root, alembic) else {
            return Ok(None);
        };
        let or_root = |own: u32| if own == 0 { root } else { own };
        let sqlalchemy = or_root(sqlalchemy.unwrap_or(0));
        if root <= INFO || sqlalchemy <= INFO || (1..INFO).contains(&alembic) {
            // Log lines of other loggers would appear, too.
            return Ok(None);
        }
        let is_shown = or_root(alembic) <= INFO && handler_level <= INFO;
        Ok(Some(if is_shown {
            Self::Shown(format)
        } else {
            Self::Silent
        }))
    }

    /// Returns the log line for a message; `None` if log lines are not shown.
    pub fn line(&self, message: &str) -> Option<String> {
        let Self::Shown(parts) = self else {
            return None;
        };
        let parts = parts.iter().map(|part| match part {
            FormatPart::Text(text) => text.clone(),
            FormatPart::Level { width, max_length } => {
                let max_length = max_length.unwrap_or(usize::MAX);
                let word: String = "INFO".chars().take(max_length).collect();
                let min_length = width.unsigned_abs() as usize;
                if *width < 0 {
                    format!("{word:<min_length$}")
                } else {
                    format!("{word:>min_length$}")
                }
            }
            FormatPart::Name => "alembic.runtime.migration".into(),
            FormatPart::Message => message.to_owned(),
        });
        Some(parts.collect())
    }
}

/// Python's number of the level `INFO`.
const INFO: u32 = 20;

/// Returns whether a section has no other keys than these.
fn has_only(ini: &Ini, section: &str, known: &[&str]) -> bool {
    let keys = ini.keys(section);
    keys.iter().all(|key| known.contains(key) || *key == "here")
}

/// Returns the number of a level; `None` for a word that Python rejects.
fn level(word: &str) -> Option<u32> {
    Some(match word {
        "NOTSET" => 0,
        "DEBUG" => 10,
        "INFO" => INFO,
        "WARN" | "WARNING" => 30,
        "ERROR" => 40,
        "CRITICAL" | "FATAL" => 50,
        _ => return None,
    })
}

/// Parses a percent format of level, name and message. Returns `None` if the format has other fields.
fn parse_format(format: &str) -> Option<Vec<FormatPart>> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("%(") {
        if before.contains('%') {
            return None;
        }
        parts.push(FormatPart::Text(before.to_owned()));
        let (name, after) = after.split_once(')')?;
        let end = after.find('s')?;
        let (spec, after) = (&after[..end], &after[end + 1..]);
        parts.push(match (name, spec) {
            ("levelname", spec) => {
                let (width, max_length) = match spec.split_once('.') {
                    Some((width, max_length)) => (width, Some(max_length.parse().ok()?)),
                    None => (spec, None),
                };
                let width = match width {
                    "" => 0,
                    width => width.parse().ok()?,
                };
                FormatPart::Level { width, max_length }
            }
            ("name", "") => FormatPart::Name,
            ("message", "") => FormatPart::Message,
            _ => return None,
        });
        rest = after;
    }
    if rest.contains('%') {
        return None;
    }
    parts.push(FormatPart::Text(rest.to_owned()));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{LogLines, parse_format};
    use crate::config::{Config, ConfigFiles};

    const STOCK: &str = "\
[loggers]
keys = root,sqlalchemy,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
qualname =
[logger_sqlalchemy]
level = WARNING
handlers =
qualname = sqlalchemy.engine
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
datefmt = %H:%M:%S
";

    #[test]
    fn shows_the_lines_that_python_would_show() {
        let check = |from: &str, to: &str, expected: Option<bool>| {
            assert!(STOCK.contains(from), "{from}");
            let folder = tempfile::tempdir().unwrap();
            let ini = folder.path().join("alembic.ini");
            fs::write(&ini, STOCK.replacen(from, to, 1)).unwrap();
            let files = ConfigFiles {
                ini: ini.display().to_string(),
                toml: folder.path().join("pyproject.toml").display().to_string(),
            };
            let config = Config::load(&files, "alembic").unwrap();
            let lines = LogLines::read(&config).unwrap();
            let shown = lines.map(|lines| lines != LogLines::Silent);
            assert_eq!(shown, expected, "{from} -> {to}");
        };
        check("", "", Some(true));
        check("level = INFO", "level = WARNING", Some(false));
        check("level = NOTSET", "level = ERROR", Some(false));
        check("level = NOTSET", "level =", Some(true));
        check("level = INFO\n", "", Some(false));
        check("level = INFO", "level = NOTSET", Some(false));
        // Python rejects the configuration, or lines other than the stock lines would appear.
        check("level = INFO", "level = info", None);
        check("level = INFO", "level =", None);
        check("level = INFO", "level = DEBUG", None);
        check("level = WARNING", "level = DEBUG", None);
        check("level = WARNING", "level = INFO", None);
        check("root,sqlalchemy,alembic", "root", None);
        check("root,sqlalchemy,alembic", "sqlalchemy,alembic", None);
        check("level = NOTSET", "kwargs = {}", None);
        check("(sys.stderr,)", "(sys.stdout,)", None);
        check("handlers = console", "handlers =", None);
        check("formatter = generic", "formatter = other", None);
    }

    #[test]
    fn writes_lines_in_the_stock_format() {
        let parts = parse_format("%(levelname)-5.5s [%(name)s] %(message)s").unwrap();
        let line = LogLines::Shown(parts)
            .line("Context impl SQLiteImpl.")
            .unwrap();
        assert_eq!(
            line,
            "INFO  [alembic.runtime.migration] Context impl SQLiteImpl."
        );
        assert_eq!(parse_format("%(asctime)s %(message)s"), None);
        assert_eq!(parse_format("100%% %(message)s"), None);
    }
}
