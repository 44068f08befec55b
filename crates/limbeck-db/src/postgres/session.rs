//! PostgreSQL: an open session that speaks the simple query protocol.

use std::io;
use std::sync::Arc;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Message, RowDescriptionBody};
use postgres_protocol::message::frontend;

use super::PostgresOptions;
use super::connect;
use super::error::{notice, server_error};
use super::options::HostAddress;
use super::stream::Stream;
use crate::{
    Column, ConnectionDetails, DbError, Outcome, ResultSet, ServerInfo, TransactionStatus, Value,
};

/// An open PostgreSQL session.
#[derive(Debug)]
pub(crate) struct PostgresSession {
    pub(super) stream: Stream,
    pub(super) info: ServerInfo,
    pub(super) status: TransactionStatus,
    pub(super) options: Arc<PostgresOptions>,
    pub(super) target: HostAddress,
    pub(super) link: ConnectionDetails,
    pub(super) key: (i32, i32),
}

/// Interrupts a PostgreSQL session.
#[derive(Debug, Clone)]
pub(crate) struct PostgresCanceller {
    options: Arc<PostgresOptions>,
    target: HostAddress,
    encrypted: bool,
    key: (i32, i32),
}

impl PostgresSession {
    pub(crate) async fn open(options: &PostgresOptions) -> Result<Self, DbError> {
        connect::open(options).await
    }

    pub(crate) async fn execute(&mut self, sql: &str) -> Result<Outcome, DbError> {
        self.execute_after(&[], sql).await
    }

    /// Sends everything in one write; the results of `before` are dropped, the first error counts.
    pub(crate) async fn execute_after(
        &mut self,
        before: &[&str],
        sql: &str,
    ) -> Result<Outcome, DbError> {
        for text in before.iter().chain([&sql]) {
            if text.contains('\0') {
                self.stream.outgoing.clear();
                return Err(DbError::Unsupported(
                    "a statement holds a NUL character, which PostgreSQL can't take".into(),
                ));
            }
            frontend::query(text, &mut self.stream.outgoing).map_err(DbError::ConnectionLost)?;
        }
        self.stream.flush().await.map_err(DbError::ConnectionLost)?;
        let mut first_error = None;
        let mut last = Outcome::default();
        for _ in 0..=before.len() {
            match self.answer().await {
                Ok(outcome) => last = outcome,
                Err(error @ DbError::ConnectionLost(_)) => return Err(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) => Err(error),
            None => self.speak_utf8().await.map(|()| last),
        }
    }

    /// Goes back to UTF-8 where a statement has changed what texts are sent in: nothing else is read or written
    /// here, and who set it meant texts of another program.
    async fn speak_utf8(&mut self) -> Result<(), DbError> {
        let encoding = self.info.parameters.get("client_encoding");
        let spoken = encoding.is_none_or(|name| matches!(name.as_str(), "UTF8" | "UNICODE"));
        if spoken || self.status == TransactionStatus::Failed {
            return Ok(());
        }
        let text = "SET client_encoding TO 'UTF8'";
        frontend::query(text, &mut self.stream.outgoing).map_err(DbError::ConnectionLost)?;
        self.stream.flush().await.map_err(DbError::ConnectionLost)?;
        self.answer().await.map(|_| ())
    }

    /// Reads one query's answer up to the server's being ready again.
    async fn answer(&mut self) -> Result<Outcome, DbError> {
        let mut outcome = Outcome::default();
        let mut current = ResultSet::default();
        let mut error = None;
        loop {
            match self.stream.read().await.map_err(DbError::ConnectionLost)? {
                Message::RowDescription(body) => {
                    current.columns = Some(columns(&body).map_err(DbError::ConnectionLost)?);
                }
                Message::DataRow(body) => current
                    .rows
                    .push(row(&body).map_err(DbError::ConnectionLost)?),
                Message::CommandComplete(body) => {
                    body.tag()
                        .map_err(DbError::ConnectionLost)?
                        .clone_into(&mut current.tag);
                    current.affected = affected(&current.tag);
                    outcome.results.push(std::mem::take(&mut current));
                }
                Message::EmptyQueryResponse => outcome.results.push(std::mem::take(&mut current)),
                Message::NoticeResponse(body) => {
                    outcome
                        .notices
                        .push(notice(body.fields()).map_err(DbError::ConnectionLost)?);
                }
                Message::ErrorResponse(body) => {
                    let refused = server_error(body.fields()).map_err(DbError::ConnectionLost)?;
                    error.get_or_insert(DbError::Server(Box::new(refused)));
                }
                Message::ParameterStatus(body) => {
                    let (name, value) = (
                        body.name().map_err(DbError::ConnectionLost)?,
                        body.value().map_err(DbError::ConnectionLost)?,
                    );
                    self.info
                        .parameters
                        .insert(name.to_owned(), value.to_owned());
                }
                Message::CopyInResponse(_) => {
                    let why = "COPY … FROM STDIN has no data to read over limbeck's connection";
                    error.get_or_insert(DbError::Unsupported(why.into()));
                    frontend::copy_fail(why, &mut self.stream.outgoing)
                        .map_err(DbError::ConnectionLost)?;
                    self.stream.flush().await.map_err(DbError::ConnectionLost)?;
                }
                Message::CopyOutResponse(_) => {
                    let why =
                        "COPY … TO STDOUT has nobody to take its data over limbeck's connection";
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
                // The rows of a COPY that nobody takes, and notifications.
                _ => {}
            }
        }
    }

    /// Makes dates readable: the worker decodes the ISO form, as psycopg2 does.
    pub(super) async fn settle(&mut self) -> Result<(), DbError> {
        let style = self
            .info
            .parameters
            .get("DateStyle")
            .map_or("ISO", String::as_str);
        if style.starts_with("ISO") {
            return Ok(());
        }
        // With the form alone, the order of day and month stays as it is.
        self.execute("SET DateStyle TO 'ISO'").await.map(|_| ())
    }

    pub(crate) fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }

    pub(crate) fn connection_details(&self) -> ConnectionDetails {
        self.link.clone()
    }

    pub(crate) fn canceller(&self) -> PostgresCanceller {
        PostgresCanceller {
            options: Arc::clone(&self.options),
            target: self.target.clone(),
            encrypted: self.link.tls.is_some(),
            key: self.key,
        }
    }

    pub(crate) async fn close(mut self) -> Result<(), DbError> {
        frontend::terminate(&mut self.stream.outgoing);
        self.stream.flush().await.map_err(DbError::ConnectionLost)
    }
}

impl PostgresCanceller {
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        connect::cancel(&self.options, &self.target, self.encrypted, self.key)
            .await
            .map_err(DbError::ConnectionLost)
    }
}

fn columns(body: &RowDescriptionBody) -> io::Result<Vec<Column>> {
    let field = |field: postgres_protocol::message::backend::Field<'_>| {
        Ok(Column {
            name: field.name().to_owned(),
            type_code: field.type_oid(),
            modifier: i64::from(field.type_modifier()),
            ..Column::default()
        })
    };
    body.fields().map(field).collect()
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

/// The number at the end of a command tag.
fn affected(tag: &str) -> Option<u64> {
    tag.rsplit(' ').next()?.parse().ok()
}
