//! State shared by all commands: global options, environment variables, event loop, and report.

pub(crate) mod project;
mod report;
pub(crate) mod run;
mod version_probe;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use limbeck::config::{ConfigFiles, Overrides};
use limbeck::db::ProcessEnvironment;
use limbeck::{OpenSession, ProjectEnvironment, env_file_paths};
use tokio::runtime::Runtime;

use crate::cli_error::{CliError, FileError};
use crate::global_options::GlobalOptions;
use crate::output::printer::Printer;
use crate::output::redact;
use crate::output::report::{Report, WRITE_REPORT};

/// State shared by all commands.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) printer: Printer,
    pub(crate) global: GlobalOptions,
    /// The command line without its secrets, for help texts.
    pub(crate) command_line: String,
    pub(crate) process_environment: ProcessEnvironment,
    overrides: Overrides,
    report: Option<Report>,
    runtime: OnceLock<Runtime>,
    /// The session that a version probe opened. The run after it reuses the session.
    session: Mutex<Option<OpenSession>>,
}

impl Context {
    /// Reads the environment and the files that options name.
    ///
    /// # Errors
    /// Returns an error if the file of `--report` can't be created, or the file of `--overrides` can't be read.
    pub(crate) fn new(global: GlobalOptions) -> Result<Self, FileError> {
        let variables = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        let process_environment = ProcessEnvironment::from_variables(variables);
        let mut command_line: Vec<String> = vec!["limbeck".into()];
        command_line.extend(redact::masked_arguments().into_iter().skip(1));
        let config_variable = process_environment.variables.get("ALEMBIC_CONFIG");
        let files = global.config.iter().chain(config_variable);
        let defaults = ["alembic.ini", "pyproject.toml"];
        let files: Vec<PathBuf> = files
            .map(PathBuf::from)
            .chain(defaults.map(PathBuf::from))
            .collect();
        let env_files = files.iter().flat_map(|file| env_file_paths(file));
        redact::set_config_files(env_files.chain(files.clone()).collect());
        let report = global.report.as_deref().map(|path| {
            Report::create(path).map_err(|error| FileError::new(WRITE_REPORT, path, error))
        });
        let report = report.transpose()?;
        let overrides = match &global.overrides {
            Some(path) => Overrides::read(path).map_err(|error| {
                FileError::new("read the values for `--overrides` from", path, error)
            })?,
            None => Overrides::default(),
        };
        for value in overrides.values() {
            redact::remember(&value);
        }
        Ok(Self {
            printer: Printer::new(global.quiet),
            global,
            command_line: command_line.join(" "),
            process_environment,
            overrides,
            report,
            runtime: OnceLock::new(),
            session: Mutex::new(None),
        })
    }

    /// Returns the value of an environment variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.process_environment
            .variables
            .get(name)
            .map(String::as_str)
    }

    /// Returns the environment that the database URLs may come from.
    pub(crate) fn project_environment(&self) -> ProjectEnvironment<'_> {
        let files = ConfigFiles::select(&self.global.config, self.variable("ALEMBIC_CONFIG"));
        let ini = files.map(|files| files.ini).unwrap_or_default();
        ProjectEnvironment::read(Path::new(&ini), &self.process_environment)
    }

    /// Returns the event loop, which the first call starts.
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
}
