//! Ends what keeps the thread of the run when a signal comes.

use std::io;
use std::thread;
use std::time::Duration;

use limbeck_db::Canceller;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::host::{Interrupt, interrupted};

/// How often a statement is interrupted: what begins just after once is not.
const AGAIN: Duration = Duration::from_millis(10);

/// A thread that waits for a signal, for as long as this lives.
#[derive(Debug)]
pub(super) struct Watchdog {
    _gone: oneshot::Sender<()>,
}

impl Watchdog {
    /// Interrupts whatever `canceller` is for from the first signal on. Must be called in a runtime.
    pub(super) fn start(canceller: Canceller, mut interrupt: Interrupt) -> io::Result<Self> {
        let (guarded, mut gone) = oneshot::channel();
        let runtime = Handle::current();
        let watching = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupted(&mut interrupt) => {}
                    _ = &mut gone => return,
                }
                while matches!(gone.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
                    // It only sets a flag of the library.
                    let _ = canceller.cancel().await;
                    thread::sleep(AGAIN);
                }
            });
        };
        thread::Builder::new()
            .name("watchdog".into())
            .spawn(watching)?;
        Ok(Self { _gone: guarded })
    }
}
