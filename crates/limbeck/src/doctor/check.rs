//! What the doctor says: checks with stable names.

use std::fmt;
use std::path::{Path, PathBuf};

/// How bad something is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is right.
    Ok,
    /// Something to know; also a check that could not be done.
    Note,
    /// It works here and now, and may fail elsewhere: under plain Alembic, or with another password.
    Warning,
    /// It will fail, under limbeck or with the URL's own driver.
    Error,
}

impl Severity {
    /// All of them.
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
    ($($name:ident $text:literal $meaning:literal),* $(,)?) => {
        /// The checks; `Display` gives the stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Id {
            $(#[doc = $meaning] $name,)*
        }

        impl Id {
            /// All of them, in the order of the examination.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What is looked at.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }
        }
    };
}

ids! {
    ConfigFile "config.file" "The configuration is there and can be read.",
    ConfigScriptLocation "config.script-location" "`script_location` is set, and its folder is there.",
    ConfigPrependSysPath "config.prepend-sys-path" "The folders of `prepend_sys_path` are there.",
    ConfigPercent "config.percent" "Percent signs in values of the ini are doubled.",
    EnvFile "env.file" "`env.py` is there and is Python.",
    EnvShape "env.shape" "Which template `env.py` is, and whether limbeck reads it without Python.",
    EnvReplacedDriver "env.replaced-driver" "`env.py` does not replace the URL's driver as text, which leaves its parameters behind.",
    EnvUrlAsText "env.url-as-text" "`env.py` does not make a text of a URL object, which masks the password.",
    EnvPercent "env.percent" "`env.py` doubles percent signs for `set_main_option`.",
    UrlSource "url.source" "Where the URL comes from, and which server it means.",
    UrlReadable "url.readable" "The URL can be read, and in one way only.",
    UrlPlaceholder "url.placeholder" "The URL is not the template's placeholder.",
    UrlMaskedPassword "url.masked-password" "The password is not `***`, which is how SQLAlchemy prints one.",
    UrlEncoding "url.encoding" "The password's special characters are percent-encoded.",
    UrlDialect "url.dialect" "The URL's scheme is one of SQLAlchemy's.",
    UrlAsyncDriver "url.async-driver" "A synchronous `env.py` has no asynchronous driver, which only limbeck runs.",
    UrlSyncDriver "url.sync-driver" "An asynchronous `env.py` has an asynchronous driver, which limbeck does not need.",
    UrlParameters "url.parameters" "The URL's driver takes each of its parameters.",
    UrlTls "url.tls" "The certificate of a server elsewhere is verified.",
    UrlPooler "url.pooler" "Prepared statements don't go through a pooler by transaction.",
    PythonInterpreter "python.interpreter" "Which Python interpreter runs `env.py` and the scripts, and why.",
    PythonAlembic "python.alembic" "It has Alembic and SQLAlchemy, in versions that limbeck knows.",
    PythonDrivers "python.drivers" "Which database drivers it has.",
    PythonPlainAlembic "python.plain-alembic" "Plain Alembic could run the URL there; limbeck needs no driver.",
    HistoryScripts "history.scripts" "The revision scripts can be read and are Python.",
    HistoryStatic "history.static" "The scripts state their ids, so that no Python is needed to list them.",
    HistoryDownRevision "history.down-revision" "Each script declares its `down_revision`.",
    HistoryMissing "history.missing" "Each revision that a script refers to is there.",
    HistoryCycle "history.cycle" "No revision comes before itself, and the ids and labels are usable.",
    HistoryDuplicate "history.duplicate" "No id is declared by two scripts.",
    HistoryHeads "history.heads" "There is one head, or each has a branch label.",
    HistoryIdLength "history.id-length" "The ids fit the version table's 32 characters.",
    DatabaseConnection "database.connection" "The database answers.",
    DatabaseTls "database.tls" "How the open connection is protected.",
    DatabasePooler "database.pooler" "Whether a pooler stands before the server.",
    DatabaseWriting "database.writing" "The database is not read-only.",
    DatabaseRights "database.rights" "The user has the rights that migrations need.",
    DatabaseVersionWidth "database.version-width" "The version table's column takes the longest id.",
    DatabaseRows "database.rows" "The revisions in the version table are in the history.",
    DatabaseState "database.state" "Where the database stands: at head, or how far behind.",
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// One line of the checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub id: Id,
    /// How bad.
    pub severity: Severity,
    /// What was found; no secret is in it.
    pub message: String,
    /// The file that it is about.
    pub file: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// What to do: a text, or a command in backticks.
    pub fix: Option<String>,
}

impl Id {
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

    /// A check that could not be done.
    pub(super) fn not_checked(self, what: &str, why: &str) -> Check {
        self.note(format!("not checked: {what}, because {why}"))
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
    use super::Id;

    /// The rows of the table in the documentation: name and meaning.
    fn documented() -> Vec<(String, String)> {
        let text = include_str!("../../../../docs/doctor.md");
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.splitn(2, "` | ");
            let (id, meaning) = (cells.next()?, cells.next()?);
            id.contains('.')
                .then(|| (id.to_owned(), meaning.trim_end_matches(" |").to_owned()))
        });
        rows.collect()
    }

    #[test]
    fn the_documentation_has_the_checks_of_the_code() {
        let code: Vec<_> = Id::ALL
            .iter()
            .map(|id| (id.name().to_owned(), id.meaning().to_owned()))
            .collect();
        assert_eq!(documented(), code);
    }
}
