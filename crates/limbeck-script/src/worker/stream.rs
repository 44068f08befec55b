//! The streams to the worker and back: messages, each a length and that many bytes.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};

/// The longest message that a worker may send: a statement with its literals has to fit.
const LONGEST_MESSAGE: usize = 1 << 30;

/// What is read at a time, at least: whole messages, mostly.
const READ_AT_ONCE: usize = 16 * 1024;

/// A pipe in each direction. A socket would wake us once more for each message of ours, to say that the other
/// side has taken it.
#[derive(Debug)]
pub(super) struct MessageStream {
    from: Receiver,
    to: Sender,
    received: Vec<u8>,
    /// The bytes of `received` that came before the next message.
    taken: usize,
}

impl MessageStream {
    pub(super) fn new(from: io::PipeReader, to: io::PipeWriter) -> io::Result<Self> {
        Ok(Self {
            from: Receiver::from_owned_fd(from.into())?,
            to: Sender::from_owned_fd(to.into())?,
            received: Vec::new(),
            taken: 0,
        })
    }

    /// The next message. May be dropped while it waits: what has arrived is kept.
    pub(super) async fn next(&mut self) -> io::Result<&[u8]> {
        self.received.drain(..self.taken);
        self.taken = 0;
        let message = loop {
            if let Some(message) = self.whole_message()? {
                break message;
            }
            self.receive().await?;
        };
        self.taken = message.end;
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
                "a message is too long",
            ));
        }
        Ok((rest.len() >= length).then_some(4..4 + length))
    }

    async fn receive(&mut self) -> io::Result<()> {
        // As much again as there is, so that a long message takes few rounds.
        self.received.reserve(self.received.len().max(READ_AT_ONCE));
        match self.from.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends bytes, which are one or several messages.
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
    async fn messages_come_whole_and_in_order_however_they_are_cut() {
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
    async fn a_wait_that_was_given_up_loses_nothing() {
        let (mut ours, mut theirs) = ends();
        let bytes = framed(b"a message");
        theirs.send(&bytes[..7]).await.unwrap();
        let waited = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(waited, ours.next()).await.is_err());
        theirs.send(&bytes[7..]).await.unwrap();
        assert_eq!(ours.next().await.unwrap(), b"a message");
    }

    #[tokio::test]
    async fn a_length_that_can_not_be_is_an_error() {
        let (mut ours, mut theirs) = ends();
        theirs.send(&[0xFF; 4]).await.unwrap();
        let error = ours.next().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    }
}
