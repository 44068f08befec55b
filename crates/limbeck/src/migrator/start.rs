//! The worker's first message: the command line, the configuration and the scripts.

use std::path::Path;

use limbeck_script::worker::{CommandOptions, ConfigSource, Start, Task};
use serde_json::{Map, Value as Json};

use super::Migrator;
use crate::config::ConfigFiles;
use crate::migration_url::ProjectEnvironment;
use crate::project::Project;

/// The global options of a command line, as `env.py` sees them in `context.config.cmd_opts` and `sys.argv`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The values of `--config`.
    pub config: Vec<String>,
    /// The values of `-x`.
    pub x: Vec<String>,
    /// `true` if `--raiseerr` is given.
    pub raiseerr: bool,
    /// `true` if `--quiet` is given.
    pub quiet: bool,
    /// `sys.argv`.
    pub argv: Vec<String>,
}

/// The project whose scripts a run uses.
#[derive(Clone, Copy)]
pub(super) struct ProjectFiles<'a> {
    pub(super) project: &'a Project,
    /// `true` if the worker's compiled modules may be kept beside `env.py`.
    pub(super) keeps_modules: bool,
}

impl Migrator {
    /// Returns the worker's first message.
    pub(super) fn start(
        &self,
        command: &str,
        task: Task,
        own: Map<String, Json>,
        files: Option<ProjectFiles<'_>>,
    ) -> Start {
        let CommandLine {
            config: config_option,
            x,
            raiseerr,
            quiet,
            argv,
        } = &self.command_line;
        let non_empty = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
        let ConfigFiles { ini, toml } = &self.files;
        let project = files.map(|files| files.project);
        let cache_folder = files
            .filter(|files| files.keeps_modules)
            .and_then(|files| files.project.script_folder.as_ref())
            .map(|folder| folder.join("__pycache__"));
        let config = files.map(|files| &files.project.config);
        let environment =
            ProjectEnvironment::read(Path::new(&self.files.ini), &self.process_environment);
        Start {
            task,
            changes_database: false,
            options: CommandOptions {
                name_of_command: command.to_owned(),
                config: non_empty(config_option),
                name: self.section.clone(),
                x: non_empty(x),
                raiseerr: *raiseerr,
                quiet: *quiet,
                own,
            },
            config: ConfigSource {
                ini: ini.clone(),
                toml: toml.clone(),
                section: self.section.clone(),
                set: self.overrides.by_section().clone(),
                folder: self.files.script_folder(),
            },
            argv: argv.clone(),
            application: files
                .and_then(|files| files.project.config.application().map(str::to_owned)),
            scripts: project.and_then(Project::known_scripts),
            script_folders: project.map(Project::script_folders).unwrap_or_default(),
            cache_folder,
            environment: environment.for_worker(config),
        }
    }
}
