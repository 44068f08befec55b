//! Running a project's migrations: the commands of the CLI and the calls of a service.

mod control;
mod error;
mod offline;
mod report;
mod request;
mod service;
mod start;
mod status;
mod upgrade_check;
mod wait;

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use limbeck_db::{LockWait, ProcessEnvironment};
use limbeck_revision::RevisionMap;
use limbeck_script::interpreter::{Interpreter, InterpreterSearch};
use limbeck_script::worker::{ImportedScript, Task};
use serde_json::Map;

use crate::command_error::{CommandError, CommandErrorKind};
use crate::config::{Config, ConfigFiles, Overrides};
use crate::project::{LoadedProject, Project};
use crate::run::{self, DryRunReport, Ending, Event, Operation, RunError, RunOptions};
use crate::version_probe::ProbeTarget;
use crate::version_table_location::VersionTableLocation;

pub use self::control::RunControl;
pub use self::error::MigrateError;
pub use self::offline::{OfflineSql, StepSql};
pub use self::report::MigrationReport;
pub use self::request::{
    AlembicCommand, InspectCommand, MigrationMode, MigrationRequest, Request, StampRequest,
};
pub use self::start::CommandLine;
pub use self::status::{Pending, Status};
pub use self::upgrade_check::UpgradeCheck;
pub use self::wait::DatabaseWait;

/// Default of [`Migrator::lock_wait`].
pub const LOCK_WAIT: Duration = Duration::from_secs(600);

/// A project and everything that a run of its migrations needs. `Debug` shows no value that may be a secret.
#[derive(Clone)]
pub struct Migrator {
    /// The configuration files.
    pub files: ConfigFiles,
    /// The main section of the ini.
    pub section: String,
    /// Values that replace those of the ini.
    pub overrides: Overrides,
    /// The environment of the process.
    pub process_environment: ProcessEnvironment,
    /// The search path of the interpreter.
    pub interpreter: InterpreterSearch,
    /// Environment variables for the project's Python, in addition to the inherited ones.
    pub variables: BTreeMap<String, String>,
    /// Maximum time to wait for another run that holds the migration lock; `None` to run without the lock.
    pub lock_wait: Option<LockWait>,
    /// Maximum time for [`upgrade`](Self::upgrade) to wait for a database that can't be reached; zero to fail at once.
    pub database_wait: Duration,
    /// The command line, as `env.py` sees it.
    pub command_line: CommandLine,
    /// `true` if a run ends with reading the version table and reporting it as [`Event::Finished`].
    pub report_final_state: bool,
}

impl fmt::Debug for Migrator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Migrator")
            .field("files", &self.files)
            .field("section", &self.section)
            .field("overrides", &self.overrides)
            .field("variables", &self.variables.keys())
            .finish_non_exhaustive()
    }
}

/// A version table and its rows.
#[derive(Debug, Clone)]
pub struct Position {
    /// The location of the version table.
    pub location: VersionTableLocation,
    /// The version rows.
    pub rows: Vec<String>,
}

/// The end of a run that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// The run completed.
    Done,
    /// The dry run completed and was rolled back.
    DryRun(DryRunReport),
    /// The project's code called `sys.exit` with this status.
    Exit(i32),
}

impl Completion {
    /// Returns an error unless the run completed.
    ///
    /// # Errors
    /// [`CommandError`] of kind [`CommandErrorKind::Exit`] if the project's code called `sys.exit`.
    pub fn require_done(self) -> Result<(), CommandError> {
        match self {
            Self::Done | Self::DryRun(_) => Ok(()),
            Self::Exit(status) => Err(CommandError::exit(status)),
        }
    }
}

impl Migrator {
    /// Creates a migrator with default settings.
    pub fn new(
        files: ConfigFiles,
        environment: ProcessEnvironment,
        interpreter: InterpreterSearch,
    ) -> Self {
        Self {
            files,
            section: "alembic".into(),
            overrides: Overrides::default(),
            process_environment: environment,
            interpreter,
            variables: BTreeMap::new(),
            lock_wait: Some(LockWait::for_at_most(LOCK_WAIT)),
            database_wait: Duration::ZERO,
            command_line: CommandLine::default(),
            report_final_state: false,
        }
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// [`MigrateError::Config`] if a file can't be read or parsed.
    pub fn config(&self) -> Result<Config, MigrateError> {
        let mut config = Config::load(&self.files, &self.section)?;
        self.overrides.apply(&mut config);
        Ok(config)
    }

    /// Reads the project as far as possible without Python.
    ///
    /// # Errors
    /// [`MigrateError::Config`] and [`MigrateError::Project`].
    pub fn read_project(&self) -> Result<LoadedProject, MigrateError> {
        let config = self.config()?;
        Ok(Project::read(config, || self.package_folders())?)
    }

    /// Reads the project. Python runs the scripts whose headers can't be read without it.
    ///
    /// # Errors
    /// [`MigrateError`] if the configuration or a script can't be used.
    pub async fn project(&self, control: RunControl<'_>) -> Result<Project, MigrateError> {
        match self.read_project()? {
            LoadedProject::Whole(project) => Ok(*project),
            LoadedProject::NeedsPython(unread) => {
                let rows = self.headers(control).await?;
                Ok(unread.with_headers(rows)?)
            }
        }
    }

    /// Imports all scripts in Python and returns their headers.
    ///
    /// # Errors
    /// [`MigrateError::Run`] if a script can't be imported.
    pub async fn headers(
        &self,
        control: RunControl<'_>,
    ) -> Result<Vec<ImportedScript>, MigrateError> {
        let start = self.start("heads", Task::Headers, Map::new(), None);
        let map = RevisionMap::default();
        let operation = &mut Operation::Alembic;
        match self
            .run_worker(start, &map, operation, false, None, control)
            .await?
        {
            Ending::Headers(rows) => Ok(rows),
            Ending::Done | Ending::DryRun(_) | Ending::Exit(_) => Err(CommandError::new(
                CommandErrorKind::Exit,
                "the revision scripts ended the Python worker while they were imported",
            )
            .into()),
        }
    }

    /// Returns the locations of the version tables that `env.py` chooses. A stock `env.py` is read without connecting; any
    /// other one is run.
    ///
    /// # Errors
    /// [`MigrateError`] if the configuration can't be used or the run fails.
    pub async fn locations(
        &self,
        project: &Project,
        control: RunControl<'_>,
    ) -> Result<Vec<VersionTableLocation>, MigrateError> {
        if let Some(environment) = ProbeTarget::read(project, &self.process_environment)? {
            if let Some(what) = environment.using() {
                (control.on_event)(Event::UsingEnvironment { what: &what });
            }
            return Ok(vec![environment.location().clone()]);
        }
        let positions = self.inspect(project, control).await?;
        Ok(positions
            .into_iter()
            .map(|position| position.location)
            .collect())
    }

    /// Returns the version tables that `env.py` chooses, with their rows. Python runs only if `env.py` is not a stock one or
    /// the database can't be read without it.
    ///
    /// # Errors
    /// [`MigrateError`] if the configuration can't be used or the run fails.
    pub async fn positions(
        &self,
        project: &Project,
        control: RunControl<'_>,
    ) -> Result<Vec<Position>, MigrateError> {
        if let Some(environment) = ProbeTarget::read(project, &self.process_environment)?
            && let Ok(mut probe) = environment.probe().await
        {
            probe.close_session().await;
            if let Some(what) = environment.using() {
                (control.on_event)(Event::UsingEnvironment { what: &what });
            }
            return Ok(vec![Position {
                location: environment.location().clone(),
                rows: probe.heads.unwrap_or_default(),
            }]);
        }
        self.inspect(project, control).await
    }

    /// Runs `env.py` to learn which version tables it chooses and what they contain.
    async fn inspect(
        &self,
        project: &Project,
        control: RunControl<'_>,
    ) -> Result<Vec<Position>, MigrateError> {
        let found = Mutex::new(Vec::<Position>::new());
        let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut on_event = |event: Event<'_>| {
            if let Event::Located(location) = event {
                let (location, rows) = (location.clone(), Vec::new());
                lock().push(Position { location, rows });
            }
            (control.on_event)(event);
        };
        let inspection = |rows: &[String], _: Option<&str>| {
            if let Some(last) = lock().last_mut() {
                last.rows = rows.to_vec();
            }
            Ok(())
        };
        let command = InspectCommand::Current {
            check_heads: false,
            verbose: false,
        };
        let request = Request::Inspect(command, Box::new(inspection));
        let control = RunControl {
            on_event: &mut on_event,
            ..control
        };
        self.run(request, Some(project), control)
            .await?
            .require_done()?;
        Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a command in the project's Python. `project` is `None` for a command that needs no script directory.
    ///
    /// # Errors
    /// [`MigrateError::Refused`] if the command is refused, [`MigrateError::Run`] if the run fails. Transactions that were
    /// open are rolled back.
    pub async fn run(
        &self,
        request: Request<'_>,
        project: Option<&Project>,
        control: RunControl<'_>,
    ) -> Result<Completion, MigrateError> {
        self.run_to(None, request, project, control).await
    }

    /// Runs a command; `script_to` replaces the standard output of a command that writes SQL and opens no connection.
    async fn run_to(
        &self,
        script_to: Option<Arc<OwnedFd>>,
        request: Request<'_>,
        project: Option<&Project>,
        control: RunControl<'_>,
    ) -> Result<Completion, MigrateError> {
        let files = project.map(|project| start::ProjectFiles {
            project,
            keeps_modules: script_to.is_none() && self.keeps_compiled_modules(),
        });
        let start = self.start(request.name(), request.task(), request.options(), files);
        let dry_run = request.is_dry_run();
        let operation = &mut request.into_operation();
        let empty = RevisionMap::default();
        let map = project.map_or(&empty, |project| &project.map);
        let ending = self
            .run_worker(start, map, operation, dry_run, script_to, control)
            .await?;
        Ok(match ending {
            Ending::Done | Ending::Headers(_) => Completion::Done,
            Ending::DryRun(report) => Completion::DryRun(report),
            Ending::Exit(status) => Completion::Exit(status),
        })
    }

    async fn run_worker(
        &self,
        mut start: limbeck_script::worker::Start,
        map: &RevisionMap,
        operation: &mut Operation<'_>,
        dry_run: bool,
        script_to: Option<Arc<OwnedFd>>,
        control: RunControl<'_>,
    ) -> Result<Ending, MigrateError> {
        let changes_database = operation.changes_database();
        start.changes_database = changes_database;
        let options = RunOptions {
            interpreter: self.find_interpreter()?,
            start,
            process_environment: &self.process_environment,
            variables: self.variables.clone(),
            lock_wait: self.lock_wait,
            report_final_state: self.report_final_state && changes_database,
            dry_run,
            script_to,
            session: control.session,
            interrupt: control.interrupt,
            blocks_thread: control.blocks_thread,
            on_event: control.on_event,
        };
        // On the heap: the caller's future would otherwise be as large as the whole run.
        Ok(Box::pin(run::run(options, map, operation)).await?)
    }

    /// Returns `true` if Python's settings allow compiled modules in `__pycache__`.
    fn keeps_compiled_modules(&self) -> bool {
        let is_set = |name| self.variable(name).is_some_and(|value| !value.is_empty());
        !is_set("PYTHONDONTWRITEBYTECODE") && !is_set("PYTHONPYCACHEPREFIX")
    }

    /// Returns the folders of Python packages: `PYTHONPATH`, then the packages of the project's environment.
    pub fn package_folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self
            .variable("PYTHONPATH")
            .map(|path| std::env::split_paths(path).collect())
            .unwrap_or_default();
        if let Ok(interpreter) = self.find_interpreter()
            && let Some(environment) = interpreter.path.parent().and_then(Path::parent)
            && let Ok(entries) = std::fs::read_dir(environment.join("lib"))
        {
            folders.extend(
                entries
                    .flatten()
                    .map(|entry| entry.path().join("site-packages")),
            );
        }
        folders.retain(|folder| folder.is_dir());
        folders
    }

    fn find_interpreter(&self) -> Result<Interpreter, MigrateError> {
        Ok(self.interpreter.find().map_err(RunError::from)?)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.process_environment
            .variables
            .get(name)
            .map(String::as_str)
    }
}
