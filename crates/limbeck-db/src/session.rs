//! An open session to any of the supported databases.

use std::collections::BTreeMap;

use crate::mysql::{MysqlCanceller, MysqlSession};
use crate::postgres::{self, PostgresCanceller, PostgresSession};
use crate::sqlite::{FunctionCallSender, SqliteCanceller, SqliteSession};
use crate::{
    ConnectOptions, ConnectionDetails, CopyChunk, CopyStart, DbError, Outcome, TransactionStatus,
    Value,
};

const ONLY_SQLITE_HAS_FUNCTIONS: &str = "only SQLite can call functions of its client";

/// The database product of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// `PostgreSQL`, or a server that implements its protocol.
    Postgresql,
    /// `SQLite`, inside this process.
    Sqlite,
    /// `MySQL`.
    Mysql,
    /// `MariaDB`.
    Mariadb,
}

/// The server's properties, as it reported them when the session was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInfo {
    /// The product.
    pub product: Product,
    /// The version, as the server writes it.
    pub version: String,
    /// `PostgreSQL`: the reported run-time parameters (`TimeZone`, `server_version`, …).
    pub parameters: BTreeMap<String, String>,
    /// The server's host and port, socket or file. It contains no secret.
    pub address: String,
}

/// An open session.
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

/// A handle that interrupts a session's running statement from another task or thread.
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
    /// Opens a session.
    ///
    /// # Errors
    /// Returns [`DbError::Connect`] if the connection can't be opened.
    pub async fn open(options: &ConnectOptions) -> Result<Self, DbError> {
        let inner = match options {
            ConnectOptions::Postgres(options) => Inner::Postgres(postgres::open(options).await?),
            ConnectOptions::Sqlite(options) => Inner::Sqlite(SqliteSession::open(options).await?),
            ConnectOptions::Mysql(options) => Inner::Mysql(MysqlSession::open(options).await?),
        };
        Ok(Self { inner })
    }

    /// Opens a session. `SQLite` works on the caller's thread and blocks it during a statement: for a few short
    /// statements, or with a [`Canceller`] on another thread.
    ///
    /// # Errors
    /// Returns the errors of [`Session::open`].
    pub async fn open_on_caller_thread(options: &ConnectOptions) -> Result<Self, DbError> {
        match options {
            ConnectOptions::Sqlite(options) => Ok(Self {
                inner: Inner::Sqlite(SqliteSession::open_on_caller_thread(options)?),
            }),
            _ => Self::open(options).await,
        }
    }

    /// Runs a text, which may contain several statements (`PostgreSQL`, `MySQL`). Only `SQLite` supports parameters;
    /// for the other servers the caller writes literals.
    ///
    /// # Errors
    /// Returns [`DbError::Server`] if the server refuses a statement, and [`DbError::ConnectionLost`] if the
    /// connection breaks.
    pub async fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<Outcome, DbError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.execute(sql, parameters).await,
            _ if !parameters.is_empty() => Err(DbError::Unsupported(
                "only SQLite supports bound parameters here".into(),
            )),
            Inner::Postgres(session) => session.execute(sql).await,
            Inner::Mysql(session) => session.execute(sql).await,
        }
    }

    /// Runs `before` and then `sql`, in one round trip if the protocol allows it.
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`] for the first statement that fails.
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

    /// Runs `before`, and then one statement for each row of parameters (`SQLite` only).
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`].
    pub async fn execute_many(
        &mut self,
        before: &[&str],
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<Outcome, DbError> {
        let Inner::Sqlite(session) = &mut self.inner else {
            return Err(DbError::Unsupported(
                "only SQLite supports rows of bound parameters here".into(),
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
    /// Returns the errors of [`Session::execute`].
    pub async fn execute_script(&mut self, sql: &str) -> Result<Outcome, DbError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.execute_script(sql).await,
            _ => self.execute(sql, &[]).await,
        }
    }

    /// Returns the types (OIDs) that `PostgreSQL` infers for the parameters `$1`, `$2`, … of a statement, without running it.
    ///
    /// # Errors
    /// Returns [`DbError::Unsupported`] for other databases; otherwise the errors of [`Session::execute`].
    pub async fn parameter_types(&mut self, sql: &str) -> Result<Vec<u32>, DbError> {
        self.postgres()?.parameter_types(sql).await
    }

    /// Runs a statement with parameters of these types (OIDs) in `PostgreSQL`'s binary form. The results are texts.
    ///
    /// # Errors
    /// Returns [`DbError::Unsupported`] for other databases; otherwise the errors of [`Session::execute`].
    pub async fn execute_binary(
        &mut self,
        sql: &str,
        parameters: &[(u32, &[u8])],
    ) -> Result<Outcome, DbError> {
        self.postgres()?.execute_binary(sql, parameters).await
    }

    /// Runs a query that may be a COPY of `PostgreSQL` between the server and this client.
    ///
    /// While a COPY runs, the session accepts no other statement.
    ///
    /// # Errors
    /// Returns [`DbError::Unsupported`] for other databases; otherwise the errors of [`Session::execute`].
    pub async fn start_copy(&mut self, sql: &str) -> Result<CopyStart, DbError> {
        self.postgres()?.start_copy(sql).await
    }

    /// Sends data of a COPY … FROM STDIN. The data may be split anywhere.
    ///
    /// # Errors
    /// Returns [`DbError::Server`] if the server has refused earlier data, which ends the COPY, and
    /// [`DbError::Unsupported`] if no COPY runs; otherwise the errors of [`Session::execute`].
    pub async fn send_copy_data(&mut self, data: &[u8]) -> Result<(), DbError> {
        self.postgres()?.send_copy_data(data).await
    }

    /// Ends the data of a COPY … FROM STDIN, and returns its outcome.
    ///
    /// # Errors
    /// Returns the errors of [`Session::send_copy_data`].
    pub async fn finish_copy(&mut self) -> Result<Outcome, DbError> {
        self.postgres()?.finish_copy().await
    }

    /// Makes a COPY … FROM STDIN fail for a reason. The server's error contains it.
    ///
    /// # Errors
    /// Returns the error of the server, and those of [`Session::send_copy_data`].
    pub async fn fail_copy(&mut self, reason: &str) -> Result<Outcome, DbError> {
        self.postgres()?.fail_copy(reason).await
    }

    /// Receives data of a COPY … TO STDOUT, at least 64 KiB unless the data ends. To end a COPY early, interrupt it with a
    /// [`Canceller`] and receive until the error.
    ///
    /// # Errors
    /// Returns the errors of [`Session::send_copy_data`].
    pub async fn receive_copy_data(&mut self) -> Result<CopyChunk, DbError> {
        self.postgres()?.receive_copy_data().await
    }

    fn postgres(&mut self) -> Result<&mut PostgresSession, DbError> {
        match &mut self.inner {
            Inner::Postgres(session) => Ok(session),
            _ => Err(DbError::Unsupported(
                "this needs a connection to PostgreSQL".into(),
            )),
        }
    }

    /// Begins a transaction that the database itself refuses to commit, whatever statement or driver asks for it.
    ///
    /// A refused commit rolls the transaction back and returns [`DbError::CommitForbidden`].
    ///
    /// - `SQLite`: a commit hook. It stays until [`Session::allow_commits`], so no later statement commits either.
    /// - `PostgreSQL`: a cursor `WITH HOLD` whose query fails. The server runs the query when it commits, and then
    ///   aborts. Unlike a deferred constraint, the cursor needs no table, is in no schema and ignores
    ///   `SET CONSTRAINTS`. `PREPARE TRANSACTION` fails, too. Only `CLOSE ALL` and the end of the transaction remove
    ///   the cursor. After a `ROLLBACK`, new transactions are read-only, unless a pooler is in between or they ask
    ///   for `READ WRITE`. `ROLLBACK AND CHAIN` begins one that can be committed: callers must not run it, and can
    ///   check with [`Session::is_commit_forbidden`].
    ///
    /// # Errors
    /// Returns [`DbError::Unsupported`] in an open transaction, and for `MySQL` and `MariaDB`, which commit at each
    /// DDL statement; otherwise the errors of [`Session::execute`].
    pub async fn begin_without_commit(&mut self) -> Result<(), DbError> {
        if self.transaction_status() != TransactionStatus::Idle {
            return Err(DbError::Unsupported(
                "the session already has an open transaction".into(),
            ));
        }
        match &mut self.inner {
            Inner::Postgres(session) => session.begin_without_commit().await,
            Inner::Sqlite(session) => session.begin_without_commit().await,
            Inner::Mysql(_) => Err(DbError::Unsupported(
                "the server commits at each change of the schema".into(),
            )),
        }
    }

    /// Returns `true` if the open transaction is one of [`Session::begin_without_commit`] and still refuses a commit.
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`]. `PostgreSQL` can't answer in a failed transaction.
    pub async fn is_commit_forbidden(&mut self) -> Result<bool, DbError> {
        match &mut self.inner {
            Inner::Postgres(session) => session.is_commit_forbidden().await,
            Inner::Sqlite(session) => Ok(session.is_commit_forbidden()),
            Inner::Mysql(_) => Ok(false),
        }
    }

    /// Rolls back the transaction of [`Session::begin_without_commit`], and lets later transactions commit.
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`].
    pub async fn allow_commits(&mut self) -> Result<(), DbError> {
        match &mut self.inner {
            Inner::Postgres(session) => session.allow_commits().await,
            Inner::Sqlite(session) => session.allow_commits().await,
            Inner::Mysql(_) => Ok(()),
        }
    }

    /// Replaces SQL's `floor` with Python's `math.floor`, as SQLAlchemy does (`SQLite` only). It returns an integer
    /// and accepts only numbers.
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`].
    pub async fn define_floor(&mut self) -> Result<(), DbError> {
        match &mut self.inner {
            Inner::Sqlite(session) => session.define_floor().await,
            _ => Err(DbError::Unsupported(ONLY_SQLITE_HAS_FUNCTIONS.into())),
        }
    }

    /// Registers a function for SQL (`SQLite` only). The receiver of `calls` executes it. `arguments` is -1 for any
    /// number.
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`].
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
            _ => Err(DbError::Unsupported(ONLY_SQLITE_HAS_FUNCTIONS.into())),
        }
    }

    /// Returns the state of the session's transaction.
    pub fn transaction_status(&self) -> TransactionStatus {
        match &self.inner {
            Inner::Postgres(session) => session.transaction_status(),
            Inner::Sqlite(session) => session.transaction_status(),
            Inner::Mysql(session) => session.transaction_status(),
        }
    }

    /// Returns the server's properties.
    pub fn info(&self) -> &ServerInfo {
        match &self.inner {
            Inner::Postgres(session) => session.info(),
            Inner::Sqlite(session) => session.info(),
            Inner::Mysql(session) => session.info(),
        }
    }

    /// Returns the details of the connection. Only `MySQL` needs a query for them.
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`].
    pub async fn connection_details(&mut self) -> Result<ConnectionDetails, DbError> {
        match &mut self.inner {
            Inner::Postgres(session) => Ok(session.connection_details()),
            Inner::Sqlite(session) => session.connection_details().await,
            Inner::Mysql(session) => session.connection_details().await,
        }
    }

    /// Returns a handle that interrupts the running statement.
    pub fn canceller(&self) -> Canceller {
        let inner = match &self.inner {
            Inner::Postgres(session) => CancellerInner::Postgres(session.canceller()),
            Inner::Sqlite(session) => CancellerInner::Sqlite(session.canceller()),
            Inner::Mysql(session) => CancellerInner::Mysql(session.canceller()),
        };
        Canceller { inner }
    }

    /// Closes the session with the protocol's own message. The server rolls back an open transaction.
    ///
    /// # Errors
    /// Returns [`DbError::ConnectionLost`] if the connection had broken before.
    pub async fn close(self) -> Result<(), DbError> {
        match self.inner {
            Inner::Postgres(session) => session.close().await,
            Inner::Sqlite(session) => session.close().await,
            Inner::Mysql(session) => session.close().await,
        }
    }
}

impl Canceller {
    /// Asks the server to interrupt the running statement, whose own call then returns an error.
    ///
    /// # Errors
    /// Returns [`DbError::ConnectionLost`] if the server can't be reached.
    pub async fn cancel(&self) -> Result<(), DbError> {
        match &self.inner {
            CancellerInner::Postgres(canceller) => canceller.cancel().await,
            CancellerInner::Sqlite(canceller) => canceller.cancel().await,
            CancellerInner::Mysql(canceller) => canceller.cancel().await,
        }
    }
}
