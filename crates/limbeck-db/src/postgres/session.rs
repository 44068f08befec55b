//! An open session over the simple query protocol.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::PostgresOptions;
use super::answer::{Answer, Pause};
use super::copy::RunningCopy;
use super::host::HostAddress;
use super::startup::{CancelKey, StartedSession};
use super::stream::Stream;
use super::transport::{self, Encryption};
use crate::{ConnectionDetails, DbError, Outcome, Product, ServerInfo, TransactionStatus};

/// Maximum time to read the server's reason for a connection that can't be written to. It has arrived before.
const REASON_TIMEOUT: Duration = Duration::from_millis(100);

/// An open PostgreSQL session.
#[derive(Debug)]
pub(crate) struct PostgresSession {
    pub(super) stream: Stream,
    info: ServerInfo,
    status: TransactionStatus,
    options: Arc<PostgresOptions>,
    host: HostAddress,
    details: ConnectionDetails,
    cancel_key: CancelKey,
    /// The COPY that is running. No other query may be sent meanwhile.
    pub(super) copy: Option<Box<RunningCopy>>,
}

/// A handle that interrupts a PostgreSQL session's running statement.
#[derive(Debug, Clone)]
pub(crate) struct PostgresCanceller {
    options: Arc<PostgresOptions>,
    host: HostAddress,
    encryption: Encryption,
    cancel_key: CancelKey,
}

impl PostgresSession {
    /// Returns the session that was started with these options.
    pub(super) fn new(started: StartedSession, options: &PostgresOptions) -> Self {
        let StartedSession {
            stream,
            host,
            parameters,
            cancel_key,
            details,
        } = started;
        let version = parameters.get("server_version").cloned();
        Self {
            stream,
            info: ServerInfo {
                product: Product::Postgresql,
                version: version.unwrap_or_default(),
                parameters,
                address: host.to_string(),
            },
            status: TransactionStatus::Idle,
            options: Arc::new(options.clone()),
            host,
            details,
            cancel_key,
            copy: None,
        }
    }

    pub(crate) async fn execute(&mut self, sql: &str) -> Result<Outcome, DbError> {
        self.execute_after(&[], sql).await
    }

    /// Sends `before` and `sql` in one write. Returns the outcome of `sql`, or the first error.
    pub(crate) async fn execute_after(
        &mut self,
        before: &[&str],
        sql: &str,
    ) -> Result<Outcome, DbError> {
        for text in before.iter().chain([&sql]) {
            if let Err(error) = self.queue(text) {
                self.stream.outgoing.clear();
                return Err(error);
            }
        }
        self.flush().await?;
        let mut first_error = None;
        let mut last = Outcome::default();
        for _ in 0..=before.len() {
            match self.read_outcome().await {
                Ok(outcome) => last = outcome,
                Err(error @ DbError::ConnectionLost(_)) => return Err(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) => Err(error),
            None => self.restore_utf8().await.map(|()| last),
        }
    }

    /// Appends a query to the messages of the next flush.
    pub(super) fn queue(&mut self, sql: &str) -> Result<(), DbError> {
        self.check_query(sql)?;
        frontend::query(sql, &mut self.stream.outgoing)
            .map_err(|error| DbError::Unsupported(format!("the statement can't be sent: {error}")))
    }

    /// Checks that a query can be sent now.
    pub(super) fn check_query(&self, sql: &str) -> Result<(), DbError> {
        if self.copy.is_some() {
            return Err(DbError::Unsupported(
                "a COPY is running on the connection: end it before the next statement".into(),
            ));
        }
        if sql.contains('\0') {
            return Err(DbError::Unsupported(
                "the statement contains a NUL character, which PostgreSQL does not accept".into(),
            ));
        }
        Ok(())
    }

    /// Sets the client encoding back to UTF-8 after a statement has changed it.
    ///
    /// limbeck reads and writes UTF-8 only. A script that sets another encoding means the texts of another program.
    async fn restore_utf8(&mut self) -> Result<(), DbError> {
        let encoding = self.info.parameters.get("client_encoding");
        let is_utf8 = encoding.is_none_or(|name| matches!(name.as_str(), "UTF8" | "UNICODE"));
        if is_utf8 || self.status == TransactionStatus::Failed {
            return Ok(());
        }
        self.queue("SET client_encoding TO 'UTF8'")?;
        self.flush().await?;
        self.read_outcome().await.map(|_| ())
    }

    /// Reads the answer to one query, until the server is ready for the next. Refuses to copy.
    async fn read_outcome(&mut self) -> Result<Outcome, DbError> {
        let mut answer = Answer::default();
        self.read_to_end(&mut answer).await?;
        answer.finish()
    }

    /// Reads the rest of an answer. Refuses a COPY in it.
    pub(super) async fn read_to_end(&mut self, answer: &mut Answer) -> Result<(), DbError> {
        loop {
            match self.read_part(answer).await? {
                Pause::End(_) => return Ok(()),
                Pause::CopyIn(_) => {
                    let why =
                        "COPY … FROM STDIN has no data to read: use the driver's function for COPY";
                    answer.fail(DbError::Unsupported(why.into()));
                    frontend::copy_fail(why, &mut self.stream.outgoing)
                        .map_err(DbError::ConnectionLost)?;
                    self.flush().await?;
                }
                Pause::CopyOut(_) => {
                    let why = "COPY … TO STDOUT has no reader for its data: use the driver's function for COPY";
                    answer.fail(DbError::Unsupported(why.into()));
                }
                Pause::CopyData(_) | Pause::Parameter(..) => {}
            }
        }
    }

    /// Reads an answer up to its next pause.
    pub(super) async fn read_part(&mut self, answer: &mut Answer) -> Result<Pause, DbError> {
        loop {
            if let Some(pause) = self.received_part(answer)? {
                return Ok(pause);
            }
            let received = self.stream.receive().await;
            received.map_err(|error| answer.connection_lost(error))?;
        }
    }

    /// Reads an answer up to its next pause, or to the end of what has been received.
    pub(super) fn received_part(&mut self, answer: &mut Answer) -> Result<Option<Pause>, DbError> {
        while let Some(message) = self.stream.received().map_err(DbError::ConnectionLost)? {
            match answer.add(message).map_err(DbError::ConnectionLost)? {
                None => {}
                Some(Pause::Parameter(name, value)) => {
                    self.info.parameters.insert(name, value);
                }
                Some(pause) => {
                    if let Pause::End(status) = &pause {
                        self.status = *status;
                    }
                    return Ok(Some(pause));
                }
            }
        }
        Ok(None)
    }

    /// Returns the outcome of a complete answer.
    pub(super) async fn finish(&mut self, answer: Answer) -> Result<Outcome, DbError> {
        let outcome = answer.finish()?;
        self.restore_utf8().await.map(|()| outcome)
    }

    pub(super) async fn flush(&mut self) -> Result<(), DbError> {
        match self.stream.flush().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain_loss(error).await),
        }
    }

    /// Returns the error for a connection that can't be written to. The server may have sent the reason before.
    async fn explain_loss(&mut self, error: io::Error) -> DbError {
        let mut answer = Answer::default();
        let reading = self.read_part(&mut answer);
        match timeout(REASON_TIMEOUT, reading).await {
            Ok(Err(lost)) if lost.loss_reason().is_some() => lost,
            _ => DbError::ConnectionLost(error),
        }
    }

    /// Sends the outgoing messages. Meanwhile receives, because the server may wait until its notices are read.
    pub(super) async fn flush_and_receive(&mut self) -> Result<(), DbError> {
        match self.stream.flush_and_receive().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain_loss(error).await),
        }
    }

    /// Sets the date style to ISO: the worker decodes that form, as psycopg2 does.
    pub(super) async fn use_iso_dates(&mut self) -> Result<(), DbError> {
        let style = self
            .info
            .parameters
            .get("DateStyle")
            .map_or("ISO", String::as_str);
        if style.starts_with("ISO") {
            return Ok(());
        }
        // `ISO` alone keeps the order of day and month.
        self.execute("SET DateStyle TO 'ISO'").await.map(|_| ())
    }

    pub(crate) fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }

    pub(crate) fn connection_details(&self) -> ConnectionDetails {
        self.details.clone()
    }

    pub(crate) fn canceller(&self) -> PostgresCanceller {
        let encryption = match self.details.tls {
            Some(_) => Encryption::Tls,
            None => Encryption::Plain,
        };
        PostgresCanceller {
            options: Arc::clone(&self.options),
            host: self.host.clone(),
            encryption,
            cancel_key: self.cancel_key,
        }
    }

    pub(crate) async fn close(mut self) -> Result<(), DbError> {
        frontend::terminate(&mut self.stream.outgoing);
        self.flush().await
    }
}

impl PostgresCanceller {
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        self.send_request().await.map_err(DbError::ConnectionLost)
    }

    async fn send_request(&self) -> io::Result<()> {
        let mut transport = transport::open(&self.options, &self.host, self.encryption)
            .await
            .map_err(|failure| io::Error::other(failure.error.message))?
            .transport;
        let mut request = BytesMut::new();
        let CancelKey { process_id, secret } = self.cancel_key;
        frontend::cancel_request(process_id, secret, &mut request);
        transport.write_all(&request).await?;
        transport.flush().await?;
        // The server closes the connection after it has processed the request, and sends nothing.
        let mut rest = Vec::new();
        let _ = transport.read_to_end(&mut rest).await;
        Ok(())
    }
}
