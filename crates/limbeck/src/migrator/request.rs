//! The commands that a project's environment runs, with their options by Alembic's names.

use limbeck_script::worker::Task;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::command_error::CommandError;
use crate::run::{Inspection, Operation};

/// A command for the project's environment.
pub enum Request<'a> {
    /// `upgrade`.
    Upgrade(MigrationRequest),
    /// `downgrade`.
    Downgrade(MigrationRequest),
    /// `stamp`.
    Stamp(StampRequest),
    /// `ensure_version`.
    EnsureVersion {
        /// Writes SQL in place of running it.
        sql: bool,
    },
    /// A command that only reads the version rows. The callback receives the rows and the masked URL of each database
    /// that `env.py` connects to.
    Inspect(InspectCommand, Inspection<'a>),
    /// One of Alembic's own functions.
    Alembic(AlembicCommand),
}

/// The options of `upgrade` and `downgrade`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationRequest {
    /// The revision argument as `env.py` sees it: the target, or `START:TARGET`.
    revision: String,
    /// The revisions to start from, in offline mode.
    start: Vec<String>,
    target: String,
    /// The way to run the migration.
    mode: MigrationMode,
    /// `--tag`.
    tag: Option<String>,
}

/// The way to run a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MigrationMode {
    /// Changes the database.
    #[default]
    Online,
    /// Changes the database in a transaction that is rolled back.
    DryRun,
    /// Writes SQL to standard output and opens no connection (`--sql`).
    Sql,
}

impl MigrationRequest {
    /// Creates a request to migrate a database to `target`.
    pub fn to(target: &str) -> Self {
        Self {
            revision: target.to_owned(),
            start: Vec::new(),
            target: target.to_owned(),
            mode: MigrationMode::Online,
            tag: None,
        }
    }

    /// Creates a request to write the SQL that leads from these version rows to `target`.
    pub(super) fn sql_from(rows: &[String], target: &str) -> Self {
        Self {
            start: rows.to_vec(),
            mode: MigrationMode::Sql,
            ..Self::to(target)
        }
    }

    /// Parses the argument of `upgrade`: `TARGET`, or with `--sql` also `START:TARGET`.
    ///
    /// # Errors
    /// [`CommandError`] in Alembic's words for a range without `--sql`.
    pub fn upgrade(
        revision: &str,
        mode: MigrationMode,
        tag: Option<String>,
    ) -> Result<Self, CommandError> {
        let (start, target) = split(revision, mode)?;
        Ok(Self::new(revision, start, target, mode, tag))
    }

    /// Parses the argument of `downgrade`: `TARGET`, or with `--sql` always `START:TARGET`.
    ///
    /// # Errors
    /// [`CommandError`] in Alembic's words for a range without `--sql`, and for `--sql` without a range.
    pub fn downgrade(
        revision: &str,
        mode: MigrationMode,
        tag: Option<String>,
    ) -> Result<Self, CommandError> {
        let (start, target) = split(revision, mode)?;
        if mode == MigrationMode::Sql && start.is_none() {
            let text = "downgrade with --sql requires <fromrev>:<torev>";
            return Err(CommandError::usage(text));
        }
        Ok(Self::new(revision, start, target, mode, tag))
    }

    fn new(
        revision: &str,
        start: Option<&str>,
        target: &str,
        mode: MigrationMode,
        tag: Option<String>,
    ) -> Self {
        Self {
            revision: revision.to_owned(),
            start: start.into_iter().map(str::to_owned).collect(),
            target: target.to_owned(),
            mode,
            tag,
        }
    }

    /// Returns this request with another mode.
    #[must_use]
    pub fn with_mode(self, mode: MigrationMode) -> Self {
        Self { mode, ..self }
    }

    /// Returns the target revision.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the way to run the migration.
    pub fn mode(&self) -> MigrationMode {
        self.mode
    }

    fn options(&self) -> Json {
        let sql = self.mode == MigrationMode::Sql;
        json!({"revision": self.revision, "sql": sql, "tag": self.tag})
    }

    fn task(&self) -> Task {
        let start = match &self.start[..] {
            [] => Json::Null,
            [one] => json!(one),
            several => json!(several),
        };
        let sql = self.mode == MigrationMode::Sql;
        Task::Environment {
            arguments: json!({
                "as_sql": sql, "starting_rev": start, "destination_rev": self.target, "tag": self.tag,
            }),
        }
    }
}

fn split(revision: &str, mode: MigrationMode) -> Result<(Option<&str>, &str), CommandError> {
    match revision.split_once(':') {
        None => Ok((None, revision)),
        Some((start, target)) if mode == MigrationMode::Sql => Ok((Some(start), target)),
        Some(_) => {
            let help = revision.contains("://").then(|| {
                "expected a revision, found a database URL: set the URL in `DATABASE_URL` or `sqlalchemy.url`, and name a \
                 revision such as `head` here"
                    .to_owned()
            });
            Err(CommandError::usage("Range revision not allowed").with_help(help))
        }
    }
}

/// The options of `stamp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampRequest {
    revisions: Vec<String>,
    start: Option<String>,
    targets: Vec<String>,
    sql: bool,
    tag: Option<String>,
    purge: bool,
}

impl StampRequest {
    /// Parses the arguments of `stamp`: targets, or with `--sql` also `START:TARGET`.
    ///
    /// # Errors
    /// [`CommandError`] in Alembic's words for several starting revisions.
    pub fn new(
        revisions: &[String],
        sql: bool,
        tag: Option<String>,
        purge: bool,
    ) -> Result<Self, CommandError> {
        let mut start: Option<&str> = None;
        let mut targets = Vec::new();
        for revision in revisions {
            match revision.split_once(':') {
                Some((from, target)) if sql => {
                    if start.is_some_and(|start| start != from) {
                        return Err(CommandError::usage(
                            "Stamp operation with --sql only supports a single starting revision at a time",
                        ));
                    }
                    start = Some(from);
                    targets.push(target.to_owned());
                }
                _ => targets.push(revision.clone()),
            }
        }
        Ok(Self {
            revisions: revisions.to_vec(),
            start: start.map(str::to_owned),
            targets,
            sql,
            tag,
            purge,
        })
    }
}

/// A command that only reads the version rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the command's own options")]
pub enum InspectCommand {
    /// `current`.
    Current { check_heads: bool, verbose: bool },
    /// `history`.
    History {
        rev_range: Option<String>,
        verbose: bool,
        indicate_current: bool,
    },
    /// `show`.
    Show { rev: String },
    /// `edit`.
    Edit { rev: String },
}

/// One of Alembic's own functions, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the fields are the function's own arguments")]
pub enum AlembicCommand {
    /// `revision`.
    Revision {
        message: Option<String>,
        autogenerate: bool,
        sql: bool,
        head: Option<String>,
        splice: bool,
        branch_label: Option<String>,
        version_path: Option<String>,
        rev_id: Option<String>,
        depends_on: Option<Vec<String>>,
    },
    /// `merge`.
    Merge {
        revisions: Vec<String>,
        message: Option<String>,
        branch_label: Option<String>,
        rev_id: Option<String>,
        splice: bool,
    },
    /// `check`.
    Check {},
    /// `init`.
    Init {
        directory: String,
        template: String,
        package: bool,
    },
    /// `list_templates`.
    ListTemplates {},
}

impl AlembicCommand {
    /// Returns the name of the function in `alembic.command`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Revision { .. } => "revision",
            Self::Merge { .. } => "merge",
            Self::Check {} => "check",
            Self::Init { .. } => "init",
            Self::ListTemplates {} => "list_templates",
        }
    }

    fn arguments(&self) -> Json {
        serde_json::to_value(self).expect("plain values can be serialized")
    }
}

impl<'a> Request<'a> {
    /// Returns the command's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Upgrade(_) => "upgrade",
            Self::Downgrade(_) => "downgrade",
            Self::Stamp(_) => "stamp",
            Self::EnsureVersion { .. } => "ensure_version",
            Self::Inspect(InspectCommand::Current { .. }, _) => "current",
            Self::Inspect(InspectCommand::History { .. }, _) => "history",
            Self::Inspect(InspectCommand::Show { .. }, _) => "show",
            Self::Inspect(InspectCommand::Edit { .. }, _) => "edit",
            Self::Alembic(command) => command.name(),
        }
    }

    /// Returns `true` if the run is rolled back at the end.
    pub(super) fn is_dry_run(&self) -> bool {
        match self {
            Self::Upgrade(request) | Self::Downgrade(request) => {
                request.mode == MigrationMode::DryRun
            }
            _ => false,
        }
    }

    /// Returns the command's own options, as Alembic's parser would return them.
    pub(super) fn options(&self) -> Map<String, Json> {
        let options = match self {
            Self::Upgrade(request) | Self::Downgrade(request) => request.options(),
            Self::Stamp(StampRequest {
                revisions,
                sql,
                tag,
                purge,
                ..
            }) => json!({"revisions": revisions, "sql": sql, "tag": tag, "purge": purge}),
            Self::EnsureVersion { sql } => json!({"sql": sql}),
            Self::Inspect(command, _) => match command {
                InspectCommand::Current {
                    check_heads,
                    verbose,
                } => json!({"check_heads": check_heads, "verbose": verbose}),
                InspectCommand::History {
                    rev_range,
                    verbose,
                    indicate_current,
                } => json!({
                    "rev_range": rev_range, "verbose": verbose, "indicate_current": indicate_current,
                }),
                InspectCommand::Show { rev } | InspectCommand::Edit { rev } => json!({"rev": rev}),
            },
            Self::Alembic(command) => command.arguments(),
        };
        match options {
            Json::Object(options) => options,
            _ => Map::new(),
        }
    }

    /// Returns the worker's task.
    pub(super) fn task(&self) -> Task {
        match self {
            Self::Upgrade(request) | Self::Downgrade(request) => request.task(),
            Self::Stamp(StampRequest {
                start,
                targets,
                sql,
                tag,
                purge,
                ..
            }) => Task::Environment {
                arguments: json!({
                    "as_sql": sql, "starting_rev": start, "destination_rev": targets, "tag": tag, "purge": purge,
                }),
            },
            Self::EnsureVersion { sql } => Task::Environment {
                arguments: json!({"as_sql": sql}),
            },
            Self::Inspect(InspectCommand::Current { .. }, _) => Task::Environment {
                arguments: json!({"dont_mutate": true}),
            },
            Self::Inspect(..) => Task::Environment {
                arguments: json!({}),
            },
            Self::Alembic(command) => Task::Alembic {
                command: command.name().to_owned(),
                arguments: command.arguments(),
            },
        }
    }

    /// Returns the operation of the run.
    pub(super) fn into_operation(self) -> Operation<'a> {
        match self {
            Self::Upgrade(request) => Operation::Upgrade(request.target),
            Self::Downgrade(request) => Operation::Downgrade(request.target),
            Self::Stamp(request) => Operation::Stamp(request.targets),
            Self::EnsureVersion { .. } => Operation::EnsureVersion,
            Self::Inspect(_, inspection) => Operation::Inspect(inspection),
            Self::Alembic(_) => Operation::Alembic,
        }
    }
}

#[cfg(test)]
mod tests {
    use limbeck_script::worker::Task;
    use serde_json::json;

    use super::{AlembicCommand, MigrationMode, MigrationRequest, Request, StampRequest};

    #[test]
    fn parses_ranges_as_alembic_does() {
        let online = MigrationMode::Online;
        let sql = MigrationMode::Sql;
        let message = |result: Result<MigrationRequest, super::CommandError>| {
            result.map_err(|error| error.to_string())
        };
        assert_eq!(
            message(MigrationRequest::upgrade("a:b", online, None)),
            Err("Range revision not allowed".into())
        );
        assert_eq!(
            message(MigrationRequest::downgrade("b", sql, None)),
            Err("downgrade with --sql requires <fromrev>:<torev>".into())
        );
        let request = MigrationRequest::upgrade("a:b", sql, Some("t".into())).expect("a range");
        assert_eq!(
            json!(Request::Upgrade(request.clone()).options()),
            json!({"revision": "a:b", "sql": true, "tag": "t"})
        );
        let Task::Environment { arguments } = request.task() else {
            panic!("an upgrade runs env.py");
        };
        assert_eq!(
            arguments,
            json!({"as_sql": true, "starting_rev": "a", "destination_rev": "b", "tag": "t"})
        );
    }

    #[test]
    fn rejects_several_starts_of_a_stamp() {
        let revisions = ["a:b".to_owned(), "c:d".to_owned()];
        assert!(StampRequest::new(&revisions, true, None, false).is_err());
        let stamp = StampRequest::new(&revisions, false, None, false).expect("two targets");
        assert_eq!(stamp.targets, revisions);
    }

    #[test]
    fn names_and_arguments_of_alembics_functions() {
        let command = AlembicCommand::Init {
            directory: "d".into(),
            template: "generic".into(),
            package: false,
        };
        assert_eq!(command.name(), "init");
        assert_eq!(
            command.arguments(),
            json!({"directory": "d", "template": "generic", "package": false})
        );
        assert_eq!(AlembicCommand::Check {}.arguments(), json!({}));
    }
}
