//! Requests and notices of the worker.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::RunOutcome;

/// A message of the worker. The host replies to each, except to [`Step`](Self::Step),
/// [`StepEnd`](Self::StepEnd), [`Using`](Self::Using) and [`OutputFailed`](Self::OutputFailed).
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum WorkerRequest {
    /// Open a session.
    Connect(ConnectRequest),
    /// Run a statement.
    Execute(ExecuteRequest),
    /// Run a statement that may start a COPY (`PostgreSQL`).
    Copy(ExecuteRequest),
    /// Send data of the running COPY.
    CopyData {
        /// The session's number.
        connection: u32,
        /// The data, in base64.
        data: String,
    },
    /// Return data of the running COPY.
    CopyRead {
        /// The session's number.
        connection: u32,
    },
    /// End the running COPY.
    CopyEnd {
        /// The session's number.
        connection: u32,
        /// The reason why the COPY fails; none if its data is complete.
        failure: Option<String>,
    },
    /// Cancel the running COPY, and drop the rest of its data.
    CopyCancel {
        /// The session's number.
        connection: u32,
    },
    /// Close a session.
    Close {
        /// The session's number.
        connection: u32,
    },
    /// Let SQL call a Python function (`SQLite`).
    Function(FunctionRequest),
    /// Return the version of a library that is compiled into the host.
    Library {
        /// The library's name: `sqlite`.
        name: String,
    },
    /// Return the steps from these heads.
    Plan(PlanRequest),
    /// Take the migration lock if steps may follow.
    Lock(LockRequest),
    /// A step begins: its function runs next.
    Step(StepRequest),
    /// Alembic is done with the step: its version rows are written.
    StepEnd,
    /// The worker could not write to standard output.
    OutputFailed {
        /// The system's number of the error.
        errno: i32,
    },
    /// The worker uses a URL or a variable of the start's `environment`.
    Using {
        /// The URL's or the variable's source in words.
        what: String,
    },
    /// The headers of all scripts, read by importing them.
    Headers {
        /// The scripts in load order.
        scripts: Vec<ImportedScript>,
    },
    /// The run is over. The worker sends nothing after this message.
    End(RunOutcome),
}

/// The parameters of a session to open.
#[derive(Deserialize)]
pub struct ConnectRequest {
    /// The parts of the URL.
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

/// A database URL, split and decoded by the project's SQLAlchemy.
#[derive(Deserialize)]
#[expect(missing_docs, reason = "the names are those of a URL's parts")]
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

/// A statement to run.
#[derive(Debug, Deserialize)]
pub struct ExecuteRequest {
    /// The session's number.
    pub connection: u32,
    /// The statement's text.
    pub sql: String,
    /// The role of `sql`.
    pub role: Role,
    /// Statements to run before `sql` in the same round trip. Their role is [`Role::Transaction`].
    #[serde(default)]
    pub before: Vec<String>,
    /// One row of parameters.
    #[serde(default)]
    pub parameters: Option<Vec<Value>>,
    /// Many rows of parameters, in place of `parameters`.
    #[serde(default)]
    pub many: Option<Vec<Vec<Value>>>,
    /// `true` if `sql` is a script of several statements (`SQLite`'s `executescript`).
    #[serde(default)]
    pub script: bool,
    /// `true` for a rollback that the project's code asks for, and not SQLAlchemy because it closes a connection.
    #[serde(default)]
    pub deliberate: bool,
    /// The use of the extended protocol (`PostgreSQL`); none for a simple query.
    #[serde(default)]
    pub extended: Option<Extended>,
}

/// A use of `PostgreSQL`'s extended protocol.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extended {
    /// The statement is not run. The result has one row, with the type (OID) of each parameter of the statement.
    ParameterTypes,
    /// The statement runs with `parameters`, which are bytes in the server's binary form, of these types.
    BinaryParameters(Vec<u32>),
}

/// The origin of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A statement of a revision's function, or of code that the function calls.
    Script,
    /// Alembic's own statement about the version table.
    Version,
    /// A statement that the DBAPI or the dialect sends by itself to begin, end or set up a transaction.
    Transaction,
    /// Any other statement: `env.py`, hooks, autogenerate, and the dialect's own queries.
    Environment,
}

/// A Python function that SQL may call.
#[derive(Debug, Deserialize)]
pub struct FunctionRequest {
    /// The session's number.
    pub connection: u32,
    /// The function's name in SQL.
    pub name: String,
    /// The number of arguments; -1 for any number.
    pub arguments: i32,
    /// `true` if equal arguments give equal results.
    #[serde(default)]
    pub deterministic: bool,
    /// The host's own implementation, which it runs instead of calling Python.
    #[serde(default)]
    pub built_in: Option<BuiltInFunction>,
}

/// A Python function that the host implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum BuiltInFunction {
    /// `math.floor`.
    #[serde(rename = "math.floor")]
    MathFloor,
}

/// The worker's answer to a call of a Python function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// The function's result.
    Return(Value),
    /// The text of the function's exception.
    Raise(String),
}

/// A request for the steps of the run.
#[derive(Debug, Deserialize)]
pub struct PlanRequest {
    /// The version rows.
    pub heads: Vec<String>,
    /// The engine's URL with its password masked; none in offline mode.
    pub url: Option<String>,
    /// The version table that `heads` were read from; none if the host did not open the connection to it.
    pub at: Option<VersionTableRef>,
    /// The line that began the transaction which `env.py` had open before it configured Alembic; none if it had none, or if
    /// the line is unknown.
    #[serde(default)]
    pub begun_at: Option<CodeLine>,
}

/// A line of the project's code.
#[derive(Debug, Deserialize)]
pub struct CodeLine {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// A version table and the session that reaches it.
#[derive(Debug, Deserialize)]
pub struct VersionTableRef {
    /// The session's number.
    pub connection: u32,
    /// The table's name.
    pub table: String,
    /// The table's schema; none for the default one.
    pub schema: Option<String>,
}

/// A request for the migration lock.
#[derive(Debug, Deserialize)]
pub struct LockRequest {
    /// The version table that the lock guards.
    #[serde(flatten)]
    pub at: VersionTableRef,
    /// `Some(true)` if the version table exists; `None` if it must not be read before the lock is taken.
    pub exists: Option<bool>,
    /// The version rows; none like `exists`.
    pub heads: Option<Vec<String>>,
    /// `true` for a command of Alembic's inside the run, whose steps are not the host's.
    #[serde(default)]
    pub nested: bool,
}

/// The step that begins.
#[derive(Debug, Deserialize)]
pub struct StepRequest {
    /// The kind of step.
    pub direction: StepDirection,
    /// The revision; none for a stamp.
    pub revision: Option<String>,
    /// The path of the revision's script; none for a stamp.
    pub path: Option<String>,
    /// The revisions that the step leaves.
    pub from: Vec<String>,
    /// The revisions that the step leads to.
    pub to: Vec<String>,
}

/// The kind of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepDirection {
    /// Runs a revision's `upgrade`.
    Upgrade,
    /// Runs a revision's `downgrade`.
    Downgrade,
    /// Changes the version rows only.
    Stamp,
}

impl StepDirection {
    /// Returns the name of the direction: `upgrade`, `downgrade` or `stamp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Stamp => "stamp",
        }
    }
}

/// A script's header, read by importing the script.
#[derive(Debug, Clone, Deserialize)]
pub struct ImportedScript {
    /// The script's `revision`.
    pub id: String,
    /// The script's `down_revision`.
    pub down_revisions: Vec<String>,
    /// The script's `branch_labels`.
    pub branch_labels: Vec<String>,
    /// The script's `depends_on`.
    pub dependencies: Vec<String>,
    /// The module's docstring.
    pub doc: Option<String>,
    /// The script's path.
    pub path: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Role, StepDirection, WorkerRequest};

    fn parse(message: serde_json::Value) -> WorkerRequest {
        serde_json::from_value(message).unwrap()
    }

    #[test]
    fn reads_the_role_of_a_statement() {
        for (text, expected) in [
            ("script", Role::Script),
            ("version", Role::Version),
            ("transaction", Role::Transaction),
            ("environment", Role::Environment),
        ] {
            let message =
                json!({"op": "execute", "connection": 1, "sql": "SELECT 1", "role": text});
            let WorkerRequest::Execute(request) = parse(message) else {
                panic!("not an `execute`");
            };
            assert_eq!(request.role, expected);
        }
    }

    #[test]
    fn rejects_a_statement_without_a_role() {
        let message = json!({"op": "execute", "connection": 1, "sql": "SELECT 1"});
        assert!(serde_json::from_value::<WorkerRequest>(message).is_err());
    }

    #[test]
    fn reads_the_steps_of_each_direction() {
        for (text, expected, revision) in [
            ("upgrade", StepDirection::Upgrade, Some("a")),
            ("downgrade", StepDirection::Downgrade, Some("a")),
            ("stamp", StepDirection::Stamp, None),
        ] {
            let message = json!({
                "op": "step", "direction": text, "revision": revision, "path": revision, "from": [], "to": ["a"],
            });
            let WorkerRequest::Step(step) = parse(message) else {
                panic!("not a `step`");
            };
            assert_eq!(step.direction, expected);
            assert_eq!(step.direction.as_str(), text);
            assert_eq!(step.revision.as_deref(), revision);
            assert_eq!((step.from, step.to), (vec![], vec!["a".to_owned()]));
        }
    }

    #[test]
    fn reads_the_end_of_a_step() {
        assert!(matches!(
            parse(json!({"op": "step_end"})),
            WorkerRequest::StepEnd
        ));
    }
}
