//! Percent-encoding, in the form that all drivers decode alike.

/// Decodes `%XX`. Returns `None` if the bytes are not UTF-8: SQLAlchemy can't pass them to a driver.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    String::from_utf8(percent_decode(text)).ok()
}

/// Decodes `%XX` and keeps a `%` that is not followed by two hexadecimal digits.
///
/// Python's `unquote`, SQLAlchemy and SQLite do the same. The bytes may be invalid UTF-8.
///
/// ```
/// assert_eq!(limbeck_url::percent_decode("p%40w 100%"), b"p@w 100%");
/// ```
pub fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                if let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low)) {
                    decoded.push(high * 16 + low);
                    rest = after;
                    continue;
                }
                decoded.push(first);
            }
            _ => decoded.push(first),
        }
        rest = tail;
    }
    decoded
}

/// Returns `true` if decoding would change the text.
pub(crate) fn is_encoded(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|three| matches!(three, [b'%', high, low] if hex_digit(*high).is_some() && hex_digit(*low).is_some()))
}

/// Returns `true` if a `%` is not followed by two hexadecimal digits.
pub(crate) fn has_stray_percent(text: &str) -> bool {
    text.match_indices('%').any(|(at, _)| {
        let pair = text.as_bytes().get(at + 1..at + 3);
        !pair.is_some_and(|pair| pair.iter().all(|&byte| hex_digit(byte).is_some()))
    })
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Appends `text` with each byte encoded, except letters, digits, `-._~` and the bytes in `kept`.
pub(crate) fn encode(into: &mut String, text: &str, kept: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.extend(DIGITS.get(usize::from(byte >> 4)));
            into.extend(DIGITS.get(usize::from(byte & 15)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, has_stray_percent, is_encoded};

    #[test]
    fn decodes_pairs_and_keeps_stray_percent_signs() {
        for (text, decoded) in [
            ("plain", Some("plain")),
            ("a%40b", Some("a@b")),
            ("%c3%A9", Some("\u{e9}")),
            ("100%", Some("100%")),
            ("%4", Some("%4")),
            ("%zz%2", Some("%zz%2")),
            ("%%41", Some("%A")),
            ("%ff", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }

    #[test]
    fn decoding_reverses_encoding() {
        let every: String = (1..=0x2000).filter_map(char::from_u32).collect();
        let mut encoded = String::new();
        encode(&mut encoded, &every, b"");
        assert!(encoded.is_ascii());
        assert_eq!(decode(&encoded), Some(every));
    }

    #[test]
    fn detects_encoded_pairs_and_stray_percent_signs() {
        assert!(is_encoded("a%41") && !is_encoded("a%4") && !is_encoded("%"));
        assert!(has_stray_percent("100%") && has_stray_percent("%4g") && !has_stray_percent("%41"));
    }
}
