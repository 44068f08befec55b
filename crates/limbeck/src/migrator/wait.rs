//! Waiting for a database that can't be reached yet.

use std::time::{Duration, Instant};

/// Pause after the first failed attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Maximum pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The time limit and the pauses of repeated attempts to reach a database.
#[derive(Debug, Clone)]
pub struct DatabaseWait {
    start: Instant,
    limit: Duration,
    pause: Duration,
}

impl DatabaseWait {
    /// Creates a wait that began at `start`.
    pub fn new(start: Instant, limit: Duration) -> Self {
        Self {
            start,
            limit,
            pause: FIRST_PAUSE,
        }
    }

    /// Returns the time that is left.
    pub fn remaining(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    /// Returns the pause before the next attempt, or `None` if the time is over. Pauses grow from call to call.
    pub fn next_pause(&mut self) -> Option<Duration> {
        let remaining = self.remaining();
        if remaining.is_zero() {
            return None;
        }
        let pause = self.pause.min(remaining);
        self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{DatabaseWait, LONGEST_PAUSE};

    #[test]
    fn pauses_grow_to_a_second_and_end_with_the_time_limit() {
        let mut wait = DatabaseWait::new(Instant::now(), Duration::from_secs(300));
        let pauses: Vec<Duration> = (0..20)
            .map(|_| wait.next_pause().expect("time remains"))
            .collect();
        assert_eq!(pauses[0], Duration::from_millis(50));
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
        assert_eq!(LONGEST_PAUSE, Duration::from_secs(1));
        let mut wait = DatabaseWait::new(Instant::now(), Duration::ZERO);
        assert_eq!(wait.next_pause(), None);
    }
}
