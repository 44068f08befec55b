//! `SIGINT` and `SIGTERM`, as a channel that a run watches.

use std::io;
use std::thread;

use limbeck::run::{Interrupt, Signal};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Starts a thread that listens for signals. The caller's thread can't: a SQLite statement may block it.
///
/// # Errors
/// Returns an error if the system refuses the handlers or the thread.
pub(crate) fn listen() -> io::Result<Interrupt> {
    let (sender, receiver) = watch::channel(None);
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    let listening = move || {
        runtime.block_on(async {
            let received = tokio::select! {
                _ = interrupt.recv() => Signal::Interrupt,
                _ = terminate.recv() => Signal::Terminate,
                () = sender.closed() => return,
            };
            // The receiver is dropped when the run has ended, and the signal no longer matters.
            let _ = sender.send(Some(received));
        });
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(listening)?;
    Ok(receiver)
}
