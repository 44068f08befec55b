//! Waits for another process's lock as SQLite's own busy timeout does, but ends the wait on an interrupt.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// The pauses between tries, as SQLite has them; the last one repeats.
const PAUSES: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];

thread_local! {
    /// The wait of the connection that works on this thread: SQLite's handler is a plain function.
    static WAIT: RefCell<Option<Wait>> = const { RefCell::new(None) };
}

/// How long a connection waits, and what ends that early.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    pub(super) limit: Duration,
    pub(super) interrupted: Arc<AtomicBool>,
}

struct Wait {
    patience: Patience,
    since: Instant,
}

/// Installs the handler.
pub(super) fn install(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    connection.busy_handler(Some(try_again))
}

/// Says how long what is done next on this thread waits; several connections may take turns on it.
pub(super) fn wait_with(patience: &Patience) {
    WAIT.set(Some(Wait {
        patience: patience.clone(),
        since: Instant::now(),
    }));
}

/// Pauses before the next try; `false` when it has been long enough.
fn try_again(tries: i32) -> bool {
    WAIT.with_borrow_mut(|wait| {
        let Some(wait) = wait else {
            return false;
        };
        if tries == 0 {
            wait.since = Instant::now();
        }
        let Patience { limit, interrupted } = &wait.patience;
        let left = limit.saturating_sub(wait.since.elapsed());
        if left.is_zero() || interrupted.load(Ordering::Relaxed) {
            return false;
        }
        let tries = usize::try_from(tries).unwrap_or_default();
        let pause = PAUSES[tries.min(PAUSES.len() - 1)];
        thread::sleep(Duration::from_millis(pause).min(left));
        true
    })
}
