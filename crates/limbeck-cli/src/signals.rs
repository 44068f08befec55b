//! `SIGINT` and `SIGTERM`, as a channel that a run watches.

use std::io;
use std::sync::mpsc;
use std::thread;

use limbeck::{Interrupt, Signal};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tokio::sync::watch;

/// The number of `SIGXFSZ`.
const FILE_SIZE_EXCEEDED: i32 = rustix::process::Signal::XFSZ.as_raw();

/// Starts a thread that listens for signals. The caller's thread can't: a SQLite statement may block it.
///
/// # Errors
/// Returns an error if the system refuses the handlers or the thread.
pub(crate) fn listen() -> io::Result<Interrupt> {
    let (sender, receiver) = watch::channel(None);
    let (ready, is_ready) = mpsc::sync_channel(1);
    // The thread makes and drops the runtime: the caller may be inside another runtime, where dropping one panics.
    let listening = move || {
        let (runtime, mut interrupt, mut terminate) = match install_handlers() {
            Ok(installed) => installed,
            Err(error) => {
                // The caller waits for the result.
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(()));
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
    is_ready
        .recv()
        .map_err(|_| io::Error::other("the thread for signals ended"))??;
    Ok(receiver)
}

/// Returns a runtime with handlers for `SIGINT` and `SIGTERM`.
fn install_handlers() -> io::Result<(Runtime, SignalStream, SignalStream)> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (interrupt, terminate) = {
        let _entered = runtime.enter();
        // A file that exceeds `ulimit -f` is then an error of the write, not the end of the process. As in Python.
        let _ = signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED))?;
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    Ok((runtime, interrupt, terminate))
}
