//! The stream of messages between the host and the worker. Each message is a length and that many bytes.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};

/// The maximum length of a worker's message, in bytes. A statement contains its parameters as literals.
const LONGEST_MESSAGE: usize = 1 << 30;

/// The minimum space for a read, in bytes. Most messages fit.
const READ_AT_ONCE: usize = 16 * 1024;

/// A pipe in each direction. A socket would wake the host once more for each message it sends, when the worker has read
/// the message.
#[derive(Debug)]
pub(super) struct MessageStream {
    from: Receiver,
    to: Sender,
    received: Vec<u8>,
    /// The number of bytes in `received` that the caller has already got.
    consumed: usize,
}

impl MessageStream {
    pub(super) fn new(from: io::PipeReader, to: io::PipeWriter) -> io::Result<Self> {
        Ok(Self {
            from: Receiver::from_owned_fd(from.into())?,
            to: Sender::from_owned_fd(to.into())?,
            received: Vec::new(),
            consumed: 0,
        })
    }

    /// Waits for the next message. The future may be dropped meanwhile: the stream keeps the bytes that have arrived.
    pub(super) async fn next(&mut self) -> io::Result<&[u8]> {
        self.received.drain(..self.consumed);
        self.consumed = 0;
        let message = loop {
            if let Some(message) = self.whole_message()? {
                break message;
            }
            self.receive().await?;
        };
        self.consumed = message.end;
        Ok(&self.received[message])
    }

    fn whole_message(&self) -> io::Result<Option<Range<usize>>> {
        let Some((length, rest)) = self.received.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > LONGEST_MESSAGE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a message is longer than 1 GiB",
            ));
        }
        Ok((rest.len() >= length).then_some(4..4 + length))
    }

    async fn receive(&mut self) -> io::Result<()> {
        // Doubles the space, so that a long message needs few reads.
        self.received.reserve(self.received.len().max(READ_AT_ONCE));
        match self.from.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends one or more messages, given their bytes.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes).await
    }
}

#[cfg(test)]
mod tests {
    use super::MessageStream;

    fn ends() -> (MessageStream, MessageStream) {
        let ((from, to_us), (from_us, to)) = (std::io::pipe().unwrap(), std::io::pipe().unwrap());
        let ours = MessageStream::new(from, to).unwrap();
        (ours, MessageStream::new(from_us, to_us).unwrap())
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap();
        [&length.to_be_bytes()[..], message].concat()
    }

    #[tokio::test]
    async fn receives_whole_messages_from_any_pieces() {
        let messages: Vec<Vec<u8>> = [0, 1, 5, 16 * 1024 - 4, 16 * 1024, 300_000, 3]
            .into_iter()
            .map(|length: usize| (0..=250).cycle().take(length).collect())
            .collect();
        let bytes: Vec<u8> = messages
            .iter()
            .flat_map(|message| framed(message))
            .collect();
        for piece in [1_000, 4_096, 16_384, 65_537, bytes.len()] {
            let (mut ours, mut theirs) = ends();
            let sending = async {
                for piece in bytes.chunks(piece) {
                    theirs.send(piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
                drop(theirs);
            };
            let receiving = async {
                for message in &messages {
                    assert!(ours.next().await.unwrap() == message, "pieces of {piece}");
                }
                let end = ours.next().await.unwrap_err();
                assert_eq!(end.kind(), std::io::ErrorKind::UnexpectedEof);
            };
            tokio::join!(sending, receiving);
        }
    }

    #[tokio::test]
    async fn a_cancelled_wait_loses_nothing() {
        let (mut ours, mut theirs) = ends();
        let bytes = framed(b"a message");
        theirs.send(&bytes[..7]).await.unwrap();
        let waited = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(waited, ours.next()).await.is_err());
        theirs.send(&bytes[7..]).await.unwrap();
        assert_eq!(ours.next().await.unwrap(), b"a message");
    }

    #[tokio::test]
    async fn rejects_a_length_out_of_range() {
        let (mut ours, mut theirs) = ends();
        theirs.send(&[0xFF; 4]).await.unwrap();
        let error = ours.next().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    }
}
