//! The protocol's messages over a transport.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::transport::Transport;

/// A connection that sends and receives whole messages.
pub(super) struct Stream {
    transport: Box<dyn Transport>,
    incoming: BytesMut,
    /// Messages that the next flush sends.
    pub(super) outgoing: BytesMut,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl Stream {
    /// Returns a stream over an open transport.
    pub(super) fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            incoming: BytesMut::with_capacity(8192),
            outgoing: BytesMut::new(),
        }
    }

    /// Sends the outgoing messages.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.transport.write_all(&self.outgoing).await?;
        self.outgoing.clear();
        self.transport.flush().await
    }

    /// Reads the next message.
    pub(super) async fn read(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.incoming)? {
                return Ok(message);
            }
            if self.transport.read_buf(&mut self.incoming).await? == 0 {
                let text = "the server closed the connection";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
    }
}
