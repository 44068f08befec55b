//! Signals that end a run, and waiting that a signal can cut short.

use std::future::Future;

use tokio::sync::watch;

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`: `Ctrl-C`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
}

/// The channel that delivers signals to a run. It holds `None` until a signal arrives.
pub type Interrupt = watch::Receiver<Option<Signal>>;

/// Waits for `work`, or returns the signal as soon as one arrives.
pub(super) async fn unless_interrupted<T>(
    interrupt: &mut Interrupt,
    work: impl Future<Output = T>,
) -> Result<T, Signal> {
    tokio::select! {
        done = work => Ok(done),
        signal = interrupted(interrupt) => Err(signal),
    }
}

/// Waits for a signal.
pub(super) async fn interrupted(interrupt: &mut Interrupt) -> Signal {
    loop {
        if let Some(signal) = *interrupt.borrow_and_update() {
            return signal;
        }
        if interrupt.changed().await.is_err() {
            // The sender is gone, so no signal can arrive any more.
            std::future::pending::<()>().await;
        }
    }
}
