//! The signals that a supervisor gets, in the order in which they come.

use std::io;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// A signal that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received(Signal);

impl Received {
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
    /// `SIGWINCH`: the terminal has another size.
    pub const WINDOW: Self = Self(Signal::WINCH);

    /// Its number.
    pub fn number(self) -> i32 {
        self.0.as_raw()
    }

    /// What it is to rustix.
    pub(crate) fn to_send(self) -> Signal {
        self.0
    }

    fn kind(self) -> SignalKind {
        SignalKind::from_raw(self.number())
    }

    /// Whether whoever sent it wants the program to end.
    pub fn ends(self) -> bool {
        [Self::HANGUP, Self::INTERRUPT, Self::QUIT, Self::TERMINATE].contains(&self)
    }

    /// Whether a terminal sends it to all of its foreground processes by itself.
    pub(crate) fn comes_from_terminals(self) -> bool {
        [Self::INTERRUPT, Self::QUIT, Self::WINDOW].contains(&self)
    }
}

/// What is passed on to an application.
const PASSED_ON: [Received; 7] = [
    Received::HANGUP,
    Received::INTERRUPT,
    Received::QUIT,
    Received::USER_1,
    Received::USER_2,
    Received::TERMINATE,
    Received::WINDOW,
];

/// Signals as they come.
#[derive(Debug)]
pub struct Signals(mpsc::UnboundedReceiver<Received>);

impl Signals {
    /// Starts listening; needs a running tokio runtime.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn listen() -> io::Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        for received in PASSED_ON {
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

    /// The next signal.
    pub async fn next(&mut self) -> Received {
        match self.0.recv().await {
            Some(received) => received,
            // The listeners end with the runtime only.
            None => std::future::pending().await,
        }
    }
}
