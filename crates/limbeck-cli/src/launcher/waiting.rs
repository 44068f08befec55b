//! The wait for a database: the pauses between attempts, the notices, and the failures that a later attempt may not have.

use std::time::{Duration, Instant};

use limbeck::MigrateError;
use limbeck::db::{ConnectError, ConnectErrorKind};
use limbeck::migrator::DatabaseWait;

use super::{format_seconds, print_notice};

/// The interval between two notices about the same reason.
const NOTICE_INTERVAL: Duration = Duration::from_secs(10);

/// The progress of a wait.
pub(crate) struct Waiting {
    wait: DatabaseWait,
    /// The reason in the last notice, and the time of the notice.
    last_notice: Option<(String, Instant)>,
}

impl Waiting {
    /// Creates a wait that began at `start` and lasts for at most `limit`.
    pub(crate) fn new(start: Instant, limit: Duration) -> Self {
        Self {
            wait: DatabaseWait::new(start, limit),
            last_notice: None,
        }
    }

    /// Returns the remaining time.
    pub(crate) fn remaining(&self) -> Duration {
        self.wait.remaining()
    }

    /// Returns the pause before the next attempt, or `None` if no time remains. Prints a notice if the reason is new, and
    /// again at each interval.
    pub(crate) fn next_pause(&mut self, reason: &str) -> Option<Duration> {
        let pause = self.wait.next_pause()?;
        let is_known = self
            .last_notice
            .as_ref()
            .is_some_and(|(known, at)| known == reason && at.elapsed() < NOTICE_INTERVAL);
        if !is_known {
            let limit = format_seconds(self.remaining());
            print_notice(&format!("waiting up to {limit} more {reason}"));
            self.last_notice = Some((reason.to_owned(), Instant::now()));
        }
        Some(pause)
    }
}

/// Returns the error of an attempt that got no answer in its time.
pub(crate) fn no_answer() -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Timeout,
        message: "the database did not answer in time".into(),
        hint: None,
    }
}

/// Returns the connection failure of a run if a later attempt may succeed, else the run's error.
///
/// `has_connected` is whether the run had already reached the database.
pub(crate) fn retryable_failure(
    error: MigrateError,
    has_connected: bool,
) -> Result<ConnectError, MigrateError> {
    match error.transient_connect_error() {
        Some(connect) if !has_connected => Ok(connect.clone()),
        _ => Err(error),
    }
}
