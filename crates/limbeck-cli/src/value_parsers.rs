//! Parsers for values that options and `pyproject.toml` share.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// The longest time that an option accepts: some 136 years. A later moment can be more than an `Instant` can hold.
const LONGEST_DURATION: Duration = Duration::from_secs(u32::MAX as u64);

/// Parses a time with its unit (`500ms`, `60s`, `2m`), or a number of seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration > LONGEST_DURATION {
        let seconds = LONGEST_DURATION.as_secs();
        return Err(format!("expected at most {seconds} seconds"));
    }
    Ok(duration)
}

/// Parses `HOST:PORT`, `:PORT` or `PORT`; without a host, the address is the loopback address.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    if let Ok(port) = port {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.to_socket_addrs()
        .map_err(|error| format!("expected HOST:PORT or PORT ({error})"))?
        .next()
        .ok_or_else(|| "the host has no address".into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse_duration;

    #[test]
    fn rejects_durations_that_an_instant_can_not_hold() {
        assert_eq!(parse_duration("2m"), Ok(Duration::from_mins(2)));
        for text in [
            "4294967296s",
            "1000y",
            "18446744073709551615s",
            "99999999999999999999s",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
