//! An open session over the simple query protocol.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Field, Message, RowDescriptionBody};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::PostgresOptions;
use super::error::{notice, server_error, statement_error};
use super::host::HostAddress;
use super::startup::{CancelKey, StartedSession};
use super::stream::Stream;
use super::transport::{self, Encryption};
use crate::{
    Column, ConnectionDetails, DbError, Effect, Outcome, Product, ResultSet, ServerInfo,
    TransactionStatus, Value,
};

/// An open PostgreSQL session.
#[derive(Debug)]
pub(crate) struct PostgresSession {
    stream: Stream,
    info: ServerInfo,
    status: TransactionStatus,
    options: Arc<PostgresOptions>,
    host: HostAddress,
    details: ConnectionDetails,
    cancel_key: CancelKey,
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
        self.stream.flush().await.map_err(DbError::ConnectionLost)?;
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
    fn queue(&mut self, sql: &str) -> Result<(), DbError> {
        if sql.contains('\0') {
            return Err(DbError::Unsupported(
                "the statement contains a NUL character, which PostgreSQL does not accept".into(),
            ));
        }
        frontend::query(sql, &mut self.stream.outgoing)
            .map_err(|error| DbError::Unsupported(format!("the statement can't be sent: {error}")))
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
        self.stream.flush().await.map_err(DbError::ConnectionLost)?;
        self.read_outcome().await.map(|_| ())
    }

    /// Reads the answer to one query, until the server is ready for the next.
    async fn read_outcome(&mut self) -> Result<Outcome, DbError> {
        let lost = DbError::ConnectionLost;
        let mut outcome = Outcome::default();
        let mut current = ResultSet::default();
        let mut error = None;
        loop {
            match self.stream.read().await.map_err(lost)? {
                Message::RowDescription(body) => {
                    current.columns = Some(columns(&body).map_err(lost)?);
                }
                Message::DataRow(body) => current.rows.push(row(&body).map_err(lost)?),
                Message::CommandComplete(body) => {
                    body.tag().map_err(lost)?.clone_into(&mut current.tag);
                    current.affected = affected_rows(&current.tag);
                    current.effect =
                        Effect::from_command_tag(&current.tag, current.columns.is_some());
                    outcome.results.push(std::mem::take(&mut current));
                }
                Message::EmptyQueryResponse => outcome.results.push(std::mem::take(&mut current)),
                Message::NoticeResponse(body) => {
                    let notice = notice(body.fields()).map_err(lost)?;
                    outcome.notices.push(notice);
                }
                Message::ErrorResponse(body) => {
                    let reported = server_error(body.fields()).map_err(lost)?;
                    error.get_or_insert(statement_error(reported));
                }
                Message::ParameterStatus(body) => {
                    let name = body.name().map_err(lost)?.to_owned();
                    let value = body.value().map_err(lost)?.to_owned();
                    self.info.parameters.insert(name, value);
                }
                Message::CopyInResponse(_) => {
                    let why = "COPY … FROM STDIN has no data to read over limbeck's connection";
                    error.get_or_insert(DbError::Unsupported(why.into()));
                    frontend::copy_fail(why, &mut self.stream.outgoing).map_err(lost)?;
                    self.stream.flush().await.map_err(lost)?;
                }
                Message::CopyOutResponse(_) => {
                    let why =
                        "COPY … TO STDOUT has no reader for its data over limbeck's connection";
                    error.get_or_insert(DbError::Unsupported(why.into()));
                }
                Message::ReadyForQuery(body) => {
                    self.status = match body.status() {
                        b'T' => TransactionStatus::Open,
                        b'E' => TransactionStatus::Failed,
                        _ => TransactionStatus::Idle,
                    };
                    return error.map_or(Ok(outcome), Err);
                }
                // The rows of a refused COPY, and notifications.
                _ => {}
            }
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
        self.stream.flush().await.map_err(DbError::ConnectionLost)
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

fn columns(body: &RowDescriptionBody) -> io::Result<Vec<Column>> {
    let column = |field: Field<'_>| {
        Ok(Column {
            name: field.name().to_owned(),
            type_code: field.type_oid(),
            modifier: i64::from(field.type_modifier()),
            ..Column::default()
        })
    };
    body.fields().map(column).collect()
}

fn row(body: &DataRowBody) -> io::Result<Vec<Value>> {
    let buffer = body.buffer();
    let value = |range: Option<std::ops::Range<usize>>| {
        let Some(bytes) = range
            .map(|range| buffer.get(range).ok_or(io::ErrorKind::InvalidData))
            .transpose()?
        else {
            return Ok(Value::Null);
        };
        Ok(match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(bytes.to_vec()),
        })
    };
    body.ranges().map(value).collect()
}

/// Returns the number at the end of a command tag.
fn affected_rows(tag: &str) -> Option<u64> {
    tag.rsplit(' ').next()?.parse().ok()
}
