//! `SIGINT` and `SIGTERM`, as a value that a run watches.

use limbeck::run::{Interrupt, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Starts listening; needs a running tokio runtime.
///
/// # Errors
/// When the system refuses the handlers.
pub(crate) fn listen() -> std::io::Result<Interrupt> {
    let (sender, receiver) = watch::channel(None);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let received = tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
        };
        // The receiver is gone when the run is over, and then nobody minds.
        let _ = sender.send(Some(received));
        // A runtime that still has this sender keeps the receivers' view of the signal.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}
