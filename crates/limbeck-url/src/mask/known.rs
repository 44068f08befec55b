//! Masking of secrets that the program knows, wherever a text quotes them.

use super::find::{UrlExtent, find_secrets};
use super::{MASK, is_secret_name, mask};
use crate::percent;

/// The minimum length of a known secret. Shorter texts also occur as ordinary words.
const MINIMUM_LENGTH: usize = 8;

/// The characters that end a password for some reader of URLs, so that its message may quote a part of the password.
const DELIMITERS: [char; 12] = ['@', ':', '/', '?', '#', '&', '=', '%', ' ', '\'', '"', '\\'];

/// A set of secrets to mask in texts that quote them without their URL.
///
/// [`mask`] recognizes a password by the URL around it. A message such as
/// `invalid literal for int() with base 10: 'hunter2.'` contains no URL. `Debug` shows the number of secrets only.
///
/// ```
/// let mut known = limbeck_url::KnownSecrets::default();
/// known.learn_value("DATABASE_URL", "postgresql://app:correct-horse@db/shop");
/// assert_eq!(known.mask("bad value 'correct-horse'"), "bad value '***'");
/// ```
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
    /// Adds the secrets of a variable or option: its value, if the name is a secret's, and the passwords in the value.
    pub fn learn_value(&mut self, name: &str, value: &str) {
        if is_secret_name(name) {
            self.add(value);
        }
        for secret in find_secrets(value, UrlExtent::WholeText) {
            self.add(&value[secret]);
        }
    }

    /// Adds the secrets of a file with one value per line, such as an ini or `.env` file. A value is also a secret if a
    /// password refers to it: `app:%(db)s@host`, `app:${DB}@host`.
    pub fn learn_lines(&mut self, text: &str) {
        let references: Vec<String> = text
            .lines()
            .flat_map(|line| {
                let secrets = find_secrets(line, UrlExtent::WholeText);
                secrets
                    .into_iter()
                    .flat_map(|secret| references(&line[secret]))
            })
            .collect();
        for line in text.lines() {
            let (name, value) = line.split_once(['=', ':']).unwrap_or_default();
            self.learn_value("", line);
            let name = name.trim().trim_start_matches("export ");
            if is_secret_name(name) || references.contains(&name.to_lowercase()) {
                let quotes: &[char] = &['\'', '"', ' ', '\t'];
                self.add(value.trim_matches(quotes));
            }
        }
    }

    /// Replaces the known secrets, and those that [`mask`] finds, with `***`.
    pub fn mask(&self, text: &str) -> String {
        // First by form, which keeps more of a URL readable.
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
            // A message may quote a piece with its `%XX`, or a piece that ends at a stray `%`.
            let encoded_pieces = text.split(|c| c != '%' && DELIMITERS.contains(&c));
            for piece in text.split(DELIMITERS).chain(encoded_pieces) {
                self.add_form(piece);
            }
        }
        // Longest first: masking a part of a secret would leave the rest visible.
        self.secrets
            .sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        self.secrets.dedup();
    }

    /// Adds the forms of a text: plain, quoted by Python or Rust, and percent-encoded.
    fn add_form(&mut self, text: &str) {
        let is_word = text.chars().all(|c| c.is_ascii_lowercase());
        if text.chars().count() < MINIMUM_LENGTH || is_word {
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

/// Returns the names in a secret's `%(name)s` and `${name}`, in lower case: names in an ini have no case.
fn references(secret: &str) -> Vec<String> {
    let names = |start: &str, end: char| {
        secret
            .split(start)
            .skip(1)
            .filter_map(move |after| {
                let (name, _) = after.split_once(end)?;
                Some(name.to_lowercase())
            })
            .collect::<Vec<_>>()
    };
    [names("%(", ')'), names("${", '}')].concat()
}

#[cfg(test)]
mod tests {
    use super::KnownSecrets;

    #[test]
    fn masks_known_secrets_without_their_url() {
        let mut known = KnownSecrets::default();
        known.learn_value("", "postgresql://u:Gehe1mes/Wort%40x@h/d");
        known.learn_value("", "postgresql://u:%47%65%68/d");
        known.learn_value("PGPASSWORD", "noch eines");
        known.learn_value("PWD", "/a/long/path");
        known.learn_value("", "postgresql://postgres:postgres@h/d");
        known.learn_lines(
            "[alembic]\nsqlalchemy.url = mysql://u:Dr1ttes%%21@h/d\nDB_PASSWORD='V1ertes!'\n",
        );
        known.learn_lines(
            "[DEFAULT]\nDB = F\u{fc}nft3s@h2/x\n[alembic]\nsqlalchemy.url = mysql://u:%(db)s@h/d\n",
        );
        known.learn_value(
            "",
            "postgresql://u@h/d?password=S3chst&ZufA1l=Sieb3ntes&sslmode=require",
        );
        let check = |text: &str, expected: &str| assert_eq!(known.mask(text), expected);
        check("the host F\u{fc}nft3s@h2/x", "the host ***");
        check(
            "parameter ZufA1l: Sieb3ntes, sslmode=require",
            "parameter ZufA1l: ***, sslmode=require",
        );
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
