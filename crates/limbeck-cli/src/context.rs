//! What every command has: the options, the surroundings, the project, and the way to run the worker.

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use limbeck::config::{Config, ConfigError, ConfigFiles, Overrides};
use limbeck::db::{ConnectError, LockWait, ProcessEnvironment};
use limbeck::interpreter::InterpreterSearch;
use limbeck::migrator::{Call, MigrateError, Migrator, Typed, Watch, Work};
use limbeck::native::{Look, NativeEnvironment, OpenSession};
use limbeck::project::{Project, ProjectError, Reading};
use limbeck::run::{Ending, Event, Intent, Refusal, Rehearsed, RunError};
use limbeck::url::{ConvertError, DatabaseConfigProvider, mask_value};
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use crate::args::Global;
use crate::launcher::LaunchError;
use crate::messaging::Printer;
use crate::progress::Progress;
use crate::redact::{self, redact};
use crate::report::Report;
use crate::signals;

/// A command's exit status, or why it has none.
pub(crate) type Outcome = Result<u8, CliError>;

/// Why a command failed; `exit.rs` maps each to text and status.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Alembic's `FAILED: …`.
    Refused(String),
    /// The configuration can't be used.
    Config(ConfigError),
    /// The script directory can't be used.
    Project(ProjectError),
    /// A run of the environment failed.
    Run(RunError),
    /// The database refuses, and waiting would not help.
    Database(ConnectError),
    /// A launch came to nothing.
    Launch(Box<LaunchError>),
    /// The operating system refused something of ours.
    System(&'static str, std::io::Error),
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.0)
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<ProjectError> for CliError {
    fn from(error: ProjectError) -> Self {
        Self::Project(error)
    }
}

impl From<MigrateError> for CliError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Refused(refusal) => refusal.into(),
            MigrateError::Config(error) => Self::Config(error),
            MigrateError::Project(error) => Self::Project(error),
            MigrateError::Run(error) => Self::Run(error),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// A file that an option names and that can't be used.
#[derive(Debug)]
pub(crate) struct RefusedFile {
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) error: std::io::Error,
}

impl RefusedFile {
    pub(crate) fn with(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self { what, path, error }
    }
}

/// What becomes of the file for the report.
pub(crate) const REPORT: &str = "write the report";

/// The options and the surroundings of a call.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) printer: Printer,
    pub(crate) global: Global,
    /// The command as it was typed, for advice.
    pub(crate) typed: String,
    pub(crate) process_environment: ProcessEnvironment,
    overrides: Overrides,
    pub(crate) report: Option<Report>,
    runtime: OnceCell<Runtime>,
    /// What a look has left for the run that may follow it.
    session: RefCell<Option<OpenSession>>,
}

impl Context {
    /// # Errors
    /// When the file for the report can't be written, or the one of overrides not be read.
    pub(crate) fn new(global: Global) -> Result<Self, RefusedFile> {
        let variables = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        let process_environment = ProcessEnvironment::from_variables(variables);
        let mut typed: Vec<String> = vec!["limbeck".into()];
        typed.extend(redact::arguments().into_iter().skip(1));
        let config_variable = process_environment.variables.get("ALEMBIC_CONFIG");
        let files = global.config.iter().chain(config_variable);
        let usual = ["alembic.ini", "pyproject.toml"];
        let files = files.map(PathBuf::from).chain(usual.map(PathBuf::from));
        redact::configured_by(files.collect());
        let report = match &global.report {
            Some(path) => Some(Report::create(path).map_err(RefusedFile::with(REPORT, path))?),
            None => None,
        };
        let overrides = match &global.overrides {
            Some(path) => Overrides::read(path).map_err(RefusedFile::with(
                "read the values for `--overrides` from",
                path,
            ))?,
            None => Overrides::default(),
        };
        for value in overrides.values() {
            redact::remember(&value);
        }
        Ok(Self {
            printer: Printer::new(global.quiet),
            global,
            typed: typed.join(" "),
            process_environment,
            overrides,
            report,
            runtime: OnceCell::new(),
            session: RefCell::new(None),
        })
    }

    /// An environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.process_environment
            .variables
            .get(name)
            .map(String::as_str)
    }

    /// Where the application's URL comes from: variables and `.env`.
    pub(crate) fn url_provider(&self) -> Result<DatabaseConfigProvider, ConvertError> {
        let file = std::fs::read_to_string(".env").ok();
        let variable = |name: &str| self.variable(name).map(str::to_owned);
        DatabaseConfigProvider::from_variables(&variable, file.as_deref())
    }

    /// The project of the current folder, read without Python where that is possible.
    pub(crate) fn project(&self) -> Result<&'static Project, CliError> {
        let project = self.load()?;
        for warning in project.warnings() {
            warn(warning);
        }
        Ok(project)
    }

    pub(crate) fn load(&self) -> Result<&'static Project, CliError> {
        let migrator = self.migrator()?;
        let project = match migrator.read_project()? {
            Reading::Whole(project) => project,
            Reading::NeedsPython(unread) => {
                let rows = self.watched(async |watch| migrator.headers(watch).await)?;
                Box::new(unread.with_headers(rows)?)
            }
        };
        // The process ends with the command: taking a long history apart again would be for nothing.
        Ok(Box::leak(project))
    }

    /// The configuration, read anew.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        Ok(self.migrator()?.config()?)
    }

    /// What runs the project's migrations.
    pub(crate) fn migrator(&self) -> Result<Migrator, CliError> {
        let Global {
            config,
            name,
            x,
            raiseerr,
            quiet,
            ..
        } = &self.global;
        Ok(Migrator {
            section: name.clone(),
            overrides: self.overrides.clone(),
            lock_wait: (!self.global.no_lock)
                .then(|| LockWait::for_at_most(Duration::from_secs(self.global.lock_wait))),
            typed: Typed {
                config: config.clone(),
                x: x.clone(),
                raiseerr: *raiseerr,
                quiet: *quiet,
                argv: std::env::args().collect(),
            },
            looks_after: self.report.is_some(),
            ..Migrator::new(
                self.config_files()?,
                self.process_environment.clone(),
                self.interpreter_search()?,
            )
        })
    }

    fn config_files(&self) -> Result<ConfigFiles, CliError> {
        let variable = self.variable("ALEMBIC_CONFIG");
        for (place, name) in variable
            .map(|name| ("ALEMBIC_CONFIG", name))
            .into_iter()
            .chain(self.global.config.iter().map(|name| ("--config", &**name)))
        {
            expect_no_url(place, name)?;
        }
        let mut files = ConfigFiles::select(&self.global.config, variable)?;
        if self.global.no_ini {
            files.ini.clear();
        }
        if self.global.no_pyproject {
            files.toml.clear();
        }
        Ok(files)
    }

    /// Runs `env.py` for one of our own commands.
    pub(crate) fn environment(
        &self,
        command: &str,
        options: Json,
        arguments: Json,
        project: &Project,
        intent: Intent<'_>,
    ) -> Outcome {
        let work = Work::Environment(arguments);
        let call = Call {
            command,
            options,
            work,
            rehearses: false,
            session: self.session.take(),
            script_to: None,
        };
        self.run(call, Some(project), intent)
    }

    /// The same for a run that is undone; gives what it would have done.
    pub(crate) fn rehearse(
        &self,
        command: &str,
        options: Json,
        arguments: Json,
        project: &Project,
        mut intent: Intent<'_>,
    ) -> Result<Rehearsed, CliError> {
        let call = Call {
            command,
            options,
            work: Work::Environment(arguments),
            rehearses: true,
            session: self.session.take(),
            script_to: None,
        };
        let migrator = self.migrator()?;
        let mut rehearsed = None;
        let running = async |watch: Watch<'_>| {
            let mut on_event = |event: Event<'_>| {
                if let Event::Rehearsed(found) = &event {
                    rehearsed = Some(found.clone());
                }
                (watch.on_event)(event);
            };
            let watch = Watch {
                on_event: &mut on_event,
                ..watch
            };
            migrator.run(call, Some(project), &mut intent, watch).await
        };
        match self.watched(running)? {
            Ending::Refused(message) => Err(CliError::Refused(message)),
            _ => Ok(rehearsed.unwrap_or_default()),
        }
    }

    /// Looks at the version table without Python, where `env.py` is a stock one. `None` where it is not, or
    /// where looking fails: the worker then meets the same failure and tells where.
    pub(crate) fn look(&self, project: &Project) -> Result<Option<Look>, CliError> {
        let Some(environment) = NativeEnvironment::read(project, &self.process_environment)? else {
            return Ok(None);
        };
        let found = match environment.look_at_once() {
            Some(found) => found.ok(),
            None => self.runtime()?.block_on(environment.look()).ok(),
        };
        Ok(found.map(|mut look| {
            self.session.replace(look.session.take());
            look
        }))
    }

    /// Ends the session that a look has left and no run has taken.
    pub(crate) fn close_session(&self) {
        if let (Some(session), Some(runtime)) = (self.session.take(), self.runtime.get()) {
            // What was read has been told.
            let _ = runtime.block_on(session.close());
        }
    }

    /// The event loop.
    pub(crate) fn runtime(&self) -> Result<&Runtime, CliError> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::System("could not start the event loop", error))?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Prints log lines.
    #[expect(
        clippy::unused_self,
        reason = "printing is the context's, wherever it goes"
    )]
    pub(crate) fn log(&self, lines: &[String]) {
        for line in lines {
            anstream::eprintln!("{line}");
        }
    }

    /// Runs one of Alembic's own commands in the worker.
    pub(crate) fn alembic(
        &self,
        command: &str,
        options: Json,
        arguments: Json,
        project: Option<&Project>,
    ) -> Outcome {
        let work = Work::Alembic(arguments);
        let call = Call {
            command,
            options,
            work,
            rehearses: false,
            session: self.session.take(),
            script_to: None,
        };
        self.run(call, project, Intent::Alembic)
    }

    fn run(&self, call: Call<'_>, project: Option<&Project>, mut intent: Intent<'_>) -> Outcome {
        let migrator = self.migrator()?;
        let running =
            async |watch: Watch<'_>| migrator.run(call, project, &mut intent, watch).await;
        match self.watched(running)? {
            Ending::Done | Ending::Headers(_) => Ok(0),
            Ending::Refused(message) => Err(CliError::Refused(message)),
            Ending::Exit(status) => Ok(u8::try_from(status & 0xFF).unwrap_or(1)),
        }
    }

    /// Does something that a signal may interrupt, and tells of it.
    fn watched<T>(
        &self,
        work: impl AsyncFnOnce(Watch<'_>) -> Result<T, MigrateError>,
    ) -> Result<T, CliError> {
        self.runtime()?.block_on(async {
            let interrupt = signals::listen()
                .map_err(|error| CliError::System("could not listen for signals", error))?;
            let mut progress = Progress::new(!self.global.quiet);
            let mut on_event = |event: Event<'_>| {
                progress.event(&event);
                if let Some(report) = &self.report {
                    report.event(&event);
                }
            };
            let watch = Watch {
                interrupt,
                keeps_thread: true,
                on_event: &mut on_event,
            };
            Ok(work(watch).await?)
        })
    }

    /// Where the interpreter is looked for.
    fn interpreter_search(&self) -> Result<InterpreterSearch, CliError> {
        let path = |name: &str| {
            self.variable(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let project = std::env::current_dir()
            .map_err(|error| CliError::System("could not find the current folder", error))?;
        Ok(InterpreterSearch {
            option: self.global.python.clone(),
            virtual_env: path("VIRTUAL_ENV"),
            conda_prefix: path("CONDA_PREFIX"),
            path: std::env::var_os("PATH"),
            project,
        })
    }
}

/// Refuses a URL where a name belongs. What Alembic makes of a name is its own to print, password and all.
pub(crate) fn expect_no_url(place: &str, name: &str) -> Result<(), CliError> {
    let shown = mask_value(name);
    if shown == name {
        return Ok(());
    }
    Err(CliError::Refused(format!(
        "{place} names a file or folder, and `{shown}` is a database URL"
    )))
}

pub(crate) fn tell(event: &Event<'_>) {
    match event {
        Event::WaitingForLock { holder, waited } => {
            let holder = holder.as_deref().unwrap_or("another run");
            anstream::eprintln!(
                "limbeck: waiting for the migration lock, held by {holder} ({} s)",
                waited.as_secs()
            );
        }
        Event::LockTaken { waited } => {
            anstream::eprintln!(
                "limbeck: the migration lock is ours after {} s",
                waited.as_secs()
            );
        }
        Event::Step { .. }
        | Event::StatementBegins { .. }
        | Event::StatementEnds { .. }
        | Event::Located(_)
        | Event::Planned { .. }
        | Event::Rehearsed(_)
        | Event::Stands(_) => {}
    }
}

pub(crate) fn warn(text: &str) {
    anstream::eprintln!("limbeck: warning: {}", redact(text));
}
