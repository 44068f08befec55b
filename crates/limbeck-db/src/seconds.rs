//! Numbers of seconds in connection parameters.

use std::time::Duration;

/// Parses a number of seconds. A number below zero gives zero, as each driver treats both alike.
///
/// # Errors
/// Returns the reason if the text is not a finite number, or is one that no [`Duration`] can hold.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a number of seconds"))?;
    if !seconds.is_finite() {
        return Err(format!("`{text}` is not a finite number of seconds"));
    }
    Duration::try_from_secs_f64(seconds.max(0.0))
        .map_err(|_| format!("`{text}` seconds is more than a timeout can hold"))
}
