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
    /// The wait of the connection whose thread this is: SQLite's handler is a plain function.
    static WAIT: RefCell<Option<Wait>> = const { RefCell::new(None) };
}

struct Wait {
    limit: Duration,
    since: Instant,
    interrupted: Arc<AtomicBool>,
}

/// Installs the handler for the connection of the current thread.
pub(super) fn install(
    connection: &mut Connection,
    limit: Duration,
    interrupted: Arc<AtomicBool>,
) -> Result<(), rusqlite::Error> {
    WAIT.set(Some(Wait {
        limit,
        since: Instant::now(),
        interrupted,
    }));
    connection.busy_handler(Some(try_again))
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
        let left = wait.limit.saturating_sub(wait.since.elapsed());
        if left.is_zero() || wait.interrupted.load(Ordering::Relaxed) {
            return false;
        }
        let tries = usize::try_from(tries).unwrap_or_default();
        let pause = PAUSES[tries.min(PAUSES.len() - 1)];
        thread::sleep(Duration::from_millis(pause).min(left));
        true
    })
}
