//! Runs a project's migrations: what each command does with them, and each service that brings its own.

mod error;
mod offline;
mod service;
mod status;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use limbeck_db::{LockWait, ProcessEnvironment};
use limbeck_revision::RevisionMap;
use limbeck_script::interpreter::{Interpreter, InterpreterSearch};
use limbeck_script::worker::{CommandOptions, ConfigSource, Start, Task};
use serde_json::{Value as Json, json};

use crate::config::{Config, ConfigFiles, Overrides};
use crate::location::VersionLocation;
use crate::native::{Look, NativeEnvironment, OpenSession};
use crate::project::{Project, Reading};
use crate::run::{
    self, Ending, Event, ImportedScript, Intent, Interrupt, Refusal, RunError, RunOptions,
};

pub use error::MigrateError;
pub use offline::{OfflineSql, StepSql};
pub use service::Migrated;
pub use status::{Pending, Status};

/// How long to wait for another run that holds the lock, where nobody says otherwise.
pub const LOCK_WAIT: Duration = Duration::from_secs(600);

/// A project's files, and all that a run takes besides. `Debug` shows no value that may be a secret.
#[derive(Clone)]
pub struct Migrator {
    /// Which files the configuration is read from.
    pub files: ConfigFiles,
    /// The ini's main section.
    pub section: String,
    /// Values that go before those of the ini.
    pub overrides: Overrides,
    /// The environment of the process.
    pub process_environment: ProcessEnvironment,
    /// Where the interpreter is looked for.
    pub interpreter: InterpreterSearch,
    /// Variables that the project's Python gets on top of the process's own.
    pub variables: BTreeMap<String, String>,
    /// How long to wait for another run that holds the lock; none to run without the lock.
    pub lock_wait: Option<LockWait>,
    /// What `env.py` sees of the command line.
    pub typed: Typed,
    /// Whether to look at the version table once more after a run, and to tell of it ([`Event::Stands`]).
    pub looks_after: bool,
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

/// A command line as `env.py` sees it in `context.config.cmd_opts` and `sys.argv`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// The values of `-c`.
    pub config: Vec<String>,
    /// The values of `-x`.
    pub x: Vec<String>,
    /// `--raiseerr`.
    pub raiseerr: bool,
    /// `-q`.
    pub quiet: bool,
    /// `sys.argv`.
    pub argv: Vec<String>,
}

/// What a run tells, and what it is told, while it goes.
pub struct Watch<'a> {
    /// Signals.
    pub interrupt: Interrupt,
    /// Whether a statement may keep the thread of the caller, which is quicker with `SQLite`. `interrupt` must then
    /// be told from another thread.
    pub keeps_thread: bool,
    /// What is told.
    pub on_event: &'a mut dyn FnMut(Event<'_>),
}

/// A version table and what it held.
#[derive(Debug, Clone)]
pub struct Position {
    /// Where.
    pub location: VersionLocation,
    /// The rows.
    pub rows: Vec<String>,
}

/// A command for the worker.
#[derive(Debug)]
pub struct Call<'a> {
    /// The command's name.
    pub command: &'a str,
    /// Its own options, by Alembic's names.
    pub options: Json,
    /// What the worker does.
    pub work: Work,
    /// Whether everything is undone in the end, and told ([`Event::Rehearsed`]).
    pub rehearses: bool,
    /// The session of a look before it.
    pub session: Option<OpenSession>,
    /// Where what the project prints goes, for a call that writes SQL and opens no connection.
    pub script_to: Option<Arc<OwnedFd>>,
}

impl<'a> Call<'a> {
    /// `upgrade` or `downgrade` to a target, as without any option.
    pub fn to(command: &'a str, target: &str) -> Self {
        Self {
            command,
            options: json!({"revision": target, "sql": false, "tag": null}),
            work: Work::Environment(json!({
                "as_sql": false, "starting_rev": null, "destination_rev": target, "tag": null,
            })),
            rehearses: false,
            session: None,
            script_to: None,
        }
    }
}

/// What the worker does.
#[derive(Debug)]
pub enum Work {
    /// Runs `env.py` for one of limbeck's own commands, with what Alembic's `EnvironmentContext` takes.
    Environment(Json),
    /// Runs Alembic's own function of the command's name with these arguments.
    Alembic(Json),
}

impl Migrator {
    /// For the project of these files.
    pub fn new(
        files: ConfigFiles,
        process_environment: ProcessEnvironment,
        interpreter: InterpreterSearch,
    ) -> Self {
        Self {
            files,
            section: "alembic".into(),
            overrides: Overrides::default(),
            process_environment,
            interpreter,
            variables: BTreeMap::new(),
            lock_wait: Some(LockWait::for_at_most(LOCK_WAIT)),
            typed: Typed::default(),
            looks_after: false,
        }
    }

    /// The configuration, read anew.
    ///
    /// # Errors
    /// [`MigrateError::Config`].
    pub fn config(&self) -> Result<Config, MigrateError> {
        let mut config = Config::load(&self.files, &self.section)?;
        self.overrides.apply(&mut config);
        Ok(config)
    }

    /// The project, as far as it can be read without Python.
    ///
    /// # Errors
    /// [`MigrateError::Config`] and [`MigrateError::Project`].
    pub fn read_project(&self) -> Result<Reading, MigrateError> {
        let config = self.config()?;
        Ok(Project::read(config, || self.package_folders())?)
    }

    /// The project; Python runs the scripts where they can't be read otherwise.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn project(&self, watch: Watch<'_>) -> Result<Project, MigrateError> {
        match self.read_project()? {
            Reading::Whole(project) => Ok(*project),
            Reading::NeedsPython(unread) => {
                let rows = self.headers(watch).await?;
                Ok(unread.with_headers(rows)?)
            }
        }
    }

    /// The declarations of all scripts, made by running them.
    ///
    /// # Errors
    /// [`MigrateError::Run`].
    pub async fn headers(&self, watch: Watch<'_>) -> Result<Vec<ImportedScript>, MigrateError> {
        let start = self.start("heads", json!({}), Task::Headers);
        let map = RevisionMap::default();
        match self
            .worker(
                start,
                &map,
                &mut Intent::Alembic,
                (None, false, None),
                watch,
            )
            .await?
        {
            Ending::Headers(rows) => Ok(rows),
            Ending::Refused(message) => Err(Refusal(message).into()),
            Ending::Done | Ending::Exit(_) => Err(Refusal(
                "the revision scripts ended the Python worker while they were imported".into(),
            )
            .into()),
        }
    }

    /// Looks at the version table without Python, where `env.py` is a stock one. `None` where it is not, or
    /// where looking fails: the worker then meets the same failure and tells where.
    ///
    /// # Errors
    /// The configuration's refusal.
    pub async fn look(&self, project: &Project) -> Result<Option<Look>, MigrateError> {
        match NativeEnvironment::read(project, &self.process_environment)? {
            Some(environment) => Ok(environment.look().await.ok()),
            None => Ok(None),
        }
    }

    /// Where the version rows are, said by `env.py`: without connecting, where it is a stock one, else by running it.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn locations(
        &self,
        project: &Project,
        watch: Watch<'_>,
    ) -> Result<Vec<VersionLocation>, MigrateError> {
        if let Some(environment) = NativeEnvironment::read(project, &self.process_environment)? {
            return Ok(vec![environment.location().clone()]);
        }
        let positions = self.inspect(project, watch).await?;
        Ok(positions.into_iter().map(|found| found.location).collect())
    }

    /// Where the version rows are and what they are, said by `env.py`: without Python, where it is a stock one that
    /// can look, else by running it. Several where it leads to several databases.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn positions(
        &self,
        project: &Project,
        watch: Watch<'_>,
    ) -> Result<Vec<Position>, MigrateError> {
        if let Some(environment) = NativeEnvironment::read(project, &self.process_environment)?
            && let Ok(look) = environment.look().await
        {
            if let Some(session) = look.session {
                // What was read stays so.
                let _ = session.close().await;
            }
            return Ok(vec![Position {
                location: environment.location().clone(),
                rows: look.heads.unwrap_or_default(),
            }]);
        }
        self.inspect(project, watch).await
    }

    /// Runs `env.py` only to see where it leads and what is there.
    async fn inspect(
        &self,
        project: &Project,
        watch: Watch<'_>,
    ) -> Result<Vec<Position>, MigrateError> {
        let found = RefCell::new(Vec::new());
        let mut on_event = |event: Event<'_>| {
            if let Event::Located(location) = event {
                let location = location.clone();
                let rows = Vec::new();
                found.borrow_mut().push(Position { location, rows });
            }
            (watch.on_event)(event);
        };
        let look = |rows: &[String], _: Option<&str>| {
            if let Some(last) = found.borrow_mut().last_mut() {
                last.rows = rows.to_vec();
            }
            Ok(())
        };
        let call = Call {
            command: "current",
            options: json!({"check_heads": false, "verbose": false}),
            work: Work::Environment(json!({"dont_mutate": true})),
            rehearses: false,
            session: None,
            script_to: None,
        };
        let watch = Watch {
            on_event: &mut on_event,
            ..watch
        };
        let intent = &mut Intent::Inspect(Box::new(look));
        match self.run(call, Some(project), intent, watch).await? {
            Ending::Refused(message) => return Err(Refusal(message).into()),
            Ending::Exit(status) => return Err(Refusal::of_exit(status).into()),
            Ending::Done | Ending::Headers(_) => {}
        }
        Ok(found.take())
    }

    /// Runs a command in the worker. `project` is none for a command that needs no script directory.
    ///
    /// # Errors
    /// [`MigrateError::Run`].
    pub async fn run(
        &self,
        call: Call<'_>,
        project: Option<&Project>,
        intent: &mut Intent<'_>,
        watch: Watch<'_>,
    ) -> Result<Ending, MigrateError> {
        let task = match call.work {
            Work::Environment(arguments) => Task::Environment { arguments },
            Work::Alembic(arguments) => Task::Alembic {
                command: call.command.to_owned(),
                arguments,
            },
        };
        let mut start = self.start(call.command, call.options, task);
        start.cache_folder = project
            .and_then(|project| project.script_folder.as_ref())
            .filter(|_| call.script_to.is_none() && self.keeps_derived_files())
            .map(|folder| folder.join("__pycache__"));
        if let Some(project) = project {
            start.scripts = project.headers_for_worker();
            let folders = project.script_folders();
            start.script_folders = folders.into_iter().map(Path::to_owned).collect();
        }
        let empty = RevisionMap::default();
        let map = project.map_or(&empty, |project| &project.map);
        let extras = (call.session, call.rehearses, call.script_to);
        self.worker(start, map, intent, extras, watch).await
    }

    /// Runs the worker to its end.
    async fn worker(
        &self,
        start: Start,
        map: &RevisionMap,
        intent: &mut Intent<'_>,
        (session, rehearses, script_to): (Option<OpenSession>, bool, Option<Arc<OwnedFd>>),
        watch: Watch<'_>,
    ) -> Result<Ending, MigrateError> {
        let options = RunOptions {
            interpreter: self.interpreter()?,
            start,
            process_environment: &self.process_environment,
            variables: self.variables.clone(),
            lock_wait: self.lock_wait,
            looks_after: self.looks_after && intent.changes_database(),
            rehearses,
            script_to,
            session,
            interrupt: watch.interrupt,
            keeps_thread: watch.keeps_thread,
            on_event: watch.on_event,
        };
        // On the heap: whoever waits for it would carry all that a run holds.
        Ok(Box::pin(run::run(options, map, intent)).await?)
    }

    /// The worker's first message: what was typed, as Alembic's own program would have it.
    fn start(&self, command: &str, options: Json, task: Task) -> Start {
        let Typed {
            config,
            x,
            raiseerr,
            quiet,
            argv,
        } = &self.typed;
        let ConfigFiles { ini, toml } = &self.files;
        Start {
            task,
            changes_database: false,
            options: CommandOptions {
                name_of_command: command.to_owned(),
                config: (!config.is_empty()).then(|| config.clone()),
                name: self.section.clone(),
                x: (!x.is_empty()).then(|| x.clone()),
                raiseerr: *raiseerr,
                quiet: *quiet,
                own: match options {
                    Json::Object(own) => own,
                    _ => serde_json::Map::new(),
                },
            },
            config: ConfigSource {
                ini: ini.clone(),
                toml: toml.clone(),
                section: self.section.clone(),
                set: self.overrides.to_map(),
            },
            argv: argv.clone(),
            scripts: None,
            script_folders: Vec::new(),
            cache_folder: None,
        }
    }

    /// Whether what is derived of the project's files may be kept where Python keeps its own.
    fn keeps_derived_files(&self) -> bool {
        let set = |name| self.variable(name).is_some_and(|value| !value.is_empty());
        !set("PYTHONDONTWRITEBYTECODE") && !set("PYTHONPYCACHEPREFIX")
    }

    /// Where Python packages may lie: `PYTHONPATH`, then the packages of the project's environment.
    pub fn package_folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self
            .variable("PYTHONPATH")
            .map(|path| std::env::split_paths(path).collect())
            .unwrap_or_default();
        if let Ok(interpreter) = self.interpreter()
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

    fn interpreter(&self) -> Result<Interpreter, MigrateError> {
        Ok(self.interpreter.find().map_err(RunError::from)?)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.process_environment
            .variables
            .get(name)
            .map(String::as_str)
    }
}
