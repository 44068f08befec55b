//! Formatting of durations, times, counts and identifiers for the page.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Formats a duration in seconds and longer units.
pub(super) fn long(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// Formats the time since a moment.
pub(super) fn ago(moment: SystemTime) -> String {
    long(moment.elapsed().unwrap_or_default())
}

/// Formats a duration in milliseconds, or in seconds from 10 s.
pub(super) fn short(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 10_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.0} s", milliseconds / 1000.0)
    }
}

/// Formats the time of day in UTC.
pub(super) fn clock(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    let (hour, minute, second) = moment.to_hms();
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// Formats a moment as RFC 3339.
pub(super) fn moment(moment: SystemTime) -> String {
    let moment = OffsetDateTime::from(moment);
    moment.format(&Rfc3339).unwrap_or_default()
}

/// Formats a number with its noun: `1 revision`, `3 revisions`.
pub(super) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// Returns the SHA-256 digest of a text in Base64.
pub(super) fn digest(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

/// Returns a short digest of a text that needs no escaping in a query.
pub(super) fn version(text: &str) -> String {
    let digest = digest(text);
    let plain = digest.chars().filter(char::is_ascii_alphanumeric);
    plain.take(16).collect()
}

/// Returns the HTML `id` of a revision. Characters other than ASCII letters, digits, `-` and `_` become their code point.
pub(super) fn anchor(id: &str) -> String {
    let mut anchor = String::from("r-");
    for character in id.chars() {
        if character.is_ascii_alphanumeric() || character == '-' || character == '_' {
            anchor.push(character);
        } else {
            anchor += &format!(".{:x}.", u32::from(character));
        }
    }
    anchor
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{anchor, clock, count, long, moment, short};

    #[test]
    fn formats_durations_times_counts_and_anchors() {
        for (milliseconds, expected_long, expected_short) in [
            (0, "0 s", "0.0 ms"),
            (9, "0 s", "9.0 ms"),
            (1_234, "1 s", "1234 ms"),
            (59_999, "59 s", "60 s"),
            (61_000, "1 min 01 s", "61 s"),
            (3_660_000, "1 h 01 min", "3660 s"),
            (90_000_000, "1 d 1 h", "90000 s"),
        ] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(long(duration), expected_long);
            assert_eq!(short(duration), expected_short);
        }
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 + 3_723);
        assert_eq!(clock(time), "01:02:03");
        assert_eq!(moment(time), "1970-01-02T01:02:03Z");
        assert_eq!(count(1, "step"), "1 step");
        assert_eq!(count(0, "step"), "0 steps");
        assert_eq!(anchor("a1_B-2"), "r-a1_B-2");
        assert_eq!(anchor("a\"b<é"), "r-a.22.b.3c..e9.");
    }
}
