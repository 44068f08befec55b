//! The first message of the host: the worker's task.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The first message of the host, without the worker's own modules. May contain secrets, so it has no `Debug`.
#[derive(Clone, Serialize)]
pub struct Start {
    /// The task.
    #[serde(flatten)]
    pub task: Task,
    /// `true` if the run may write to the database.
    pub changes_database: bool,
    /// The command line, as Alembic's own parser would return it.
    pub options: CommandOptions,
    /// The configuration.
    pub config: ConfigSource,
    /// `sys.argv`.
    pub argv: Vec<String>,
    /// The application that `env.py` needs, as `module:attribute`; none if Flask has to find it, or none is needed.
    pub application: Option<String>,
    /// All scripts in load order; none if Python has to import them to learn their headers.
    #[serde(skip)]
    pub scripts: Option<Vec<KnownScript>>,
    /// The folders of the scripts.
    pub script_folders: Vec<PathBuf>,
    /// The folder for the worker's compiled modules; none if they must not be kept.
    pub cache_folder: Option<PathBuf>,
    /// The environment that a URL may come from.
    pub environment: UrlEnvironment,
}

/// The URL and the variables for code that would fail without them: a project whose ini leaves the URL open, and an `env.py`
/// that reads a variable which only a `.env` file sets.
#[derive(Clone, Default, Serialize)]
pub struct UrlEnvironment {
    /// The URL; none if the environment contains no URL.
    pub url: Option<EnvironmentUrl>,
    /// The URL of Alembic's templates, which counts as no URL.
    pub placeholder: &'static str,
    /// The variables that only a `.env` file sets.
    pub variables: Vec<FileVariable>,
}

/// The environment's URL.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum EnvironmentUrl {
    /// A URL that SQLAlchemy accepts.
    Url {
        /// The URL, in clear text.
        url: String,
        /// The source in words.
        source: String,
    },
    /// A URL that can't be used.
    Unusable {
        /// A description of the problem, without secrets.
        problem: String,
    },
}

/// A variable of a `.env` file.
#[derive(Clone, Serialize)]
pub struct FileVariable {
    /// The variable's name.
    pub name: String,
    /// The variable's value.
    pub value: String,
    /// The source in words.
    pub source: String,
}

/// The worker's task.
#[derive(Clone, Serialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Task {
    /// Run `env.py` with the host's plan.
    Environment {
        /// The keyword arguments of Alembic's `EnvironmentContext`.
        arguments: Value,
    },
    /// Run one of Alembic's own commands.
    Alembic {
        /// The function's name in `alembic.command`.
        command: String,
        /// The function's keyword arguments.
        arguments: Value,
    },
    /// Import all scripts and send their headers.
    Headers,
}

/// A command line, as `env.py` sees it in `context.config.cmd_opts`.
#[derive(Clone, Serialize)]
pub struct CommandOptions {
    /// The command's name.
    pub name_of_command: String,
    /// The values of `--config`; none if there are none.
    pub config: Option<Vec<String>>,
    /// The value of `--name`.
    pub name: String,
    /// The values of `-x`; none if there are none.
    pub x: Option<Vec<String>>,
    /// `true` if `--raiseerr` is given.
    pub raiseerr: bool,
    /// `true` if `--quiet` is given.
    pub quiet: bool,
    /// The command's own options, by the names of Alembic's parser.
    #[serde(flatten)]
    pub own: Map<String, Value>,
}

/// The files of a configuration, and the values that replace theirs.
#[derive(Clone, Serialize)]
pub struct ConfigSource {
    /// The path of the ini file; empty for none.
    pub ini: String,
    /// The path of the `pyproject.toml`; empty for none.
    pub toml: String,
    /// The main section of the ini file.
    pub section: String,
    /// The values to set, by section and name, with `%` doubled.
    pub set: BTreeMap<String, BTreeMap<String, String>>,
    /// The ini's folder, if it contains `env.py`: the script folder if the configuration names none.
    pub folder: Option<String>,
}

/// A script whose header the host has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownScript {
    /// The script's `revision`.
    pub id: String,
    /// The script's `down_revision`.
    pub down_revisions: Vec<String>,
    /// The script's `branch_labels`.
    pub branch_labels: Vec<String>,
    /// The script's `depends_on`.
    pub dependencies: Vec<String>,
    /// The script's path.
    pub path: PathBuf,
}

/// A script and the imports that importing it would perform. Serialized as an array of the fields.
pub(in crate::worker) struct ScriptRow<'a> {
    pub(in crate::worker) script: &'a KnownScript,
    /// The imports of a script whose import has no other effect; none if the worker has to import the script.
    pub(in crate::worker) imports: Option<Vec<String>>,
}

impl Serialize for ScriptRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { script, imports } = self;
        let KnownScript {
            id,
            down_revisions,
            branch_labels,
            dependencies,
            path,
        } = script;
        (
            id,
            down_revisions,
            branch_labels,
            dependencies,
            path,
            imports,
        )
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Map, json};

    use super::{
        CommandOptions, ConfigSource, EnvironmentUrl, KnownScript, ScriptRow, Start, Task,
        UrlEnvironment,
    };

    fn start(task: Task) -> Start {
        let value = BTreeMap::from([("sqlalchemy.url".into(), "sqlite://".into())]);
        Start {
            task,
            changes_database: true,
            options: CommandOptions {
                name_of_command: "upgrade".into(),
                config: None,
                name: "alembic".into(),
                x: Some(vec!["a=b".into()]),
                raiseerr: false,
                quiet: false,
                own: Map::from_iter([("sql".into(), json!(false))]),
            },
            config: ConfigSource {
                ini: "alembic.ini".into(),
                toml: String::new(),
                section: "alembic".into(),
                set: BTreeMap::from([("alembic".into(), value)]),
                folder: Some("migrations".into()),
            },
            argv: vec!["alembic".into()],
            application: Some("shop:create_app".into()),
            scripts: Some(vec![KnownScript {
                id: "b".into(),
                down_revisions: vec!["a".into()],
                branch_labels: vec![],
                dependencies: vec![],
                path: "versions/b.py".into(),
            }]),
            script_folders: vec!["versions".into()],
            cache_folder: None,
            environment: UrlEnvironment {
                url: Some(EnvironmentUrl::Url {
                    url: "sqlite://".into(),
                    source: "`DATABASE_URL`".into(),
                }),
                placeholder: "driver://",
                variables: Vec::new(),
            },
        }
    }

    #[test]
    fn writes_the_first_message() {
        let arguments = json!({"destination_rev": "head"});
        let message = serde_json::to_value(start(Task::Environment { arguments })).unwrap();
        let expected = json!({
            "task": "environment",
            "arguments": {"destination_rev": "head"},
            "changes_database": true,
            "options": {
                "name_of_command": "upgrade", "config": null, "name": "alembic", "x": ["a=b"],
                "raiseerr": false, "quiet": false, "sql": false,
            },
            "config": {
                "ini": "alembic.ini", "toml": "", "section": "alembic",
                "set": {"alembic": {"sqlalchemy.url": "sqlite://"}}, "folder": "migrations",
            },
            "argv": ["alembic"],
            "application": "shop:create_app",
            "script_folders": ["versions"],
            "cache_folder": null,
            "environment": {
                "url": {"url": "sqlite://", "source": "`DATABASE_URL`"}, "placeholder": "driver://", "variables": [],
            },
        });
        assert_eq!(message, expected);
    }

    #[test]
    fn writes_the_scripts() {
        let scripts = start(Task::Headers).scripts.unwrap();
        let row = |imports| ScriptRow {
            script: &scripts[0],
            imports,
        };
        let rows = [row(Some(vec!["alembic:op".into()])), row(None)];
        let expected = json!([
            ["b", ["a"], [], [], "versions/b.py", ["alembic:op"]],
            ["b", ["a"], [], [], "versions/b.py", null],
        ]);
        assert_eq!(serde_json::to_value(rows).unwrap(), expected);
    }

    #[test]
    fn writes_each_task() {
        let message = serde_json::to_value(start(Task::Headers)).unwrap();
        assert_eq!(message["task"], "headers");
        let task = Task::Alembic {
            command: "merge".into(),
            arguments: json!({"revisions": ["a", "b"]}),
        };
        let message = serde_json::to_value(start(task)).unwrap();
        assert_eq!(message["task"], "alembic");
        assert_eq!(message["command"], "merge");
        assert_eq!(message["arguments"]["revisions"], json!(["a", "b"]));
    }
}
