//! Secrets that a program has met, taken out of texts in which nothing tells them from other words.

use super::find::{Extent, secrets};
use super::{MASK, is_secret_name, mask};
use crate::percent;

/// Shorter ones are words that stand in texts for other reasons.
const SHORTEST: usize = 8;

/// What ends a password for one reader or another, so that a message may have a part of it.
const DELIMITERS: [char; 12] = ['@', ':', '/', '?', '#', '&', '=', '%', ' ', '\'', '"', '\\'];

/// Secrets, to be found wherever they are quoted without the URL around them: `invalid literal for int() with base
/// 10: 'hunter2.'`. `Debug` shows their number.
#[derive(Clone, Default)]
pub struct KnownSecrets {
    secrets: Vec<String>,
}

impl std::fmt::Debug for KnownSecrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "KnownSecrets({})", self.secrets.len())
    }
}

impl KnownSecrets {
    /// Remembers the secrets of a value: of the URL that it is, or itself, where its name says so.
    pub fn learn_value(&mut self, name: &str, value: &str) {
        if is_secret_name(name) {
            self.add(value);
        }
        for secret in secrets(value, Extent::Whole) {
            self.add(&value[secret]);
        }
    }

    /// Remembers the secrets of a file with a value in each line.
    pub fn learn_lines(&mut self, text: &str) {
        for line in text.lines() {
            let (name, value) = line.split_once(['=', ':']).unwrap_or_default();
            self.learn_value("", line);
            if is_secret_name(name.trim().trim_start_matches("export ")) {
                let quotes: &[char] = &['\'', '"', ' ', '\t'];
                self.add(value.trim_matches(quotes));
            }
        }
    }

    /// The text with `***` for what is known, and for what [`mask`] finds.
    pub fn mask(&self, text: &str) -> String {
        // By its form first, which says more than the three stars alone.
        let mut masked = mask(text).into_owned();
        for secret in &self.secrets {
            if masked.contains(secret) {
                masked = masked.replace(secret, MASK);
            }
        }
        masked
    }

    fn add(&mut self, secret: &str) {
        let single = secret.replace("%%", "%");
        let decoded = [secret, &single].map(|text| {
            let bytes = percent::percent_decode(text);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let plus = decoded[0].replace('+', " ");
        for text in [secret, &single, &decoded[0], &decoded[1], &plus] {
            self.add_form(text);
            // As it is written, a piece has its `%XX`; decoded, a stray `%` may have ended it.
            let written = text.split(|c| c != '%' && DELIMITERS.contains(&c));
            for piece in text.split(DELIMITERS).chain(written) {
                self.add_form(piece);
            }
        }
        // The longest first, or a part would be masked and the rest be seen.
        self.secrets
            .sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        self.secrets.dedup();
    }

    /// A text, as Python and Rust quote it and as URLs have it.
    fn add_form(&mut self, text: &str) {
        let is_word = text.chars().all(|c| c.is_ascii_lowercase());
        if text.chars().count() < SHORTEST || is_word {
            return;
        }
        let mut encoded = [String::new(), String::new()];
        percent::encode(&mut encoded[0], text, b"");
        percent::encode(&mut encoded[1], text, b" +");
        let quoted = text.replace('\\', "\\\\");
        let forms = [
            text.to_owned(),
            text.escape_default().to_string(),
            text.escape_debug().to_string(),
            quoted.replace('\'', "\\'"),
            quoted.replace('"', "\\\""),
            quoted,
        ];
        for form in forms.into_iter().chain(encoded) {
            if !self.secrets.contains(&form) {
                self.secrets.push(form);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KnownSecrets;

    #[test]
    fn what_is_known_is_masked_without_its_url() {
        let mut known = KnownSecrets::default();
        known.learn_value("", "postgresql://u:Gehe1mes/Wort%40x@h/d");
        known.learn_value("", "postgresql://u:%47%65%68/d");
        known.learn_value("PGPASSWORD", "noch eines");
        known.learn_value("PWD", "/a/long/path");
        known.learn_value("", "postgresql://postgres:postgres@h/d");
        known.learn_lines(
            "[alembic]\nsqlalchemy.url = mysql://u:Dr1ttes%%21@h/d\nDB_PASSWORD='V1ertes!'\n",
        );
        let check = |text: &str, expected: &str| assert_eq!(known.mask(text), expected);
        check("base 10: 'Gehe1mes'", "base 10: '***'");
        check("Gehe1mes/Wort@x", "***");
        check("base 10: '%47%65%68'", "base 10: '***'");
        check("it is noch eines!", "it is ***!");
        check("it is Dr1ttes! and V1ertes!", "it is *** and ***");
        check(
            "p://u:noch@h is at /a/long/path",
            "p://u:***@h is at /a/long/path",
        );
        check("role postgres", "role postgres");
        assert!(!format!("{known:?}").contains("Wort"));
    }
}
