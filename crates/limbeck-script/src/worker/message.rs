//! What the worker asks; `python/PROTOCOL.md` is the whole of it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A request of the worker.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// Open a connection.
    Connect(ConnectRequest),
    /// Run a statement on one.
    Execute(Execute),
    /// Close one.
    Close {
        /// Which.
        connection: u32,
    },
    /// Let SQL call a Python function (`SQLite`).
    Function(FunctionRequest),
    /// The version of a library that is compiled into the host.
    Library {
        /// Its name: `sqlite`.
        name: String,
    },
    /// The steps from these heads.
    Plan(Plan),
    /// Steps may follow: take the lock if there is something to do.
    Lock(LockRequest),
    /// A step begins.
    Step(StepRequest),
    /// The headers of all scripts, where they had to be read by Python.
    Headers {
        /// The scripts in load order.
        scripts: Vec<HeaderRow>,
    },
    /// The run is over.
    End(Box<End>),
}

/// The parameters of a connection.
#[derive(Deserialize)]
pub struct ConnectRequest {
    /// The URL's parts.
    pub url: UrlParts,
    /// The driver's keyword arguments.
    #[serde(default)]
    pub args: Map<String, Value>,
}

impl std::fmt::Debug for ConnectRequest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Both fields can carry a password.
        out.debug_struct("ConnectRequest").finish_non_exhaustive()
    }
}

/// A database URL as the project's SQLAlchemy has split and decoded it.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct UrlParts {
    pub dialect: String,
    pub driver: Option<String>,
    pub user: Option<String>,
    pub password: Option<String>,
    pub host: Option<String>,
    pub port: Option<u64>,
    pub database: Option<String>,
    pub query: Vec<(String, String)>,
}

/// A statement.
#[derive(Debug, Deserialize)]
pub struct Execute {
    /// The connection's number.
    pub connection: u32,
    /// The text.
    pub sql: String,
    /// Statements that ride ahead.
    #[serde(default)]
    pub before: Vec<String>,
    /// One row of parameters.
    #[serde(default)]
    pub parameters: Option<Vec<Value>>,
    /// Many rows of parameters.
    #[serde(default)]
    pub many: Option<Vec<Vec<Value>>>,
    /// Several statements in one text (`SQLite`'s `executescript`).
    #[serde(default)]
    pub script: bool,
}

/// A Python function for SQL.
#[derive(Debug, Deserialize)]
pub struct FunctionRequest {
    /// The connection's number.
    pub connection: u32,
    /// The function's name.
    pub name: String,
    /// How many arguments it takes; -1 for any number.
    pub arguments: i32,
    /// It gives the same result for the same arguments.
    #[serde(default)]
    pub deterministic: bool,
    /// What the host is to have in the function's place.
    #[serde(default)]
    pub built_in: Option<BuiltIn>,
}

/// A Python function that the host has, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum BuiltIn {
    /// `math.floor`.
    #[serde(rename = "math.floor")]
    MathFloor,
}

/// What the worker answers to a call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallAnswer {
    /// The function's result.
    Return(Value),
    /// The text of its exception.
    Raise(String),
}

/// A question for the steps.
#[derive(Debug, Deserialize)]
pub struct Plan {
    /// The version table's rows.
    pub heads: Vec<String>,
    /// The engine's URL with its password masked.
    pub url: Option<String>,
    /// Where the rows were read; none where that was not over a connection of the host.
    pub at: Option<VersionTablePlace>,
}

/// A version table and the connection to its database.
#[derive(Debug, Deserialize)]
pub struct VersionTablePlace {
    /// The connection's number.
    pub connection: u32,
    /// The version table.
    pub table: String,
    /// Its schema.
    pub schema: Option<String>,
}

/// What is known before steps are run.
#[derive(Debug, Deserialize)]
pub struct LockRequest {
    /// The version table that the lock is for.
    #[serde(flatten)]
    pub at: VersionTablePlace,
    /// Whether the table exists, when it could be looked at.
    pub exists: Option<bool>,
    /// Its rows, when they could be looked at.
    pub heads: Option<Vec<String>>,
}

/// A step that begins.
#[derive(Debug, Deserialize)]
pub struct StepRequest {
    /// The revision.
    pub revision: String,
    /// `upgrade` or `downgrade`.
    pub kind: String,
    /// The script's file.
    pub path: String,
}

/// A script's header, read by running it.
#[derive(Debug, Clone, Deserialize)]
pub struct HeaderRow {
    /// `revision`.
    pub id: String,
    /// `down_revision`.
    pub down_revisions: Vec<String>,
    /// `branch_labels`.
    pub branch_labels: Vec<String>,
    /// `depends_on`.
    pub dependencies: Vec<String>,
    /// The module's docstring.
    pub doc: Option<String>,
    /// The file.
    pub path: String,
}

/// How the run ended.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum End {
    /// All done.
    Done,
    /// Alembic refused the command.
    CommandError {
        /// Its text, without `FAILED: `.
        message: String,
    },
    /// User code called `sys.exit`.
    Exit {
        /// The status.
        status: i32,
    },
    /// Alembic or SQLAlchemy can't be imported.
    Missing {
        /// The module's name.
        module: String,
        /// Python's message.
        message: String,
    },
    /// An exception that nobody caught.
    Exception {
        /// The exception's type.
        #[serde(rename = "type")]
        kind: String,
        /// Whether it is one of the connection's own, whatever driver's name it has.
        of_driver: bool,
        /// Its message.
        message: String,
        /// The number of the host's error behind it.
        limbeck_error: Option<u64>,
        /// The call stack, outermost first.
        frames: Vec<Frame>,
        /// The place of a syntax error.
        syntax: Option<Box<SyntaxPlace>>,
        /// Python's whole traceback.
        traceback: String,
        /// The module that an `ImportError` names.
        module: Option<String>,
        /// The option of the configuration whose value could not be filled in.
        option: Option<ConfigOption>,
    },
}

/// An option of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConfigOption {
    /// Its section.
    pub section: String,
    /// Its name.
    pub name: String,
}

/// A call in a Python stack.
#[derive(Debug, Clone, Deserialize)]
pub struct Frame {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The first column, from 0 in UTF-8 bytes; since Python 3.11.
    pub column: Option<u32>,
    /// The last line.
    pub end_line: Option<u32>,
    /// The column after the last.
    pub end_column: Option<u32>,
    /// The function's name.
    pub function: String,
    /// `script` (a revision or `env.py`), `project`, or `library`.
    pub kind: String,
}

/// The place of a Python syntax error.
#[derive(Debug, Clone, Deserialize)]
pub struct SyntaxPlace {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// The message.
    pub message: String,
}
