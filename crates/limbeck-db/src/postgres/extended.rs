//! The extended query protocol, for the values of types that a project encodes itself.

use bytes::BufMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend::{self, BindError};

use super::answer::Answer;
use super::session::PostgresSession;
use crate::{DbError, Outcome};

const TEXT: i16 = 0;
const BINARY: i16 = 1;

impl PostgresSession {
    /// Returns the types of a statement's parameters; see [`crate::Session::parameter_types`].
    pub(crate) async fn parameter_types(&mut self, sql: &str) -> Result<Vec<u32>, DbError> {
        self.check_query(sql)?;
        let messages = &mut self.stream.outgoing;
        let queued = frontend::parse("", sql, [], messages)
            .and_then(|()| frontend::describe(b'S', "", messages));
        self.send_extended(queued).await?;
        let mut answer = Answer::default();
        self.read_to_end(&mut answer).await?;
        let types = answer.take_parameter_types();
        self.finish(answer).await.map(|_| types)
    }

    /// Runs a statement with binary parameters; see [`crate::Session::execute_binary`].
    pub(crate) async fn execute_binary(
        &mut self,
        sql: &str,
        parameters: &[(u32, &[u8])],
    ) -> Result<Outcome, DbError> {
        self.check_query(sql)?;
        let messages = &mut self.stream.outgoing;
        let types = parameters.iter().map(|(oid, _)| *oid);
        let values = parameters.iter().map(|(_, value)| *value);
        let queued = frontend::parse("", sql, types, messages)
            .and_then(|()| {
                let write = |value: &[u8], messages: &mut bytes::BytesMut| {
                    messages.put_slice(value);
                    Ok(IsNull::No)
                };
                let bound = frontend::bind("", "", [BINARY], values, write, [TEXT], messages);
                bound.map_err(|error| match error {
                    BindError::Conversion(error) => std::io::Error::other(error),
                    BindError::Serialization(error) => error,
                })
            })
            .and_then(|()| frontend::describe(b'P', "", messages))
            .and_then(|()| frontend::execute("", 0, messages));
        self.send_extended(queued).await?;
        let mut answer = Answer::default();
        self.read_to_end(&mut answer).await?;
        self.finish(answer).await
    }

    /// Sends the queued messages, and asks the server to process them.
    async fn send_extended(&mut self, queued: std::io::Result<()>) -> Result<(), DbError> {
        if let Err(error) = queued {
            self.stream.outgoing.clear();
            return Err(DbError::Unsupported(format!(
                "the statement can't be sent: {error}"
            )));
        }
        frontend::sync(&mut self.stream.outgoing);
        self.flush().await
    }
}
