//! SQLite: the calls into the library, set up as `CPython`'s `sqlite3` finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, InterruptHandle, MAIN_DB, OpenFlags, Statement, ffi};

use super::busy::{self, Patience};
use super::functions::{FunctionCall, FunctionCallSender};
use super::{SqliteOptions, math, python};
use crate::{
    Column, ConnectError, ConnectErrorKind, DbError, Outcome, ResultSet, ServerError,
    TransactionStatus, Value,
};

/// What the library is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    One {
        sql: String,
        parameters: Vec<Value>,
    },
    Many {
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
    /// Python's `math.floor` in the place of SQLite's.
    Floor,
    /// Whether the main database can only be read; the answer is a row.
    IsReadOnly,
}

/// A connection, on whichever thread it works.
#[derive(Debug)]
pub(super) struct Library {
    connection: Connection,
    patience: Patience,
}

impl Library {
    /// Opens the file. What is begun next ends early once `interrupted` is set.
    pub(super) fn open(
        options: &SqliteOptions,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, DbError> {
        Ok(Self {
            connection: open(options)?,
            patience: Patience {
                limit: options.busy_timeout,
                interrupted,
            },
        })
    }

    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    /// Does something; also tells where the connection stands afterwards.
    pub(super) fn run(&mut self, job: Job) -> (Result<Outcome, DbError>, TransactionStatus) {
        self.patience.interrupted.store(false, Ordering::Relaxed);
        busy::wait_with(&self.patience);
        let outcome = run(&self.connection, job);
        let status = if self.connection.is_autocommit() {
            TransactionStatus::Idle
        } else {
            TransactionStatus::Open
        };
        (outcome, status)
    }
}

fn open(options: &SqliteOptions) -> Result<Connection, DbError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if options.uri {
        flags |= OpenFlags::SQLITE_OPEN_URI;
    }
    let cannot = |error: &rusqlite::Error| {
        DbError::Connect(ConnectError {
            kind: ConnectErrorKind::File,
            message: format!(
                "could not open the SQLite database `{}`: {}",
                options.shown(),
                // The library's own message ends with the name, parameters and all.
                message_of(error).replace(&options.name, options.shown())
            ),
            hint: Some("check that its folder exists and that you may write there".into()),
        })
    };
    let mut connection =
        Connection::open_with_flags(&options.name, flags).map_err(|error| cannot(&error))?;
    busy::install(&mut connection).map_err(|error| cannot(&error))?;
    let set_up = || {
        math::define(&connection)?;
        // The library is compiled with other defaults than the one that CPython is usually built with.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, true)?;
        python::define_regexp(&connection)
    };
    set_up().map_err(|error| cannot(&error))?;
    Ok(connection)
}

fn run(connection: &Connection, job: Job) -> Result<Outcome, DbError> {
    let result = match job {
        Job::One { sql, parameters } => {
            let mut statement = prepare(connection, &sql)?;
            execute(connection, &mut statement, &parameters)
        }
        Job::Many { sql, rows } => {
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
        Job::Floor => python::define_floor(connection).map(|()| ResultSet::default()),
        Job::IsReadOnly => connection.is_readonly(MAIN_DB).map(|flag| ResultSet {
            rows: vec![vec![Value::Integer(flag.into())]],
            ..ResultSet::default()
        }),
        Job::Script { sql } => connection
            .execute_batch(&sql)
            .map(|()| ResultSet::default()),
    };
    let set = result.map_err(|error| refused(&error))?;
    Ok(Outcome {
        results: vec![set],
        notices: Vec::new(),
    })
}

/// Lets SQL call a function whose body is elsewhere.
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
            .map_err(|_| failed("nobody answers the function's call".into()))?;
        match answered.recv() {
            Ok(Ok(value)) => Ok(owned(value)),
            Ok(Err(text)) => Err(failed(text)),
            Err(_) => Err(failed("the function's call was not answered".into())),
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
        // The second statement is looked at, too, and may need what the first would make.
        rusqlite::Error::SqlInputError { sql: refused, .. } if refused != sql => several(),
        _ => refused(&error),
    })
}

fn execute(
    connection: &Connection,
    statement: &mut Statement<'_>,
    parameters: &[Value],
) -> Result<ResultSet, rusqlite::Error> {
    let width = statement.column_count();
    let mut columns = Vec::with_capacity(width);
    // A loop takes what each rusqlite gives here: a list or an iterator.
    for column in statement.columns() {
        columns.push(Column {
            name: column.name().to_owned(),
            declared: column.decl_type().map(str::to_owned),
            ..Column::default()
        });
    }
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
        last_insert_id: Some(connection.last_insert_rowid()),
    })
}

/// A parameter, bound with its own type.
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

fn refused(error: &rusqlite::Error) -> DbError {
    let (number, position) = match error {
        rusqlite::Error::SqliteFailure(code, _) => (code.extended_code, None),
        rusqlite::Error::SqlInputError {
            error: code,
            offset,
            ..
        } => (code.extended_code, Some(*offset)),
        _ => (ffi::SQLITE_ERROR, None),
    };
    DbError::Server(Box::new(ServerError {
        code: name_of(number).to_owned(),
        number: u32::try_from(number).unwrap_or_default(),
        message: message_of(error),
        position: position.and_then(|offset| u32::try_from(offset + 1).ok()),
        ..ServerError::default()
    }))
}

/// The symbolic name of an extended result code.
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
