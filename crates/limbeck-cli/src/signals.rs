//! `SIGINT` and `SIGTERM`, as a value that a run watches.

use std::io;
use std::thread;

use limbeck::run::{Interrupt, Signal};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Starts listening, on a thread of its own: a statement of SQLite's may keep the caller's.
///
/// # Errors
/// When the system refuses the handlers or the thread.
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
            // The receiver is gone when the run is over, and then nobody minds.
            let _ = sender.send(Some(received));
        });
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(listening)?;
    Ok(receiver)
}
