//! Alembic's `CommandError`: a command that was refused.

use limbeck_revision::{RevisionError, RevisionErrorKind};

use crate::config::ConfigError;

/// The refusal of a command, in Alembic's words: the text after `FAILED: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    kind: CommandErrorKind,
    message: String,
    /// The next step for the user, if there is one.
    help: Option<String>,
}

/// The reason for a [`CommandError`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandErrorKind {
    /// The command's arguments don't fit together.
    Usage,
    /// The configuration lacks a setting or contradicts itself.
    Configuration,
    /// A revision can't be resolved, or no plan leads to it.
    Revision(RevisionErrorKind),
    /// The database is not at the revision that the command requires.
    NotAtHead,
    /// `env.py` or a script ended the worker with `sys.exit`.
    Exit,
    /// Alembic, `env.py` or a script raised `CommandError`.
    Raised,
}

impl CommandErrorKind {
    /// Returns the kind's name for programs, such as `unknown_revision`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::Revision(kind) => kind.name(),
            Self::NotAtHead => "not_at_head",
            Self::Exit => "exit",
            Self::Raised => "raised",
        }
    }
}

impl CommandError {
    /// Creates an error.
    pub fn new(kind: CommandErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
        }
    }

    /// Creates the error of a command whose arguments don't fit together.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(CommandErrorKind::Usage, message)
    }

    /// Creates the error of a run that `env.py` or a script ended with `sys.exit(status)`.
    pub fn exit(status: i32) -> Self {
        let message = format!("env.py ended its process with status {status}");
        Self::new(CommandErrorKind::Exit, message)
    }

    pub(crate) fn unknown_revision(id: &str) -> Self {
        let argument = id.to_owned();
        let message = format!("Can't locate revision identified by '{id}'");
        Self::new(
            CommandErrorKind::Revision(RevisionErrorKind::Unknown { argument }),
            message,
        )
    }

    /// Sets the next step for the user.
    #[must_use]
    pub fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Adds a next step to the error of a revision that no script has. `rows` are the database's version rows.
    pub(crate) fn explain_rows(self, rows: &[String]) -> Self {
        match &self.kind {
            CommandErrorKind::Revision(RevisionErrorKind::Unknown { argument })
                if rows.contains(argument) =>
            {
                let help = format!(
                    "the database is at `{argument}`, which no script here has: deploy the code that contains it, \
                     or replace the version rows with `limbeck stamp --purge REVISION`"
                );
                self.with_help(Some(help))
            }
            CommandErrorKind::Revision(RevisionErrorKind::Unknown { .. })
                if self.help.is_none() =>
            {
                let help = "run `limbeck history` to see the revisions";
                self.with_help(Some(help.into()))
            }
            _ => self,
        }
    }

    /// Returns the next step for the user, if there is one.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Returns the reason.
    pub fn kind(&self) -> &CommandErrorKind {
        &self.kind
    }

    /// Returns Alembic's text.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<RevisionError> for CommandError {
    fn from(error: RevisionError) -> Self {
        Self::new(
            CommandErrorKind::Revision(error.kind().clone()),
            error.to_string(),
        )
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::new(CommandErrorKind::Configuration, error.to_string()).with_help(error.hint())
    }
}

#[cfg(test)]
mod tests {
    use limbeck_revision::{Revision, RevisionMap};

    use super::CommandError;

    #[test]
    fn names_the_next_step_for_an_unknown_revision() {
        let rows = ["f9".to_owned()];
        for (id, expected) in [
            ("f9", "deploy the code that contains it"),
            ("typo", "`limbeck history`"),
        ] {
            let error = CommandError::unknown_revision(id).explain_rows(&rows);
            let help = error.help().expect("a next step");
            assert!(help.contains(expected), "{help}");
        }
    }

    #[test]
    fn keeps_the_kind_of_a_revision_error() {
        let revision = |id: &str| Revision {
            id: id.into(),
            ..Revision::default()
        };
        let map = RevisionMap::new(vec![revision("a1"), revision("b2")]).expect("a graph");
        for (row, target, expected) in [
            ("f9", "heads", "unknown_revision"),
            ("a1", "head", "multiple_heads"),
        ] {
            let error = map.plan_upgrade(&[row.to_owned()], target);
            let error = CommandError::from(error.expect_err("a refusal"));
            assert_eq!(error.kind().name(), expected, "{error}");
        }
    }
}
