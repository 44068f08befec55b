//! A busy handler that waits for another process's lock as SQLite's own timeout does, and that an interrupt ends.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// SQLite's own pauses between tries, in milliseconds. The last one repeats.
const PAUSES: [u64; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];

thread_local! {
    /// The wait of the connection that works on this thread. SQLite's handler is a plain function without state.
    static WAIT: RefCell<Option<BusyWait>> = const { RefCell::new(None) };
}

/// The limit of a connection's waits for a lock.
#[derive(Debug, Clone)]
pub(super) struct BusyTimeout {
    pub(super) limit: Duration,
    /// Ends a wait early.
    pub(super) is_interrupted: Arc<AtomicBool>,
}

struct BusyWait {
    timeout: BusyTimeout,
    start: Instant,
}

/// Installs the handler in a connection.
pub(super) fn install(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    connection.busy_handler(Some(wait_for_lock))
}

/// Sets the timeout of the next statement on this thread. Several connections may take turns on it.
pub(super) fn set_timeout(timeout: &BusyTimeout) {
    WAIT.set(Some(BusyWait {
        timeout: timeout.clone(),
        start: Instant::now(),
    }));
}

/// Pauses before the next try. Returns `false` after the timeout or an interrupt.
fn wait_for_lock(tries: i32) -> bool {
    WAIT.with_borrow_mut(|wait| {
        let Some(wait) = wait else {
            return false;
        };
        if tries == 0 {
            wait.start = Instant::now();
        }
        let BusyTimeout {
            limit,
            is_interrupted,
        } = &wait.timeout;
        let left = limit.saturating_sub(wait.start.elapsed());
        if left.is_zero() || is_interrupted.load(Ordering::Relaxed) {
            return false;
        }
        let tries = usize::try_from(tries).unwrap_or_default();
        let pause = PAUSES[tries.min(PAUSES.len() - 1)];
        thread::sleep(Duration::from_millis(pause).min(left));
        true
    })
}
