//! Interrupts a statement that blocks the thread of the run.

use std::io;
use std::thread;
use std::time::Duration;

use limbeck_db::Canceller;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::interrupt::{Interrupt, interrupted};

/// Interval between interrupts. An interrupt doesn't affect a statement that begins right after it.
const INTERVAL: Duration = Duration::from_millis(10);

/// A thread that waits for a signal. Dropping the watchdog ends the thread.
#[derive(Debug)]
pub(super) struct Watchdog {
    _alive: oneshot::Sender<()>,
}

impl Watchdog {
    /// Starts a thread that interrupts the session of `canceller` from the first signal on. Must be called in a runtime.
    ///
    /// # Errors
    /// Returns an error if the system can't start a thread.
    pub(super) fn start(canceller: Canceller, mut interrupt: Interrupt) -> io::Result<Self> {
        let (alive, mut dropped) = oneshot::channel();
        let runtime = Handle::current();
        let watch = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupted(&mut interrupt) => {}
                    _ = &mut dropped => return,
                }
                while matches!(dropped.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
                    // Setting SQLite's interrupt flag can't fail.
                    let _ = canceller.cancel().await;
                    thread::sleep(INTERVAL);
                }
            });
        };
        thread::Builder::new()
            .name("watchdog".into())
            .spawn(watch)?;
        Ok(Self { _alive: alive })
    }
}
