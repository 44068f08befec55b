//! The wait for a database: the pauses between attempts, the notices, and the failures that a later attempt may not have.

use std::time::{Duration, Instant};

use limbeck::db::{ConnectError, ConnectErrorKind};
use limbeck::migrator::MigrateError;
use limbeck::run::RunError;

use super::{format_seconds, print_notice};

/// The pause after the first attempt. Each pause is half as long again as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The maximum pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The interval between two notices about the same reason.
const NOTICE_INTERVAL: Duration = Duration::from_secs(10);

/// The progress of a wait.
pub(crate) struct Waiting {
    start: Instant,
    limit: Duration,
    pause: Duration,
    /// The reason in the last notice, and the time of the notice.
    last_notice: Option<(String, Instant)>,
}

impl Waiting {
    /// Creates a wait that began at `start` and lasts for at most `limit`.
    pub(crate) fn new(start: Instant, limit: Duration) -> Self {
        Self {
            start,
            limit,
            pause: FIRST_PAUSE,
            last_notice: None,
        }
    }

    /// Returns the remaining time.
    pub(crate) fn remaining(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    /// Returns the pause before the next attempt, or `None` if no time remains. Prints a notice if the reason is new, and
    /// again at each interval.
    pub(crate) fn next_pause(&mut self, reason: &str) -> Option<Duration> {
        let remaining = self.remaining();
        if remaining.is_zero() {
            return None;
        }
        let is_known = self
            .last_notice
            .as_ref()
            .is_some_and(|(known, at)| known == reason && at.elapsed() < NOTICE_INTERVAL);
        if !is_known {
            let limit = format_seconds(remaining);
            print_notice(&format!("waiting up to {limit} more {reason}"));
            self.last_notice = Some((reason.to_owned(), Instant::now()));
        }
        let pause = self.pause.min(remaining);
        self.pause = (self.pause * 3 / 2).min(MAX_PAUSE);
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
    match error {
        MigrateError::Run(RunError::Failed(failure)) => match failure.connect {
            Some(ref connect) if connect.kind.is_transient() && !has_connected => {
                Ok(connect.clone())
            }
            _ => Err(MigrateError::Run(RunError::Failed(failure))),
        },
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{MAX_PAUSE, Waiting};

    #[test]
    fn pauses_grow_to_a_second_and_end_with_the_time_limit() {
        let mut waiting = Waiting::new(Instant::now(), Duration::from_secs(300));
        let pauses: Vec<Duration> = (0..20)
            .map(|_| waiting.next_pause("for a test").expect("time remains"))
            .collect();
        assert_eq!(pauses[0], Duration::from_millis(50));
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert_eq!(pauses.last(), Some(&MAX_PAUSE));
        assert_eq!(MAX_PAUSE, Duration::from_secs(1));
        let mut waiting = Waiting::new(Instant::now(), Duration::ZERO);
        assert_eq!(waiting.next_pause("for a test"), None);
    }
}
