//! The logging that a stock ini sets up, for the lines that limbeck writes without Python.

use super::{Config, ConfigError};

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
        let handler_level = level(get(&section, "level")?.as_deref());
        let section = format!("formatter_{formatter}");
        let known = ["format", "datefmt"];
        let plain = plain
            && ini
                .keys(&section)
                .iter()
                .all(|key| known.contains(key) || *key == "here");
        // Python reads a format without filling anything in.
        let format = ini.get_as_written(&section, "format").and_then(parse);
        let (Some(format), Some(handler_level), true) = (format, handler_level, plain) else {
            return Ok(None);
        };
        let mut effective = None;
        let mut root_has_handler = false;
        for logger in &loggers {
            let section = format!("logger_{logger}");
            let own = level(get(&section, "level")?.as_deref());
            let handled: Vec<String> = get(&section, "handlers")?
                .unwrap_or_default()
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect();
            let name = get(&section, "qualname")?;
            if logger == "root" {
                root_has_handler = handled == [handler.clone()];
                effective = effective.or(own.filter(|level| *level > 0));
            } else {
                let Some(name) = name else { return Ok(None) };
                let above = name == "alembic" || name.starts_with("alembic.");
                if above
                    && (name != "alembic"
                        || !handled.is_empty()
                        || get(&section, "propagate")?.is_some())
                {
                    return Ok(None);
                }
                if above {
                    effective = own.filter(|level| *level > 0).or(effective);
                }
            }
        }
        let Some(effective) = effective.filter(|_| root_has_handler) else {
            return Ok(None);
        };
        Ok(Some(if effective <= INFO && handler_level <= INFO {
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

/// `None` for a word that Python does not know.
fn level(word: Option<&str>) -> Option<u32> {
    Some(match word {
        None | Some("" | "NOTSET") => 0,
        Some("DEBUG") => 10,
        Some("INFO") => INFO,
        Some("WARN" | "WARNING") => 30,
        Some("ERROR") => 40,
        Some("CRITICAL" | "FATAL") => 50,
        Some(_) => return None,
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
    use super::{LogLines, parse};

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
