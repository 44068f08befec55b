//! What every command has: the options, the surroundings, the project, and the way to run the worker.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use limbeck::config::{Config, ConfigError, ConfigFiles};
use limbeck::db::{LockWait, Surroundings};
use limbeck::interpreter::{Interpreter, InterpreterSearch};
use limbeck::native::{Look, NativeEnvironment};
use limbeck::project::{LoadError, Project, ProjectError};
use limbeck::revision::RevisionMap;
use limbeck::run::{self, Ending, Event, HeaderRow, Intent, Refusal, RunError, RunOptions};
use limbeck::url::mask_value;
use serde_json::{Value as Json, json};

use crate::args::Global;
use crate::messaging::Printer;
use crate::overrides::Overrides;
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

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        Self::Run(error)
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
    pub(crate) surroundings: Surroundings,
    overrides: Overrides,
    pub(crate) report: Option<Report>,
}

impl Context {
    /// # Errors
    /// When the file for the report can't be written, or the one of overrides not be read.
    pub(crate) fn new(global: Global) -> Result<Self, RefusedFile> {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let surroundings = Surroundings {
            home: variables.get("HOME").map(PathBuf::from),
            user: ["USER", "LOGNAME"]
                .iter()
                .find_map(|name| variables.get(*name).cloned()),
            variables,
        };
        let mut typed: Vec<String> = vec!["limbeck".into()];
        typed.extend(redact::arguments().into_iter().skip(1));
        let config_variable = surroundings.variables.get("ALEMBIC_CONFIG");
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
        Ok(Self {
            printer: Printer::new(global.quiet),
            global,
            typed: typed.join(" "),
            surroundings,
            overrides,
            report,
        })
    }

    /// An environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.surroundings.variables.get(name).map(String::as_str)
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
        let config = self.config()?;
        let read_by_python = || self.headers();
        let project =
            Project::load(config, || self.package_folders(), read_by_python).map_err(|error| {
                match error {
                    LoadError::Project(error) => CliError::Project(error),
                    LoadError::Python(error) => error,
                }
            })?;
        // The process ends with the command: taking a long history apart again would be for nothing.
        Ok(Box::leak(Box::new(project)))
    }

    /// The configuration, read anew.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        let mut config = Config::load(&self.config_files()?, &self.global.name)?;
        self.overrides.apply(&mut config);
        Ok(config)
    }

    pub(crate) fn config_files(&self) -> Result<ConfigFiles, CliError> {
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
        let start = json!({"command": "environment", "environment": arguments});
        self.run(command, options, start, Some(project), intent)
    }

    /// Looks at the version table without Python, where `env.py` is a stock one. `None` where it is not, or
    /// where looking fails: the worker then meets the same failure and tells where.
    pub(crate) fn look(&self, project: &Project) -> Result<Option<Look>, CliError> {
        let Some(environment) = NativeEnvironment::read(project, &self.surroundings)? else {
            return Ok(None);
        };
        let runtime = runtime()?;
        Ok(runtime.block_on(environment.look()).ok())
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
        let start = json!({"command": command, "arguments": arguments});
        self.run(command, options, start, project, Intent::Alembic)
    }

    fn run(
        &self,
        command: &str,
        options: Json,
        start: Json,
        project: Option<&Project>,
        mut intent: Intent<'_>,
    ) -> Outcome {
        let mut start = self.start(command, options, start)?;
        let derived = project
            .and_then(|project| project.script_folder.as_ref())
            .filter(|_| self.keeps_derived_files())
            .map(|folder| folder.join("__pycache__"));
        let scripts = json!({
            "scripts": project.map(Project::headers_for_worker),
            "script_folders": project.map(Project::script_folders),
            "derived": derived,
        });
        merge(&mut start, scripts);
        let empty = RevisionMap::default();
        let map = project.map_or(&empty, |project| &project.map);
        match self.run_worker(start, map, &mut intent)? {
            Ending::Done => {
                if let Some(project) = project
                    && intent.changes_database()
                    && self.keeps_derived_files()
                {
                    // The run has succeeded; without the file the next one takes a little longer, and that is all.
                    let _ = project.keep_headers();
                }
                Ok(0)
            }
            Ending::Headers(_) => Ok(0),
            Ending::Refused(message) => Err(CliError::Refused(message)),
            Ending::Exit(status) => Ok(u8::try_from(status & 0xFF).unwrap_or(1)),
        }
    }

    /// Whether what is derived of the project's files may be kept where Python keeps its own.
    fn keeps_derived_files(&self) -> bool {
        let set = |name| self.variable(name).is_some_and(|value| !value.is_empty());
        !set("PYTHONDONTWRITEBYTECODE") && !set("PYTHONPYCACHEPREFIX")
    }

    /// The headers of all scripts, read by running them.
    fn headers(&self) -> Result<Vec<HeaderRow>, CliError> {
        let start = self.start("heads", json!({}), json!({"command": "headers"}))?;
        match self.run_worker(start, &RevisionMap::default(), &mut Intent::Alembic)? {
            Ending::Headers(rows) => Ok(rows),
            Ending::Refused(message) => Err(CliError::Refused(message)),
            Ending::Done | Ending::Exit(_) => Err(CliError::Refused(
                "the revision scripts ended the Python worker while they were imported".into(),
            )),
        }
    }

    /// The worker's first message: what was typed, as Alembic's own program would have it.
    fn start(&self, command: &str, mut options: Json, mut start: Json) -> Result<Json, CliError> {
        let Global {
            config,
            name,
            x,
            raiseerr,
            quiet,
            ..
        } = &self.global;
        let common = json!({
            "config": (!config.is_empty()).then_some(config), "name": name,
            "x": (!x.is_empty()).then_some(x), "raiseerr": raiseerr, "quiet": quiet, "name_of_command": command,
        });
        merge(&mut options, common);
        let files = self.config_files()?;
        merge(
            &mut start,
            json!({
                "options": options,
                "config": {
                    "ini": files.ini, "toml": files.toml, "section": name, "set": self.overrides.to_json(),
                },
                "argv": std::env::args().collect::<Vec<_>>(),
                "derived": null,
            }),
        );
        Ok(start)
    }

    /// Where Python packages may lie: `PYTHONPATH`, then the packages of the project's environment.
    pub(crate) fn package_folders(&self) -> Vec<PathBuf> {
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

    /// Runs the worker to its end.
    pub(crate) fn run_worker(
        &self,
        start: Json,
        map: &RevisionMap,
        intent: &mut Intent<'_>,
    ) -> Result<Ending, CliError> {
        let interpreter = self.interpreter()?;
        let runtime = runtime()?;
        runtime.block_on(async {
            let interrupt = signals::listen()
                .map_err(|error| CliError::System("could not listen for signals", error))?;
            let mut tell = |event: Event<'_>| {
                tell(&event);
                if let Some(report) = &self.report {
                    report.event(&event);
                }
            };
            let options = RunOptions {
                interpreter,
                start,
                surroundings: &self.surroundings,
                lock_wait: self.lock_wait(),
                looks_after: self.report.is_some() && intent.changes_database(),
                interrupt,
                on_event: &mut tell,
            };
            Ok(run::run(options, map, intent).await?)
        })
    }

    fn lock_wait(&self) -> Option<LockWait> {
        (!self.global.no_lock)
            .then(|| LockWait::for_at_most(Duration::from_secs(self.global.lock_wait)))
    }

    fn interpreter(&self) -> Result<Interpreter, CliError> {
        Ok(self.interpreter_search()?.find().map_err(RunError::from)?)
    }

    /// Where the interpreter is looked for.
    pub(crate) fn interpreter_search(&self) -> Result<InterpreterSearch, CliError> {
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

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::System("could not start the event loop", error))
}

fn merge(into: &mut Json, from: Json) {
    if let (Json::Object(into), Json::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn tell(event: &Event<'_>) {
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
        Event::Step { .. } | Event::Stands(_) => {}
    }
}

pub(crate) fn warn(text: &str) {
    anstream::eprintln!("limbeck: warning: {}", redact(text));
}
