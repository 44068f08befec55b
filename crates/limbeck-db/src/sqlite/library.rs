//! Calls into the SQLite library, configured as in `CPython`'s `sqlite3`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, InterruptHandle, MAIN_DB, OpenFlags, Statement, ffi};

use super::busy::{self, BusyTimeout};
use super::deletions::Deletions;
use super::functions::{FunctionCall, FunctionCallSender};
use super::{SqliteOptions, math, python};
use crate::{
    Column, ConnectError, ConnectErrorKind, DbError, Effect, Outcome, ResultSet, ServerError,
    TransactionStatus, Value,
};

/// A job for the library.
#[derive(Debug)]
pub(super) enum Job {
    Statement {
        sql: String,
        parameters: Vec<Value>,
    },
    StatementPerRow {
        sql: String,
        rows: Vec<Vec<Value>>,
    },
    Script {
        sql: String,
    },
    Function {
        name: String,
        arguments: i32,
        deterministic: bool,
        calls: FunctionCallSender,
    },
    /// Replaces SQLite's `floor` with Python's `math.floor`.
    PythonFloor,
    /// Returns a row with 1 if the main database is read-only, and 0 otherwise.
    IsReadOnly,
    /// Turns each commit into a rollback and recognizes deletions, or stops doing so.
    ForbidCommits(bool),
}

/// The outcome of a job, and the state of the transaction after it.
#[derive(Debug)]
pub(super) struct JobResult {
    pub(super) outcome: Result<Outcome, DbError>,
    pub(super) status: TransactionStatus,
}

/// An open connection of the library.
#[derive(Debug)]
pub(super) struct Library {
    connection: Connection,
    busy_timeout: BusyTimeout,
    deletions: Deletions,
}

impl Library {
    /// Opens the file. A job ends its wait for a lock as soon as `is_interrupted` is set.
    pub(super) fn open(
        options: &SqliteOptions,
        is_interrupted: Arc<AtomicBool>,
    ) -> Result<Self, DbError> {
        Ok(Self {
            connection: open(options)?,
            busy_timeout: BusyTimeout {
                limit: options.busy_timeout,
                is_interrupted,
            },
            deletions: Deletions::default(),
        })
    }

    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    /// Runs a job.
    pub(super) fn run(&mut self, job: Job) -> JobResult {
        self.busy_timeout
            .is_interrupted
            .store(false, Ordering::Relaxed);
        busy::set_timeout(&self.busy_timeout);
        let outcome = run(&mut self.connection, &self.deletions, job);
        let status = if self.connection.is_autocommit() {
            TransactionStatus::Idle
        } else {
            TransactionStatus::Open
        };
        JobResult { outcome, status }
    }
}

fn open(options: &SqliteOptions) -> Result<Connection, DbError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if options.uri {
        flags |= OpenFlags::SQLITE_OPEN_URI;
    }
    let open_error = |error: &rusqlite::Error| {
        DbError::Connect(ConnectError {
            kind: ConnectErrorKind::File,
            message: format!(
                "could not open the SQLite database `{}`: {}",
                options.display_name(),
                // The library's message ends with the name, including its parameters.
                message_of(error).replace(&options.name, options.display_name())
            ),
            hint: Some("check that its folder exists and is writable".into()),
        })
    };
    let mut connection =
        Connection::open_with_flags(&options.name, flags).map_err(|error| open_error(&error))?;
    busy::install(&mut connection).map_err(|error| open_error(&error))?;
    let set_up = || {
        math::define(&connection)?;
        // The bundled library has other defaults than the one that CPython usually links with.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
        python::define_regexp(&connection)
    };
    set_up().map_err(|error| open_error(&error))?;
    Ok(connection)
}

fn run(connection: &mut Connection, deletions: &Deletions, job: Job) -> Result<Outcome, DbError> {
    deletions.reset();
    let result = match job {
        Job::Statement { sql, parameters } => {
            let mut statement = prepare(connection, &sql)?;
            execute(connection, &mut statement, &parameters)
        }
        Job::StatementPerRow { sql, rows } => {
            let mut statement = prepare(connection, &sql)?;
            let mut sum = 0;
            let mut last = ResultSet::default();
            rows.iter()
                .try_for_each(|row| {
                    last = execute(connection, &mut statement, row)?;
                    sum += last.affected.unwrap_or_default();
                    Ok(())
                })
                .map(|()| ResultSet {
                    affected: Some(sum),
                    ..last
                })
        }
        Job::Function {
            name,
            arguments,
            deterministic,
            calls,
        } => register(connection, &name, arguments, deterministic, calls)
            .map(|()| ResultSet::default()),
        Job::PythonFloor => python::define_floor(connection).map(|()| ResultSet::default()),
        Job::IsReadOnly => connection.is_readonly(MAIN_DB).map(|flag| ResultSet {
            rows: vec![vec![Value::Integer(flag.into())]],
            ..ResultSet::default()
        }),
        // SQLite reports no effects of several statements, so a script counts as a change.
        Job::Script { sql } => connection.execute_batch(&sql).map(|()| ResultSet {
            effect: Effect::Write,
            ..ResultSet::default()
        }),
        Job::ForbidCommits(forbid) => connection
            .commit_hook(forbid.then_some(|| true))
            .and_then(|()| deletions.watch(connection, forbid))
            .map(|()| ResultSet::default()),
    };
    let mut set = result.map_err(|error| statement_error(&error))?;
    if set.effect == Effect::Write && deletions.is_delete() {
        set.effect = Effect::Delete;
    }
    Ok(Outcome {
        results: vec![set],
        notices: Vec::new(),
    })
}

/// Registers a function that the receiver of `calls` executes.
fn register(
    connection: &Connection,
    name: &str,
    arguments: i32,
    deterministic: bool,
    calls: FunctionCallSender,
) -> Result<(), rusqlite::Error> {
    let mut flags = FunctionFlags::SQLITE_UTF8;
    if deterministic {
        flags |= FunctionFlags::SQLITE_DETERMINISTIC;
    }
    let called = name.to_owned();
    connection.create_scalar_function(name, arguments, flags, move |context| {
        let arguments = (0..context.len())
            .map(|index| read(context.get_raw(index)))
            .collect();
        let (answer, answered) = std::sync::mpsc::channel();
        let failed = |text: String| rusqlite::Error::UserFunctionError(text.into());
        let call = FunctionCall {
            name: called.clone(),
            arguments,
            answer,
        };
        calls
            .send(call)
            .map_err(|_| failed("the function's program has ended".into()))?;
        match answered.recv() {
            Ok(Ok(value)) => Ok(owned(value)),
            Ok(Err(text)) => Err(failed(text)),
            Err(_) => Err(failed("the function returned no answer".into())),
        }
    })
}

fn owned(value: Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(number) => rusqlite::types::Value::Integer(number),
        Value::Real(number) => rusqlite::types::Value::Real(number),
        Value::Text(text) => rusqlite::types::Value::Text(text),
        Value::Blob(bytes) | Value::BrokenText(bytes) => rusqlite::types::Value::Blob(bytes),
    }
}

fn prepare<'a>(connection: &'a Connection, sql: &str) -> Result<Statement<'a>, DbError> {
    let several = || DbError::Unsupported("You can only execute one statement at a time.".into());
    connection.prepare(sql).map_err(|error| match &error {
        rusqlite::Error::MultipleStatement => several(),
        // rusqlite prepares the second statement, too, which may refer to what the first would create.
        rusqlite::Error::SqlInputError { sql: failing, .. } if failing != sql => several(),
        _ => statement_error(&error),
    })
}

fn execute(
    connection: &Connection,
    statement: &mut Statement<'_>,
    parameters: &[Value],
) -> Result<ResultSet, rusqlite::Error> {
    let width = statement.column_count();
    let mut columns = Vec::with_capacity(width);
    // A loop works with each supported rusqlite: some return a list, some an iterator.
    for column in statement.columns() {
        columns.push(Column {
            name: column.name().to_owned(),
            declared: column.decl_type().map(str::to_owned),
            ..Column::default()
        });
    }
    let is_read_only = statement.readonly();
    let before = connection.total_changes();
    let mut rows = statement.query(rusqlite::params_from_iter(parameters.iter().map(Bound)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..width).map(|index| row.get_ref(index).map(read));
        found.push(values.collect::<Result<Vec<_>, _>>()?);
    }
    drop(rows);
    Ok(ResultSet {
        columns: (width > 0).then_some(columns),
        rows: found,
        affected: Some(if connection.total_changes() == before {
            0
        } else {
            connection.changes()
        }),
        tag: String::new(),
        effect: if is_read_only {
            Effect::None
        } else {
            Effect::Write
        },
        last_insert_id: Some(connection.last_insert_rowid()),
    })
}

/// A parameter that is bound with its own type.
struct Bound<'a>(&'a Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
            Value::BrokenText(bytes) => ValueRef::Text(bytes),
        }))
    }
}

fn read(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::BrokenText(text.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

fn message_of(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::InvalidParameterCount(given, needed) => {
            format!(
                "Incorrect number of bindings supplied. The current statement uses {needed}, and there are {given} supplied."
            )
        }
        other => other.to_string(),
    }
}

fn statement_error(error: &rusqlite::Error) -> DbError {
    let (number, position) = match error {
        rusqlite::Error::SqliteFailure(code, _) => (code.extended_code, None),
        rusqlite::Error::SqlInputError {
            error: code,
            offset,
            ..
        } => (code.extended_code, Some(*offset)),
        _ => (ffi::SQLITE_ERROR, None),
    };
    if number == ffi::SQLITE_CONSTRAINT_COMMITHOOK {
        return DbError::CommitForbidden;
    }
    DbError::Server(Box::new(ServerError {
        code: name_of(number).to_owned(),
        number: u32::try_from(number).unwrap_or_default(),
        message: message_of(error),
        position: position.and_then(|offset| u32::try_from(offset + 1).ok()),
        ..ServerError::default()
    }))
}

/// Returns the symbolic name of an extended result code.
fn name_of(code: i32) -> &'static str {
    match code {
        ffi::SQLITE_CONSTRAINT_CHECK => "SQLITE_CONSTRAINT_CHECK",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "SQLITE_CONSTRAINT_FOREIGNKEY",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "SQLITE_CONSTRAINT_NOTNULL",
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY => "SQLITE_CONSTRAINT_PRIMARYKEY",
        ffi::SQLITE_CONSTRAINT_ROWID => "SQLITE_CONSTRAINT_ROWID",
        ffi::SQLITE_CONSTRAINT_TRIGGER => "SQLITE_CONSTRAINT_TRIGGER",
        ffi::SQLITE_CONSTRAINT_UNIQUE => "SQLITE_CONSTRAINT_UNIQUE",
        other => match other & 0xff {
            ffi::SQLITE_ABORT => "SQLITE_ABORT",
            ffi::SQLITE_AUTH => "SQLITE_AUTH",
            ffi::SQLITE_BUSY => "SQLITE_BUSY",
            ffi::SQLITE_CANTOPEN => "SQLITE_CANTOPEN",
            ffi::SQLITE_CONSTRAINT => "SQLITE_CONSTRAINT",
            ffi::SQLITE_CORRUPT => "SQLITE_CORRUPT",
            ffi::SQLITE_FULL => "SQLITE_FULL",
            ffi::SQLITE_INTERNAL => "SQLITE_INTERNAL",
            ffi::SQLITE_INTERRUPT => "SQLITE_INTERRUPT",
            ffi::SQLITE_IOERR => "SQLITE_IOERR",
            ffi::SQLITE_LOCKED => "SQLITE_LOCKED",
            ffi::SQLITE_MISMATCH => "SQLITE_MISMATCH",
            ffi::SQLITE_MISUSE => "SQLITE_MISUSE",
            ffi::SQLITE_NOMEM => "SQLITE_NOMEM",
            ffi::SQLITE_NOTADB => "SQLITE_NOTADB",
            ffi::SQLITE_PERM => "SQLITE_PERM",
            ffi::SQLITE_RANGE => "SQLITE_RANGE",
            ffi::SQLITE_READONLY => "SQLITE_READONLY",
            ffi::SQLITE_SCHEMA => "SQLITE_SCHEMA",
            ffi::SQLITE_TOOBIG => "SQLITE_TOOBIG",
            _ => "SQLITE_ERROR",
        },
    }
}
