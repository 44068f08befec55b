//! The protocol's messages over a transport.

use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};

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

    /// Sends the outgoing messages, and keeps what arrives meanwhile.
    pub(super) async fn flush_and_receive(&mut self) -> io::Result<()> {
        let Self {
            transport,
            incoming,
            outgoing,
        } = self;
        std::future::poll_fn(|context| {
            while !outgoing.is_empty() {
                match Pin::new(&mut **transport).poll_write(context, outgoing) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(written)) => outgoing.advance(written),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => break,
                }
            }
            let mut part = [0; 8192];
            loop {
                let mut buffer = ReadBuf::new(&mut part);
                match Pin::new(&mut **transport).poll_read(context, &mut buffer) {
                    Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                        return Poll::Ready(Err(closed()));
                    }
                    Poll::Ready(Ok(())) => incoming.extend_from_slice(buffer.filled()),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => break,
                }
            }
            if outgoing.is_empty() {
                Pin::new(&mut **transport).poll_flush(context)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Reads the next message.
    pub(super) async fn read(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = self.received()? {
                return Ok(message);
            }
            self.receive().await?;
        }
    }

    /// Returns the next message that has arrived completely.
    pub(super) fn received(&mut self) -> io::Result<Option<Message>> {
        Message::parse(&mut self.incoming)
    }

    /// Waits for more of the server's messages.
    pub(super) async fn receive(&mut self) -> io::Result<()> {
        match self.transport.read_buf(&mut self.incoming).await? {
            0 => Err(closed()),
            _ => Ok(()),
        }
    }
}

fn closed() -> io::Error {
    let text = "the server closed the connection";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}
