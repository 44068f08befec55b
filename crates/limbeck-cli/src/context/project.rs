//! The project: its configuration, scripts, interpreter, and migrator.

use std::path::PathBuf;

use limbeck::config::{Config, ConfigFiles};
use limbeck::db::LockWait;
use limbeck::interpreter::InterpreterSearch;
use limbeck::migrator::{CommandLine, Migrator};
use limbeck::project::{LoadedProject, Project};
use limbeck::url::mask_value;

use super::Context;
use crate::cli_error::CliError;
use crate::output::notices::print_warning;

impl Context {
    /// Loads the project of the current folder and prints the warnings of its revision map.
    pub(crate) fn project(&self) -> Result<&'static Project, CliError> {
        let project = self.load_project()?;
        for warning in project.warnings() {
            print_warning(warning);
        }
        Ok(project)
    }

    /// Loads the project of the current folder. Starts Python only for scripts that limbeck can't read.
    pub(crate) fn load_project(&self) -> Result<&'static Project, CliError> {
        let migrator = self.migrator()?;
        let project = match migrator.read_project()? {
            LoadedProject::Whole(project) => project,
            LoadedProject::NeedsPython(unread) => {
                let rows =
                    self.with_run_control(async |control| migrator.headers(control).await)?;
                Box::new(unread.with_headers(rows)?)
            }
        };
        // The process ends with the command: freeing a long history would only take time.
        Ok(Box::leak(project))
    }

    /// Reads the configuration from its files.
    pub(crate) fn config(&self) -> Result<Config, CliError> {
        Ok(self.migrator()?.config()?)
    }

    /// Returns a migrator for the project of the current folder.
    pub(crate) fn migrator(&self) -> Result<Migrator, CliError> {
        let global = &self.global;
        Ok(Migrator {
            section: global.name.clone(),
            overrides: self.overrides.clone(),
            lock_wait: (!global.no_lock).then(|| LockWait::for_at_most(global.lock_wait)),
            command_line: CommandLine {
                config: global.config.clone(),
                x: global.x.clone(),
                raiseerr: global.raiseerr,
                quiet: global.quiet,
                argv: std::env::args().collect(),
            },
            report_final_state: self.report.is_some(),
            ..Migrator::new(
                self.config_files()?,
                self.process_environment.clone(),
                self.interpreter_search()?,
            )
        })
    }

    fn config_files(&self) -> Result<ConfigFiles, CliError> {
        let variable = self.variable("ALEMBIC_CONFIG");
        if let Some(name) = variable {
            expect_no_url("ALEMBIC_CONFIG", name)?;
        }
        for name in &self.global.config {
            expect_no_url("--config", name)?;
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

    /// Returns the places to search for the Python interpreter.
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

/// Returns an error if `name` is a database URL. Alembic would print the name, and with it the password.
///
/// `source` is the option, variable or argument that `name` comes from.
pub(crate) fn expect_no_url(source: &str, name: &str) -> Result<(), CliError> {
    let masked = mask_value(name);
    if masked == name {
        return Ok(());
    }
    Err(CliError::usage(format!(
        "{source} must be a file or folder, but is the database URL `{masked}`"
    )))
}
