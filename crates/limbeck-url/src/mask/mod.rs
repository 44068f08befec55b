//! Takes the passwords out of a text that may quote URLs: an exception's message, a traceback, a source line.

mod find;
mod known;

use std::borrow::Cow;
use std::ops::Range;

pub use known::KnownSecrets;

/// What stands in place of a password.
const MASK: &str = "***";

/// Whether a parameter, a variable or an option of this name has a secret for its value.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The name of a file is none: `POSTGRES_PASSWORD_FILE`.
    if name.ends_with("file") {
        return false;
    }
    ["passw", "passphrase", "secret", "token"]
        .iter()
        .any(|part| name.contains(part))
        || ["_pwd", "_pass", "api_key", "apikey", "access_key"]
            .iter()
            .any(|end| name.ends_with(end))
        || matches!(&*name, "pass" | "pw" | "key" | "hexkey")
}

/// The text with `***` for the password of every URL in it, and of every string for libpq.
///
/// A password ends at the last `@` before the next blank: one that holds `@`, `/` or quotes unescaped is
/// masked whole, and sometimes a little more than the password is.
///
/// ```
/// let text = "could not connect to postgresql://u:p%40ss@h/db?sslpassword=key";
/// assert_eq!(limbeck_url::mask(text), "could not connect to postgresql://u:***@h/db?sslpassword=***");
/// ```
pub fn mask(text: &str) -> Cow<'_, str> {
    without(text, &find::secrets(text, find::Extent::Words))
}

/// The same for a text that is one value, as an argument or a variable's: what follows a URL's beginning is all
/// the URL's, blanks too.
///
/// ```
/// assert_eq!(limbeck_url::mask_value("url=postgresql://u:two words@a b@h/d"), "url=postgresql://u:***@h/d");
/// ```
pub fn mask_value(text: &str) -> Cow<'_, str> {
    without(text, &find::secrets(text, find::Extent::Whole))
}

/// A parameter's value, as far as it may be seen.
pub(crate) fn shown<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if is_secret_name(name) {
        Cow::Borrowed(MASK)
    } else {
        mask_value(value)
    }
}

fn without<'a>(text: &'a str, secrets: &[Range<usize>]) -> Cow<'a, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::new();
    let mut done = 0;
    for secret in secrets {
        masked.push_str(&text[done..secret.start]);
        masked.push_str(MASK);
        done = secret.end;
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::{is_secret_name, mask, mask_value};

    #[test]
    fn passwords_are_taken_out() {
        let check = |text: &str, expected: &str| assert_eq!(mask(text), expected);
        check("nothing here", "nothing here");
        check(
            "see https://example.org/a for more",
            "see https://example.org/a for more",
        );
        check("http://h:80/path", "http://h:80/path");
        check("postgresql://u@h/d", "postgresql://u@h/d");
        check("postgresql://u:@h/d", "postgresql://u:@h/d");
        check(
            "invalid interpolation syntax in 'postgresql+asyncpg://u:p%40s@h/d' at position 25",
            "invalid interpolation syntax in 'postgresql+asyncpg://u:***@h/d' at position 25",
        );
        check("x://u:a@b/c:d@h/d y", "x://u:***@h/d y");
        check(
            "url = \"mysql://u:it's@h/d\"",
            "url = \"mysql://u:***@h/d\"",
        );
        check(
            "postgresql://u:two words@h/d is bad",
            "postgresql://u:***@h/d is bad",
        );
        check(
            "a://u:one@h b://u:two@h\nc://u:three@h",
            "a://u:***@h b://u:***@h\nc://u:***@h",
        );
        check("p://h/d?a=b&password=x&c=d", "p://h/d?a=b&password=***&c=d");
        check("p://u:é@h/ü", "p://u:***@h/ü");
    }

    #[test]
    fn what_is_hardly_a_url_is_masked() {
        let check = |text: &str, expected: &str| assert_eq!(mask(text), expected);
        check("at postgresql://u:secret", "at postgresql://u:***");
        check("at postgresql://u:secret/d", "at postgresql://u:***");
        check("at postgresql://h:5432/d", "at postgresql://h:5432/d");
        check(
            "at postgresql://h:5432, then",
            "at postgresql://h:5432, then",
        );
        check(
            "at postgresql://[::1]:5432/d",
            "at postgresql://[::1]:5432/d",
        );
        check("at sqlite:///C:/a.db", "at sqlite:///C:/a.db");
        check("at postgresql:/u:p@h/d", "at postgresql:/u:***@h/d");
        check(
            "at postgresql+asyncpg:u:p@h/d",
            "at postgresql+asyncpg:u:***@h/d",
        );
        check("at postgresql//u:p@h/d", "at postgresql//u:***@h/d");
        check("postgresql: see a@b", "postgresql: see a@b");
        check("p://u@h/d?password=a@b", "p://u@h/d?password=***");
        check("p://h/d?password=a&b&c=d", "p://h/d?password=***&c=d");
        check("p://u:a?b@h/d?Password=c", "p://u:***@h/d?Password=***");
        check(
            "p://h/d?api_token=c&sslkey=/k",
            "p://h/d?api_token=***&sslkey=/k",
        );
    }

    #[test]
    fn strings_for_libpq_are_masked() {
        let check = |text: &str, expected: &str| assert_eq!(mask(text), expected);
        check(
            "no host=h password=p user=u",
            "no host=h password=*** user=u",
        );
        check("no host=h password='a b', so", "no host=h password=***, so");
        check(r"no host=h password='a\'b' x", "no host=h password=*** x");
        check("no host=h password='a b", "no host=h password=***");
        check(
            "no host=h password=a b port=1",
            "no host=h password=*** port=1",
        );
        // A call in a script is none.
        for text in [
            "connect(host=h, user=u, password=p)",
            "connect(password=p)",
            "ALTER USER u PASSWORD 'p'",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn a_value_is_all_the_urls() {
        let check = |text: &str, expected: &str| assert_eq!(mask_value(text), expected);
        check("postgresql://u:a@b c@h/d", "postgresql://u:***@h/d");
        check("p://u@h/d?password=a b", "p://u@h/d?password=***");
        check("dbpassword=a b", "dbpassword=***");
        check("host=h password=a b", "host=h password=***");
        check("--sql=password=a b", "--sql=password=***");
        check("tenant=a", "tenant=a");
        check("head", "head");
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "PGPASSWORD",
            "ssl_key_password",
            "MYSQL_PWD",
            "DB_PASS",
            "api_token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PWD",
            "OLDPWD",
            "passfile",
            "POSTGRES_PASSWORD_FILE",
            "sslkey",
            "keepalives",
            "user",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
