//! Parser of `alembic.ini` with the rules of Python's `ConfigParser`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::interpolate::{InterpolationError, interpolate};
use super::{ConfigError, files};

/// A parsed ini file. `Debug` omits the values.
#[derive(Debug, Clone, Default)]
pub struct Ini {
    path: PathBuf,
    /// Names and values for interpolation, such as `here`. The file's `[DEFAULT]` takes precedence.
    arguments: Vec<(String, String)>,
    defaults: Vec<Entry>,
    sections: Vec<(String, Vec<Entry>)>,
}

#[derive(Clone)]
struct Entry {
    key: String,
    value: String,
    /// The line in the file, from 1; 0 for a value that is not from the file.
    line: usize,
}

impl fmt::Debug for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be a URL with a password.
        write!(out, "{} (line {})", self.key, self.line)
    }
}

impl Ini {
    /// Parses the text of a file. `arguments` are names and values for interpolation.
    ///
    /// # Errors
    /// Returns [`ConfigError::Ini`] for a line that Python's `ConfigParser` rejects.
    pub fn parse(
        path: &Path,
        text: &str,
        arguments: Vec<(String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut ini = Self {
            path: path.to_owned(),
            arguments,
            ..Self::default()
        };
        ini.parse_lines(text)?;
        Ok(ini)
    }

    /// Returns an empty ini. `name` is the name of a file that doesn't exist, or empty.
    pub(super) fn without_file(name: &str) -> Self {
        let path = PathBuf::from(name);
        // Without a name, Alembic leaves `here` empty.
        let here = if name.is_empty() {
            String::new()
        } else {
            files::here(&path)
        };
        Self {
            arguments: vec![("here".into(), here)],
            path,
            ..Self::default()
        }
    }

    /// Overrides a value, as Python's `ConfigParser.set` does. Creates the section if it doesn't exist.
    pub fn set(&mut self, section: &str, key: &str, value: &str) {
        let entries = if section == "DEFAULT" {
            &mut self.defaults
        } else {
            let known = self.sections.iter().position(|(name, _)| name == section);
            let index = known.unwrap_or_else(|| {
                self.sections.push((section.to_owned(), Vec::new()));
                self.sections.len() - 1
            });
            &mut self.sections[index].1
        };
        let key = key.to_lowercase();
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value.to_owned(),
            None => entries.push(Entry {
                key,
                value: value.to_owned(),
                line: 0,
            }),
        }
    }

    /// Returns whether the file has a section. `DEFAULT` is not a section.
    pub fn has_section(&self, section: &str) -> bool {
        self.sections.iter().any(|(name, _)| name == section)
    }

    /// Returns the names of the sections, in the order of the file.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|(name, _)| name.as_str())
    }

    /// Returns an interpolated value of a section, or else of `[DEFAULT]`; `None` if the section or the key is missing.
    ///
    /// # Errors
    /// Returns [`ConfigError::Interpolation`] if a `%(…)s` of the value can't be interpolated.
    pub fn get(&self, section: &str, key: &str) -> Result<Option<String>, ConfigError> {
        let Some(entries) = self.entries(section) else {
            return Ok(None);
        };
        let key = key.to_lowercase();
        let Some((raw, line)) = self.raw(entries, &key) else {
            return Ok(None);
        };
        interpolate(raw, &|name| self.raw(entries, name).map(|(value, _)| value))
            .map(Some)
            .map_err(|error| {
                let problem = match error {
                    InterpolationError::Syntax => {
                        "'%' must be followed by '%' or '('; write %% for a percent sign".into()
                    }
                    InterpolationError::Missing(name) => {
                        format!("there is no key `{name}` for `%({name})s`")
                    }
                    InterpolationError::Depth => "the values refer to each other in a cycle".into(),
                };
                ConfigError::Interpolation {
                    path: self.path.clone(),
                    line,
                    key,
                    problem,
                }
            })
    }

    /// Returns a value of a section, or else of `[DEFAULT]`, without interpolation.
    pub fn get_as_written(&self, section: &str, key: &str) -> Option<&str> {
        self.raw(self.entries(section)?, key)
            .map(|(value, _)| value)
    }

    /// Returns the line of a value of a section, or else of `[DEFAULT]`; `None` if the value is not from the file.
    pub fn line(&self, section: &str, key: &str) -> Option<usize> {
        let (_, line) = self.raw(self.entries(section)?, key)?;
        (line > 0).then_some(line)
    }

    /// Returns the keys of a section, then the keys of `[DEFAULT]`.
    pub fn keys(&self, section: &str) -> Vec<&str> {
        let own = self.entries(section).unwrap_or_default();
        own.iter()
            .chain(&self.defaults)
            .map(|entry| entry.key.as_str())
            .collect()
    }

    fn entries(&self, section: &str) -> Option<&[Entry]> {
        self.sections
            .iter()
            .find(|(name, _)| name == section)
            .map(|(_, entries)| entries.as_slice())
    }

    fn raw<'a>(&'a self, entries: &'a [Entry], key: &str) -> Option<(&'a str, usize)> {
        let own = entries
            .iter()
            .chain(&self.defaults)
            .find(|entry| entry.key == key);
        own.map(|entry| (entry.value.as_str(), entry.line))
            .or_else(|| {
                let argument = self.arguments.iter().find(|(name, _)| name == key);
                argument.map(|(_, value)| (value.as_str(), 0))
            })
    }

    fn parse_lines(&mut self, text: &str) -> Result<(), ConfigError> {
        let mut section: Option<OpenSection> = None;
        let mut indent = 0;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let problem = |problem: String| ConfigError::Ini {
                path: self.path.clone(),
                line: number,
                problem,
            };
            let value = line.trim();
            let is_comment = value.starts_with(['#', ';']);
            let continues = section.as_ref().is_some_and(|current| current.in_value);
            if value.is_empty() || is_comment {
                if continues && !is_comment {
                    self.append_to_last_value(section.as_ref(), "");
                }
                continue;
            }
            let own_indent = line.chars().take_while(|c| c.is_whitespace()).count();
            if continues && own_indent > indent {
                self.append_to_last_value(section.as_ref(), value);
                continue;
            }
            indent = own_indent;
            if let Some(name) = section_name(value) {
                if name != "DEFAULT" {
                    if self.has_section(name) {
                        return Err(problem(format!("section `{name}` already exists")));
                    }
                    self.sections.push((name.to_owned(), Vec::new()));
                }
                section = Some(OpenSection {
                    is_default: name == "DEFAULT",
                    in_value: false,
                });
                continue;
            }
            let Some(current) = &mut section else {
                return Err(problem(
                    "there is no section header before this line".into(),
                ));
            };
            let Some((key, text)) = value.split_once(['=', ':']) else {
                return Err(problem("a line needs the form `key = value`".into()));
            };
            let key = key.trim_end().to_lowercase();
            if key.is_empty() {
                return Err(problem("there is no key before the delimiter".into()));
            }
            let entries = if current.is_default {
                &mut self.defaults
            } else {
                match self.sections.last_mut() {
                    Some((_, entries)) => entries,
                    None => &mut self.defaults,
                }
            };
            if entries.iter().any(|entry| entry.key == key) {
                return Err(problem(format!(
                    "option `{key}` already exists in this section"
                )));
            }
            entries.push(Entry {
                key,
                value: text.trim().to_owned(),
                line: number,
            });
            current.in_value = true;
        }
        let all = self
            .sections
            .iter_mut()
            .flat_map(|(_, entries)| entries)
            .chain(&mut self.defaults);
        for entry in all {
            entry.value.truncate(entry.value.trim_end().len());
        }
        Ok(())
    }

    /// Adds a line to the last value.
    fn append_to_last_value(&mut self, current: Option<&OpenSection>, line: &str) {
        let entries = match current {
            Some(current) if current.is_default => Some(&mut self.defaults),
            _ => self.sections.last_mut().map(|(_, entries)| entries),
        };
        if let Some(entry) = entries.and_then(|entries| entries.last_mut()) {
            entry.value.push('\n');
            entry.value.push_str(line);
        }
    }
}

/// The section of the line that is being parsed.
struct OpenSection {
    is_default: bool,
    /// `true` if an indented line continues the last value.
    in_value: bool,
}

/// Returns the name in a section header.
fn section_name(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('[')?;
    let (name, _) = inside.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Ini;

    fn parse(text: &str) -> Ini {
        Ini::parse(Path::new("a.ini"), text, vec![("here".into(), "/h".into())]).unwrap()
    }

    #[test]
    fn reads_values_as_configparser_does() {
        let ini = parse(
            "[DEFAULT]\nroot = /r\n[alembic]\n# comment\nScript_Location = %(here)s/a\nlist: one\n    two\n\n  ; not this\n    three\n\npercent = a%%b\ninline = x ; y\nurl=p://u:%%40@h\nempty =\nref = %(root)s/%(list)s\n[b]\n",
        );
        let check = |key: &str, value: Option<&str>| {
            assert_eq!(ini.get("alembic", key).unwrap().as_deref(), value, "{key}");
        };
        check("script_location", Some("/h/a"));
        check("SCRIPT_LOCATION", Some("/h/a"));
        check("list", Some("one\ntwo\n\nthree"));
        check("percent", Some("a%b"));
        check("inline", Some("x ; y"));
        check("url", Some("p://u:%40@h"));
        check("empty", Some(""));
        check("root", Some("/r"));
        check("ref", Some("/r/one\ntwo\n\nthree"));
        check("gone", None);
        assert_eq!(ini.get("none", "list").unwrap(), None);
        assert_eq!(ini.get("b", "here").unwrap().as_deref(), Some("/h"));
    }

    #[test]
    fn overrides_values_of_the_file() {
        let mut ini = parse("[DEFAULT]\nroot = /r\n[alembic]\nurl = %(root)s/a\n");
        ini.set("alembic", "URL", "%(root)s/b%%40");
        ini.set("other", "key", "%(here)s");
        ini.set("DEFAULT", "root", "/s");
        let get = |section, key| ini.get(section, key).unwrap();
        assert_eq!(get("alembic", "url").as_deref(), Some("/s/b%40"));
        assert_eq!(get("other", "key").as_deref(), Some("/h"));
        assert_eq!(ini.keys("alembic"), ["url", "root"]);
    }

    #[test]
    fn reports_problems_with_file_and_line() {
        let check = |text: &str, expected: &str| {
            let problem = match Ini::parse(Path::new("a.ini"), text, Vec::new()) {
                Ok(ini) => ini.get("a", "k").unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(problem, expected);
        };
        check(
            "k = v\n",
            "a.ini:1: there is no section header before this line",
        );
        check(
            "[a]\nk = 1\nK = 2\n",
            "a.ini:3: option `k` already exists in this section",
        );
        check("[a]\n\n[a]\n", "a.ini:3: section `a` already exists");
        check(
            "[a]\nnothing\n",
            "a.ini:2: a line needs the form `key = value`",
        );
        check(
            "[a]\n\nk = 50%\n",
            "a.ini:3: the value of `k` can't be used: '%' must be followed by '%' or '('; write %% for a percent sign",
        );
        check(
            "[a]\nk = %(x)s\n",
            "a.ini:2: the value of `k` can't be used: there is no key `x` for `%(x)s`",
        );
        check(
            "[a]\nk = %(k)s\n",
            "a.ini:2: the value of `k` can't be used: the values refer to each other in a cycle",
        );
    }
}
