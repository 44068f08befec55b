//! Bytes to and from the server, cut into messages.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::backend::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What a session's bytes go through: a TCP or unix socket, or TLS over one.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A connection's messages.
pub(super) struct Stream {
    transport: Box<dyn Transport>,
    incoming: BytesMut,
    /// What is written at the next flush.
    pub(super) outgoing: BytesMut,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl Stream {
    pub(super) fn new(transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            incoming: BytesMut::with_capacity(8192),
            outgoing: BytesMut::new(),
        }
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.transport.write_all(&self.outgoing).await?;
        self.outgoing.clear();
        self.transport.flush().await
    }

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
