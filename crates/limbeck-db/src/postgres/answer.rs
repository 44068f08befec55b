//! The server's answer to a query, read message by message.

use std::io;

use bytes::Bytes;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Field, Message, RowDescriptionBody};

use super::error::{notice, server_error, statement_error};
use crate::{Column, CopyFormat, DbError, Effect, Outcome, ResultSet, TransactionStatus, Value};

/// The part of an answer that has been read.
#[derive(Debug, Default)]
pub(super) struct Answer {
    outcome: Outcome,
    current: ResultSet,
    parameter_types: Vec<u32>,
    error: Option<DbError>,
}

/// A point in an answer at which the reader has to act.
#[derive(Debug)]
pub(super) enum Pause {
    /// The answer is complete, and the server is ready for the next query.
    End(TransactionStatus),
    /// A parameter of the session has a new value.
    Parameter(String, String),
    /// The server waits for the data of a COPY.
    CopyIn(CopyFormat),
    /// The data of a COPY follows.
    CopyOut(CopyFormat),
    /// Data of a COPY.
    CopyData(Bytes),
}

impl Answer {
    /// Adds a message. Returns a pause if the reader has to act.
    ///
    /// # Errors
    /// Returns an error if the message is malformed.
    pub(super) fn add(&mut self, message: Message) -> io::Result<Option<Pause>> {
        let pause = match message {
            Message::RowDescription(body) => {
                self.current.columns = Some(columns(&body)?);
                return Ok(None);
            }
            Message::ParameterDescription(body) => {
                self.parameter_types = body.parameters().collect()?;
                return Ok(None);
            }
            Message::DataRow(body) => {
                self.current.rows.push(row(&body)?);
                return Ok(None);
            }
            Message::CommandComplete(body) => {
                let mut result = std::mem::take(&mut self.current);
                body.tag()?.clone_into(&mut result.tag);
                result.affected = affected_rows(&result.tag);
                result.effect = Effect::from_command_tag(&result.tag, result.columns.is_some());
                self.outcome.results.push(result);
                return Ok(None);
            }
            Message::EmptyQueryResponse => {
                self.outcome.results.push(std::mem::take(&mut self.current));
                return Ok(None);
            }
            Message::NoticeResponse(body) => {
                self.outcome.notices.push(notice(body.fields())?);
                return Ok(None);
            }
            Message::ErrorResponse(body) => {
                self.fail(statement_error(server_error(body.fields())?));
                return Ok(None);
            }
            Message::ParameterStatus(body) => {
                Pause::Parameter(body.name()?.to_owned(), body.value()?.to_owned())
            }
            Message::CopyInResponse(body) => Pause::CopyIn(CopyFormat {
                is_binary: body.format() == 1,
                columns: body.column_formats().count()?,
            }),
            Message::CopyOutResponse(body) => Pause::CopyOut(CopyFormat {
                is_binary: body.format() == 1,
                columns: body.column_formats().count()?,
            }),
            Message::CopyData(body) => Pause::CopyData(body.into_bytes()),
            Message::ReadyForQuery(body) => Pause::End(match body.status() {
                b'T' => TransactionStatus::Open,
                b'E' => TransactionStatus::Failed,
                _ => TransactionStatus::Idle,
            }),
            // The end of a COPY's data, which a command tag follows, and notifications.
            _ => return Ok(None),
        };
        Ok(Some(pause))
    }

    /// Takes the types of the parameters of a described statement.
    pub(super) fn take_parameter_types(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.parameter_types)
    }

    /// Adds an error. The first one is the answer's.
    pub(super) fn fail(&mut self, error: DbError) {
        self.error.get_or_insert(error);
    }

    /// Returns the error for a connection that broke during the answer, with the reason that the server gave before.
    pub(super) fn connection_lost(&mut self, error: io::Error) -> DbError {
        match self.error.take() {
            Some(DbError::Server(reason)) => DbError::ConnectionLost(io::Error::other(*reason)),
            _ => DbError::ConnectionLost(error),
        }
    }

    /// Returns the outcome of a complete answer, or its error.
    pub(super) fn finish(self) -> Result<Outcome, DbError> {
        self.error.map_or(Ok(self.outcome), Err)
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
