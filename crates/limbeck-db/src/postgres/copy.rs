//! COPY from a client's data and to a client, as a stream.

use postgres_protocol::message::frontend::{self, CopyData};

use super::answer::{Answer, Pause};
use super::session::PostgresSession;
use crate::{CopyChunk, CopyStart, DbError, Outcome};

/// The size from which queued data is sent, and from which received data is returned, in bytes.
const CHUNK: usize = 64 * 1024;

/// The maximum size of a message with data, in bytes.
const LONGEST_DATA: usize = 1 << 20;

/// A COPY whose answer is not complete, or not returned.
#[derive(Debug)]
pub(super) struct RunningCopy {
    answer: Answer,
    direction: Direction,
    /// `true` after the last message of the answer.
    is_complete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

impl PostgresSession {
    /// Runs a query that may start a COPY; see [`crate::Session::start_copy`].
    pub(crate) async fn start_copy(&mut self, sql: &str) -> Result<CopyStart, DbError> {
        self.queue(sql)?;
        self.flush().await?;
        let mut answer = Answer::default();
        let (start, direction) = match self.read_part(&mut answer).await? {
            Pause::CopyIn(format) => (CopyStart::In(format), Direction::In),
            Pause::CopyOut(format) => (CopyStart::Out(format), Direction::Out),
            _ => return self.finish(answer).await.map(CopyStart::Finished),
        };
        self.copy = Some(Box::new(RunningCopy {
            answer,
            direction,
            is_complete: false,
        }));
        Ok(start)
    }

    /// Sends data of a COPY; see [`crate::Session::send_copy_data`].
    pub(crate) async fn send_copy_data(&mut self, data: &[u8]) -> Result<(), DbError> {
        let mut copy = self.take_copy(Direction::In)?;
        for part in data.chunks(LONGEST_DATA) {
            CopyData::new(part)
                .map_err(DbError::ConnectionLost)?
                .write(&mut self.stream.outgoing);
            if self.stream.outgoing.len() < CHUNK {
                continue;
            }
            self.flush_and_receive().await?;
            // An error ends a COPY at once.
            while let Some(pause) = self.received_part(&mut copy.answer)? {
                if let Pause::End(_) = pause {
                    return self.finish(copy.answer).await.map(|_| ());
                }
            }
        }
        self.copy = Some(copy);
        Ok(())
    }

    /// Ends the data of a COPY; see [`crate::Session::finish_copy`].
    pub(crate) async fn finish_copy(&mut self) -> Result<Outcome, DbError> {
        let copy = self.take_copy(Direction::In)?;
        frontend::copy_done(&mut self.stream.outgoing);
        self.end_copy(copy).await
    }

    /// Makes a COPY fail; see [`crate::Session::fail_copy`].
    pub(crate) async fn fail_copy(&mut self, reason: &str) -> Result<Outcome, DbError> {
        let copy = self.take_copy(Direction::In)?;
        frontend::copy_fail(&reason.replace('\0', " "), &mut self.stream.outgoing)
            .map_err(DbError::ConnectionLost)?;
        self.end_copy(copy).await
    }

    async fn end_copy(&mut self, mut copy: Box<RunningCopy>) -> Result<Outcome, DbError> {
        self.flush_and_receive().await?;
        self.read_to_end(&mut copy.answer).await?;
        self.finish(copy.answer).await
    }

    /// Receives data of a COPY; see [`crate::Session::receive_copy_data`].
    pub(crate) async fn receive_copy_data(&mut self) -> Result<CopyChunk, DbError> {
        let mut copy = self.take_copy(Direction::Out)?;
        let mut parts = Vec::new();
        let mut size = 0;
        while size < CHUNK && !copy.is_complete {
            match self.read_part(&mut copy.answer).await? {
                Pause::CopyData(data) => {
                    size += data.len();
                    parts.push(data);
                }
                Pause::End(_) => copy.is_complete = true,
                _ => {}
            }
        }
        if parts.is_empty() {
            return self.finish(copy.answer).await.map(CopyChunk::Finished);
        }
        self.copy = Some(copy);
        Ok(CopyChunk::Data(parts))
    }

    /// Takes the running COPY of a direction out of the session.
    fn take_copy(&mut self, direction: Direction) -> Result<Box<RunningCopy>, DbError> {
        match self.copy.take() {
            Some(copy) if copy.direction == direction => Ok(copy),
            copy => {
                self.copy = copy;
                Err(DbError::Unsupported(
                    "no COPY in this direction is running on the connection".into(),
                ))
            }
        }
    }
}
