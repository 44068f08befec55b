//! Random secrets, their encodings, and the search for them in outputs.

use proptest::prelude::*;
use proptest::sample::select;

/// Special characters of passwords and of the grammar of URLs. Not `(`: an error names the missing name in `%(name)s`.
const SPECIAL: [&str; 20] = [
    "@", ":", "/", "?", "#", "%", "+", " ", "'", "\"", "\\", "&", "=", "$", ";", "`", ",", "@@",
    "://", "%2",
];

/// The number of consecutive characters or bytes of a secret that no output may contain.
const PIECE: usize = 6;

/// A secret of at least twelve characters: its pieces don't occur by chance.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    bytes: Vec<u8>,
    pieces: Vec<Vec<u8>>,
}

/// The encoding of a secret in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Not encoded.
    Raw,
    /// Percent-encoded where URLs require it.
    Escaped,
    /// Form-encoded: a blank is a `+`.
    Form,
    /// Every byte as `%XX`.
    Upper,
    /// Every byte as `%xx`.
    Lower,
}

pub(crate) fn writings() -> impl Strategy<Value = Writing> {
    select(&[
        Writing::Raw,
        Writing::Escaped,
        Writing::Form,
        Writing::Upper,
        Writing::Lower,
    ])
}

/// Returns a strategy of words with special characters, letters of many scripts, and random bytes.
pub(crate) fn secrets() -> impl Strategy<Value = Secret> {
    let word = "[A-Za-z0-9]{12}";
    let words = (
        word,
        proptest::collection::vec((select(&SPECIAL), word), 0..3),
    )
        .prop_map(|(first, more)| {
            let mut text = first.clone();
            let mut pieces = vec![first.into_bytes()];
            for (sign, word) in more {
                text.push_str(sign);
                text.push_str(&word);
                pieces.push(word.into_bytes());
            }
            Secret {
                bytes: text.into_bytes(),
                pieces,
            }
        });
    let letters = "[à-öø-ÿα-ωа-яぁ-ん一-龥😀-🙏]{12,18}".prop_map(|text| {
        let letters: Vec<char> = text.chars().collect();
        let piece = |piece: &[char]| piece.iter().collect::<String>().into_bytes();
        Secret {
            pieces: letters.chunks_exact(PIECE).map(piece).collect(),
            bytes: text.into_bytes(),
        }
    });
    let bytes = proptest::collection::vec(any::<u8>(), 12..18).prop_map(|bytes| Secret {
        pieces: bytes.chunks_exact(PIECE).map(<[u8]>::to_vec).collect(),
        bytes,
    });
    prop_oneof![4 => words, 1 => letters, 1 => bytes]
}

impl Secret {
    /// Returns the secret if it is a text without control characters, which variables and files can hold.
    pub(crate) fn clear(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        (!text.contains(char::is_control)).then_some(text)
    }

    pub(crate) fn written(&self, writing: Writing) -> String {
        let escaped = |byte: u8| format!("%{byte:02X}");
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let each = |one: &dyn Fn(u8) -> String| self.bytes.iter().map(|byte| one(*byte)).collect();
        match (writing, self.clear()) {
            (Writing::Raw, Some(text)) => text.to_owned(),
            (Writing::Escaped | Writing::Raw, _) => each(&|byte| {
                if keep(byte) {
                    char::from(byte).into()
                } else {
                    escaped(byte)
                }
            }),
            (Writing::Form, _) => each(&|byte| match byte {
                b' ' => "+".into(),
                byte if keep(byte) => char::from(byte).into(),
                byte => escaped(byte),
            }),
            (Writing::Upper, _) => each(&escaped),
            (Writing::Lower, _) => each(&|byte| format!("%{byte:02x}")),
        }
    }

    /// Returns a piece of the secret that the output contains, in any encoding.
    pub(crate) fn piece_in(&self, shown: &[u8]) -> Option<String> {
        let once = percent_decode(shown);
        let single = String::from_utf8_lossy(shown).replace("%%", "%");
        let readings = [
            percent_decode(&once),
            once,
            percent_decode(single.as_bytes()),
            unescape(shown),
            shown.to_vec(),
        ];
        let is_in = |text: &[u8], piece: &[u8]| text.windows(piece.len()).any(|part| part == piece);
        let lossy = String::from_utf8_lossy(&self.bytes)
            .into_owned()
            .into_bytes();
        let found = self
            .pieces
            .iter()
            .chain([&lossy])
            .find(|piece| readings.iter().any(|text| is_in(text, piece)));
        found.map(|piece| String::from_utf8_lossy(piece).into_owned())
    }
}

/// Decodes `%XX`. Independent of limbeck's own decoder, which is under test.
fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let code = text
            .get(at + 1..at + 3)
            .filter(|code| byte == b'%' && code.iter().all(u8::is_ascii_hexdigit))
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Decodes `\uXXXX` with JSON's surrogate pairs, and the escapes of Rust and Python.
fn unescape(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let mut units: Vec<u16> = Vec::new();
    let mut rest = &*text;
    while let Some(next) = rest.chars().next() {
        let digits = |start: usize, length: usize| {
            let digits = rest.get(start..start + length)?;
            u32::from_str_radix(digits, 16).ok()
        };
        let (code, length) = match rest.as_bytes() {
            [b'\\', b'u', b'{', ..] => {
                let end = rest.find('}').unwrap_or_default();
                (digits(3, end.saturating_sub(3)), end + 1)
            }
            [b'\\', b'u', ..] => (digits(2, 4), 6),
            [b'\\', b'U', ..] => (digits(2, 8), 10),
            [b'\\', b'x', ..] => (digits(2, 2), 4),
            _ => (None, 0),
        };
        match code.map(|code| (code, u16::try_from(code), char::from_u32(code))) {
            Some((_, Ok(unit), _)) => units.push(unit),
            Some((_, _, Some(character))) => {
                units.extend(character.encode_utf16(&mut [0; 2]).iter());
            }
            _ => {
                units.extend(next.encode_utf16(&mut [0; 2]).iter());
                rest = &rest[next.len_utf8()..];
                continue;
            }
        }
        rest = &rest[length..];
    }
    String::from_utf16_lossy(&units).into_bytes()
}

#[test]
fn finds_a_secret_in_each_encoding() {
    let secret = Secret {
        bytes: "häßlich 😀".into(),
        pieces: vec!["häßlich 😀".into()],
    };
    for writing in [
        Writing::Raw,
        Writing::Escaped,
        Writing::Upper,
        Writing::Lower,
    ] {
        let written = secret.written(writing);
        for shown in [
            format!("x {written} y"),
            format!("x {} y", written.replace('%', "%%")),
            format!("x {} y", written.replace('%', "%25")),
        ] {
            assert!(secret.piece_in(shown.as_bytes()).is_some(), "{shown}");
        }
    }
    for shown in [
        r"h\u00e4\u00dflich \ud83d\ude00",
        r"h\xe4\xdflich \U0001f600",
        r"h\u{e4}\u{df}lich \u{1f600}",
    ] {
        assert!(secret.piece_in(shown.as_bytes()).is_some(), "{shown}");
    }
    assert!(secret.piece_in(b"nothing %4").is_none());
}
