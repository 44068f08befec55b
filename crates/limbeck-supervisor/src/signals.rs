//! The signals that a supervisor receives, in order.

use std::io;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// A signal that the supervisor has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceivedSignal(Signal);

impl ReceivedSignal {
    /// `SIGHUP`.
    pub const HANGUP: Self = Self(Signal::HUP);
    /// `SIGINT`.
    pub const INTERRUPT: Self = Self(Signal::INT);
    /// `SIGQUIT`.
    pub const QUIT: Self = Self(Signal::QUIT);
    /// `SIGUSR1`.
    pub const USER_1: Self = Self(Signal::USR1);
    /// `SIGUSR2`.
    pub const USER_2: Self = Self(Signal::USR2);
    /// `SIGTERM`.
    pub const TERMINATE: Self = Self(Signal::TERM);
    /// `SIGWINCH`: the size of the terminal has changed.
    pub const WINDOW: Self = Self(Signal::WINCH);

    /// Returns the signal's number.
    pub fn number(self) -> i32 {
        self.0.as_raw()
    }

    /// Returns the signal in the type that sends it.
    pub(crate) fn signal(self) -> Signal {
        self.0
    }

    fn kind(self) -> SignalKind {
        SignalKind::from_raw(self.number())
    }

    /// Returns `true` if the signal asks the program to end.
    pub fn is_end_request(self) -> bool {
        [Self::HANGUP, Self::INTERRUPT, Self::QUIT, Self::TERMINATE].contains(&self)
    }

    /// Returns `true` if a terminal sends the signal to all of its foreground processes.
    pub(crate) fn is_sent_by_terminals(self) -> bool {
        [Self::INTERRUPT, Self::QUIT, Self::WINDOW].contains(&self)
    }
}

/// The signals that the supervisor forwards to an application.
const FORWARDED: [ReceivedSignal; 7] = [
    ReceivedSignal::HANGUP,
    ReceivedSignal::INTERRUPT,
    ReceivedSignal::QUIT,
    ReceivedSignal::USER_1,
    ReceivedSignal::USER_2,
    ReceivedSignal::TERMINATE,
    ReceivedSignal::WINDOW,
];

/// The stream of received signals.
#[derive(Debug)]
pub struct Signals(mpsc::UnboundedReceiver<ReceivedSignal>);

impl Signals {
    /// Starts listening. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Returns the operating system's error if it refuses a signal handler.
    pub fn listen() -> io::Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        for received in FORWARDED {
            let mut stream = signal(received.kind())?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if sender.send(received).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self(receiver))
    }

    /// Waits for the next signal and returns it.
    pub async fn next(&mut self) -> ReceivedSignal {
        match self.0.recv().await {
            Some(received) => received,
            // The senders live as long as the runtime.
            None => std::future::pending().await,
        }
    }
}
