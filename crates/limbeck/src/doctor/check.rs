//! The checks of the doctor, and their stable ids.

use std::fmt;
use std::path::{Path, PathBuf};

/// The severity of a check, the least severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// No problem.
    Ok,
    /// A fact worth knowing, or a check that could not be done.
    Note,
    /// A problem that may appear elsewhere: under plain Alembic, with another password, or on an untrusted network.
    Warning,
    /// A failure under limbeck, or with the URL's own driver.
    Error,
}

impl Severity {
    /// All severities.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Note, Self::Warning, Self::Error];
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! ids {
    ($($name:ident $text:literal $description:literal),* $(,)?) => {
        /// The id of a check. `Display` writes the stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum CheckId {
            $(#[doc = $description] $name,)*
        }

        impl CheckId {
            /// All ids, in the order of the output.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns the condition or the fact that the check reports on.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$name => $description,)*
                }
            }
        }
    };
}

ids! {
    ConfigFile "config.file" "The configuration exists and can be read.",
    ConfigScriptLocation "config.script-location" "`script_location` is set, and its folder exists.",
    ConfigPrependSysPath "config.prepend-sys-path" "The folders of `prepend_sys_path` exist.",
    ConfigPercent "config.percent" "Percent signs in values of the ini are doubled.",
    EnvFile "env.file" "`env.py` exists and is valid Python.",
    EnvShape "env.shape" "The template of `env.py`, and whether limbeck reads `env.py` without Python.",
    EnvReplacedDriver "env.replaced-driver" "`env.py` does not replace the driver in the URL's text, which would keep the parameters of the old driver.",
    EnvUrlAsText "env.url-as-text" "`env.py` does not convert a URL object with `str()`, which would mask the password.",
    EnvPercent "env.percent" "`env.py` doubles percent signs for `set_main_option`.",
    UrlSource "url.source" "The source of the URL, and the server that it names.",
    UrlReadable "url.readable" "The URL can be read, and has only one meaning.",
    UrlPlaceholder "url.placeholder" "The URL is not the template's placeholder.",
    UrlMaskedPassword "url.masked-password" "The password is not `***`, SQLAlchemy's mask.",
    UrlEncoding "url.encoding" "Special characters of the password are percent-encoded.",
    UrlDialect "url.dialect" "The URL's scheme is a dialect of SQLAlchemy.",
    UrlAsyncDriver "url.async-driver" "The URL of a synchronous `env.py` names no asynchronous driver, which only limbeck supports.",
    UrlSyncDriver "url.sync-driver" "The URL of an asynchronous `env.py` names an asynchronous driver, which only plain Alembic needs.",
    UrlParameters "url.parameters" "The URL's driver accepts each parameter of the URL.",
    UrlTls "url.tls" "The certificate of a remote server is verified.",
    UrlPooler "url.pooler" "No prepared statements go through a pooler in transaction mode.",
    PythonInterpreter "python.interpreter" "The Python interpreter that runs `env.py` and the scripts, and the reason for the choice.",
    PythonAlembic "python.alembic" "The interpreter has Alembic and SQLAlchemy, in versions that limbeck supports.",
    PythonDrivers "python.drivers" "The database drivers of the interpreter.",
    PythonPlainAlembic "python.plain-alembic" "Plain Alembic could use the URL with this interpreter; limbeck needs no driver.",
    HistoryScripts "history.scripts" "The revision scripts can be read and are valid Python.",
    HistoryStatic "history.static" "The scripts contain their ids as literals, so limbeck lists the scripts without Python.",
    HistoryDownRevision "history.down-revision" "Each script declares its `down_revision`.",
    HistoryMissing "history.missing" "Each revision that a script refers to exists.",
    HistoryCycle "history.cycle" "The revisions form no cycle, and the ids and labels are valid.",
    HistoryDuplicate "history.duplicate" "No two scripts declare the same id.",
    HistoryHeads "history.heads" "The history has one head, or each head has a branch label.",
    HistoryIdLength "history.id-length" "Each id fits the 32 characters of the version table's column.",
    DatabaseConnection "database.connection" "The database accepts a connection.",
    DatabaseTls "database.tls" "The protection of the open connection.",
    DatabasePooler "database.pooler" "The pooler in front of the server, if there is one.",
    DatabaseWriting "database.writing" "The database is not read-only.",
    DatabaseRights "database.rights" "The user has the privileges that migrations need.",
    DatabaseVersionWidth "database.version-width" "The longest id fits the version table's column.",
    DatabaseRows "database.rows" "The history contains each revision of the version table.",
    DatabaseState "database.state" "The state of the database: at head, or the number of pending revisions.",
}

impl fmt::Display for CheckId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The check's id.
    pub id: CheckId,
    /// The severity.
    pub severity: Severity,
    /// A description of the result, without secrets.
    pub message: String,
    /// The file with the problem or the fact.
    pub file: Option<PathBuf>,
    /// The line in the file, from 1.
    pub line: Option<usize>,
    /// The next step: a text, or a command in backticks.
    pub fix: Option<String>,
}

impl CheckId {
    fn check(self, severity: Severity, message: impl Into<String>) -> Check {
        Check {
            id: self,
            severity,
            message: message.into(),
            file: None,
            line: None,
            fix: None,
        }
    }

    pub(super) fn ok(self, message: impl Into<String>) -> Check {
        self.check(Severity::Ok, message)
    }

    pub(super) fn note(self, message: impl Into<String>) -> Check {
        self.check(Severity::Note, message)
    }

    pub(super) fn warning(self, message: impl Into<String>) -> Check {
        self.check(Severity::Warning, message)
    }

    pub(super) fn error(self, message: impl Into<String>) -> Check {
        self.check(Severity::Error, message)
    }

    /// Returns the note about a check that could not be done. `subject` is what was not checked.
    pub(super) fn not_checked(self, subject: &str, reason: &str) -> Check {
        self.note(format!("not checked: {subject}, because {reason}"))
    }
}

impl Check {
    pub(super) fn at(mut self, file: &Path, line: Option<usize>) -> Self {
        self.file = Some(file.to_owned());
        self.line = line;
        self
    }

    pub(super) fn fix(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(text.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::CheckId;

    /// Returns the rows of the table in the documentation: id and description.
    fn documented() -> Vec<(String, String)> {
        let text = include_str!("../../../../docs/doctor.md");
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.splitn(2, "` | ");
            let (id, description) = (cells.next()?, cells.next()?);
            id.contains('.')
                .then(|| (id.to_owned(), description.trim_end_matches(" |").to_owned()))
        });
        rows.collect()
    }

    #[test]
    fn matches_the_documentation() {
        let code: Vec<_> = CheckId::ALL
            .iter()
            .map(|id| (id.name().to_owned(), id.description().to_owned()))
            .collect();
        assert_eq!(documented(), code);
    }
}
