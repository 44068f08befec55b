//! The logging that a stock ini sets up, for the lines that limbeck writes without Python.

use super::{Config, ConfigError, Ini};

/// How log lines of `alembic.runtime.migration` at `INFO` look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogLines {
    /// They are not shown.
    Silent,
    /// They go to standard error in this format: text and the places of the message's parts.
    Shown(Vec<Part>),
}

/// A part of a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// The level's name: least width (negative: to the left) and most characters.
    Level(i32, Option<usize>),
    /// The logger's name.
    Name,
    /// The message.
    Message,
}

impl LogLines {
    /// Reads the ini's logging sections; `None` when Python would set up something else than one
    /// stream handler on standard error.
    ///
    /// # Errors
    /// [`ConfigError`] when a value can't be filled in.
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
        let plain = get(&section, "class")?.as_deref() == Some("StreamHandler")
            && get(&section, "args")?
                .as_deref()
                .map(|args| args.replace(' ', ""))
                == Some("(sys.stderr,)".into())
            && get(&section, "formatter")?.as_deref() == Some(formatter);
        let known = ["class", "args", "formatter", "level"];
        let plain = plain && only(ini, &section, &known);
        let handler_level = match get(&section, "level")?.as_deref() {
            // Python leaves a handler's level alone when the word is empty.
            None | Some("") => Some(0),
            Some(word) => level(word),
        };
        let section = format!("formatter_{formatter}");
        let plain = plain && only(ini, &section, &["format", "datefmt"]);
        // Python reads a format without filling anything in.
        let format = ini.get_as_written(&section, "format").and_then(parse);
        let (Some(format), Some(handler_level), true) = (format, handler_level, plain) else {
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
            let ours = ["alembic", "sqlalchemy"]
                .iter()
                .any(|library| name.split('.').next() == Some(library));
            if ours && (!handled.is_empty() || get(&section, "propagate")?.is_some()) {
                return Ok(None);
            }
            match name.as_str() {
                "alembic" => alembic = Some(own),
                "sqlalchemy" | "sqlalchemy.engine" if sqlalchemy.is_none() => {
                    sqlalchemy = Some(own);
                }
                _ if ours => return Ok(None),
                _ => {}
            }
        }
        // A logger of Alembic's that the file does not name is switched off when the file is read.
        let (Some(root), Some(alembic)) = (root, alembic) else {
            return Ok(None);
        };
        let or_root = |own: u32| if own == 0 { root } else { own };
        let sqlalchemy = or_root(sqlalchemy.unwrap_or(0));
        if root <= INFO || sqlalchemy <= INFO || (1..INFO).contains(&alembic) {
            // Other libraries have something to say, too.
            return Ok(None);
        }
        let shown = or_root(alembic) <= INFO && handler_level <= INFO;
        Ok(Some(if shown {
            Self::Shown(format)
        } else {
            Self::Silent
        }))
    }

    /// A line of the logger `alembic.runtime.migration` at `INFO`; `None` when it is not shown.
    pub fn line(&self, message: &str) -> Option<String> {
        let Self::Shown(parts) = self else {
            return None;
        };
        let parts = parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Level(width, most) => {
                let word: String = "INFO".chars().take(most.unwrap_or(usize::MAX)).collect();
                let least = width.unsigned_abs() as usize;
                if *width < 0 {
                    format!("{word:<least$}")
                } else {
                    format!("{word:>least$}")
                }
            }
            Part::Name => "alembic.runtime.migration".into(),
            Part::Message => message.to_owned(),
        });
        Some(parts.collect())
    }
}

const INFO: u32 = 20;

/// Whether a section has no other keys than these.
fn only(ini: &Ini, section: &str, known: &[&str]) -> bool {
    let keys = ini.keys(section);
    keys.iter().all(|key| known.contains(key) || *key == "here")
}

/// `None` for a word that Python does not know.
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

/// A percent format of level, name and message; `None` when there is something else in it.
fn parse(format: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("%(") {
        if before.contains('%') {
            return None;
        }
        parts.push(Part::Text(before.to_owned()));
        let (name, after) = after.split_once(')')?;
        let end = after.find('s')?;
        let (spec, after) = (&after[..end], &after[end + 1..]);
        parts.push(match (name, spec) {
            ("levelname", spec) => {
                let (width, most) = match spec.split_once('.') {
                    Some((width, most)) => (width, Some(most.parse().ok()?)),
                    None => (spec, None),
                };
                Part::Level(
                    if width.is_empty() {
                        0
                    } else {
                        width.parse().ok()?
                    },
                    most,
                )
            }
            ("name", "") => Part::Name,
            ("message", "") => Part::Message,
            _ => return None,
        });
        rest = after;
    }
    if rest.contains('%') {
        return None;
    }
    parts.push(Part::Text(rest.to_owned()));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{LogLines, parse};
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
    fn what_python_would_show() {
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
        // Python refuses these words, or something else than the stock lines would appear.
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
    fn the_stock_format() {
        let parts = parse("%(levelname)-5.5s [%(name)s] %(message)s").unwrap();
        let line = LogLines::Shown(parts)
            .line("Context impl SQLiteImpl.")
            .unwrap();
        assert_eq!(
            line,
            "INFO  [alembic.runtime.migration] Context impl SQLiteImpl."
        );
        assert_eq!(parse("%(asctime)s %(message)s"), None);
        assert_eq!(parse("100%% %(message)s"), None);
    }
}
