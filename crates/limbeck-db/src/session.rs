//! One open connection, whichever server it leads to.

use std::collections::BTreeMap;

use crate::mysql::{MysqlCanceller, MysqlSession};
use crate::postgres::{PostgresCanceller, PostgresSession};
use crate::sqlite::{FunctionCallSender, SqliteCanceller, SqliteSession};
use crate::{ConnectOptions, ConnectionDetails, DbError, Outcome, TransactionStatus, Value};

const ONLY_SQLITE: &str = "only SQLite takes functions from its client";

/// Which server a session leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// `PostgreSQL` and what speaks its protocol.
    Postgresql,
    /// `SQLite`, in this process.
    Sqlite,
    /// `MySQL`.
    Mysql,
    /// `MariaDB`.
    Mariadb,
}

/// What the server said of itself when the session was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The product.
    pub product: Product,
    /// The version, as the server writes it.
    pub version: String,
    /// `PostgreSQL`: the reported run-time parameters (`TimeZone`, `server_version`, …).
    pub parameters: BTreeMap<String, String>,
    /// The host and port (or socket, or file) that answered; never a secret.
    pub address: String,
}

/// An open connection.
#[derive(Debug)]
pub struct Session {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Postgres(PostgresSession),
    Sqlite(SqliteSession),
    Mysql(MysqlSession),
}

/// Interrupts what a session is doing, from elsewhere.
#[derive(Debug, Clone)]
pub struct Canceller {
    inner: CancellerInner,
}

#[derive(Debug, Clone)]
enum CancellerInner {
    Postgres(PostgresCanceller),
    Sqlite(SqliteCanceller),
    Mysql(MysqlCanceller),
}

impl Session {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`DbError::Connect`] with the kind of the failure.
    pub async fn open(options: &ConnectOptions) -> Result<Self, DbError> {
        let inner = match options {
            ConnectOptions::Postgres(options) => {
                Inner::Postgres(PostgresSession::open(options).await?)
            }
            ConnectOptions::Sqlite(options) => Inner::Sqlite(SqliteSession::open(options).await?),
            ConnectOptions::Mysql(options) => Inner::Mysql(MysqlSession::open(options).await?),
        };
        Ok(Self { inner })
    }

    /// Opens a connection. An `SQLite` library then works on the thread of the caller, where nothing else happens
    /// meanwhile: for a few short statements, or where a [`Canceller`] is used from another thread.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn open_on_caller_thread(options: &ConnectOptions) -> Result<Self, DbError> {
        match options {
            ConnectOptions::Sqlite(options) => Ok(Self {
                inner: Inner::Sqlite(SqliteSession::open_on_caller_thread(options)?),
            }),
            _ => Self::open(options).await,
        }
    }

    /// Runs one text, which may hold several statements (`PostgreSQL`, `MySQL`). Only `SQLite`
    /// takes parameters: for the others the caller writes literals.
    ///
    /// # Errors
    /// [`DbError::Server`] for what the server refused; [`DbError::ConnectionLost`] when the connection broke.
    pub async fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<Outcome, DbError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.execute(sql, parameters).await,
            _ if !parameters.is_empty() => Err(DbError::Unsupported(
                "only SQLite takes bound parameters here".into(),
            )),
            Inner::Postgres(session) => session.execute(sql).await,
            Inner::Mysql(session) => session.execute(sql).await,
        }
    }

    /// Whether a transaction is open.
    pub fn transaction_status(&self) -> TransactionStatus {
        match &self.inner {
            Inner::Postgres(session) => session.transaction_status(),
            Inner::Sqlite(session) => session.transaction_status(),
            Inner::Mysql(session) => session.transaction_status(),
        }
    }

    /// What the server said of itself.
    pub fn info(&self) -> &ServerInfo {
        match &self.inner {
            Inner::Postgres(session) => session.info(),
            Inner::Sqlite(session) => session.info(),
            Inner::Mysql(session) => session.info(),
        }
    }

    /// What is between the session and its database. Only `MySQL` is asked for it, the others' sessions know.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub async fn connection_details(&mut self) -> Result<ConnectionDetails, DbError> {
        match &mut self.inner {
            Inner::Postgres(session) => Ok(session.connection_details()),
            Inner::Sqlite(session) => session.connection_details().await,
            Inner::Mysql(session) => session.connection_details().await,
        }
    }

    /// A handle that interrupts the running statement.
    pub fn canceller(&self) -> Canceller {
        let inner = match &self.inner {
            Inner::Postgres(session) => CancellerInner::Postgres(session.canceller()),
            Inner::Sqlite(session) => CancellerInner::Sqlite(session.canceller()),
            Inner::Mysql(session) => CancellerInner::Mysql(session.canceller()),
        };
        Canceller { inner }
    }

    /// Ends the session politely; an open transaction is rolled back.
    ///
    /// # Errors
    /// [`DbError::ConnectionLost`] when the connection broke before.
    pub async fn close(self) -> Result<(), DbError> {
        match self.inner {
            Inner::Postgres(session) => session.close().await,
            Inner::Sqlite(session) => session.close().await,
            Inner::Mysql(session) => session.close().await,
        }
    }
}

impl Canceller {
    /// Asks the server to interrupt the running statement; the statement then fails on its own call.
    ///
    /// # Errors
    /// [`DbError::ConnectionLost`] when the server could not be reached.
    pub async fn cancel(&self) -> Result<(), DbError> {
        match &self.inner {
            CancellerInner::Postgres(canceller) => canceller.cancel().await,
            CancellerInner::Sqlite(canceller) => canceller.cancel().await,
            CancellerInner::Mysql(canceller) => canceller.cancel().await,
        }
    }
}

impl Session {
    /// Runs `before` and then `sql`, in one round trip where the protocol allows it.
    ///
    /// # Errors
    /// As [`Session::execute`], for the first statement that fails.
    pub async fn execute_after(
        &mut self,
        before: &[&str],
        sql: &str,
        parameters: &[Value],
    ) -> Result<Outcome, DbError> {
        if let Inner::Postgres(session) = &mut self.inner
            && parameters.is_empty()
        {
            return session.execute_after(before, sql).await;
        }
        for statement in before {
            self.execute(statement, &[]).await?;
        }
        self.execute(sql, parameters).await
    }

    /// Runs `before`, then one statement for many rows of parameters (`SQLite` only).
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub async fn execute_many(
        &mut self,
        before: &[&str],
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<Outcome, DbError> {
        let Inner::Sqlite(session) = &mut self.inner else {
            return Err(DbError::Unsupported(
                "only SQLite takes rows of bound parameters here".into(),
            ));
        };
        for statement in before {
            session.execute(statement, &[]).await?;
        }
        session.execute_many(sql, rows).await
    }

    /// Runs a text of several statements without parameters.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub async fn execute_script(&mut self, sql: &str) -> Result<Outcome, DbError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.execute_script(sql).await,
            _ => self.execute(sql, &[]).await,
        }
    }

    /// Has SQL's `floor` be Python's `math.floor`, which SQLAlchemy registers (`SQLite` only): it gives an
    /// integer, and takes numbers alone.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub async fn define_floor(&mut self) -> Result<(), DbError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.define_floor().await,
            _ => Err(DbError::Unsupported(ONLY_SQLITE.into())),
        }
    }

    /// Lets SQL call a function that is carried out by whoever reads the other end of `calls`
    /// (`SQLite` only). `arguments` is -1 for any number of them.
    ///
    /// # Errors
    /// As [`Session::execute`].
    pub async fn register_function(
        &mut self,
        name: &str,
        arguments: i32,
        deterministic: bool,
        calls: FunctionCallSender,
    ) -> Result<(), DbError> {
        match &mut self.inner {
            Inner::Sqlite(session) => {
                session
                    .register_function(name, arguments, deterministic, calls)
                    .await
            }
            _ => Err(DbError::Unsupported(ONLY_SQLITE.into())),
        }
    }
}
