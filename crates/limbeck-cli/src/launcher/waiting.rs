//! Waiting for a database that may come: how long, what is told meanwhile, and which failures may pass.

use std::time::{Duration, Instant};

use limbeck::db::{ConnectError, ConnectErrorKind};
use limbeck::migrator::MigrateError;
use limbeck::run::RunError;

use super::{seconds, tell};

/// How long between two tries, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// After this long the same reason is told again.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// How a wait goes on.
pub(crate) struct Waiting {
    start: Instant,
    limit: Duration,
    pause: Duration,
    told: Option<(String, Instant)>,
}

impl Waiting {
    pub(crate) fn new(start: Instant, limit: Duration) -> Self {
        Self {
            start,
            limit,
            pause: PAUSES.0,
            told: None,
        }
    }

    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    /// Tells what is waited for, once and now and then; how long until the next try, none when there is none.
    pub(crate) fn pause(&mut self, reason: &str) -> Option<Duration> {
        let left = self.left();
        if left.is_zero() {
            return None;
        }
        let known = self
            .told
            .as_ref()
            .is_some_and(|(told, at)| told == reason && at.elapsed() < TELL_AGAIN);
        if !known {
            tell(&format!(
                "waiting, at most {} more: {reason}",
                seconds(left)
            ));
            self.told = Some((reason.to_owned(), Instant::now()));
        }
        let pause = self.pause.min(left);
        self.pause = (self.pause * 3 / 2).min(PAUSES.1);
        Some(pause)
    }
}

pub(crate) fn too_slow() -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Timeout,
        message: "the database did not answer in time".into(),
        hint: None,
    }
}

/// The failure to connect that a run ended with, when waiting may help; the error itself otherwise.
pub(crate) fn connect_error(
    error: MigrateError,
    reached: bool,
) -> Result<ConnectError, MigrateError> {
    match error {
        MigrateError::Run(RunError::Failed(failure)) => match failure.connect {
            Some(ref connect) if connect.kind.is_transient() && !reached => Ok(connect.clone()),
            _ => Err(MigrateError::Run(RunError::Failed(failure))),
        },
        error => Err(error),
    }
}
