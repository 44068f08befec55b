//! Masking of secrets in texts that may quote URLs, such as error messages, tracebacks and source lines.

mod find;
mod known;

use std::borrow::Cow;
use std::ops::Range;

pub use known::KnownSecrets;

/// The replacement for a secret.
const MASK: &str = "***";

/// Returns `true` if the value of a parameter, variable or option with this name is a secret.
///
/// ```
/// use limbeck_url::is_secret_name;
///
/// assert!(is_secret_name("PGPASSWORD") && is_secret_name("api_token"));
/// assert!(!is_secret_name("user") && !is_secret_name("POSTGRES_PASSWORD_FILE"));
/// ```
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The path of a file is not a secret: `POSTGRES_PASSWORD_FILE`.
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

/// Replaces the passwords in a text with `***`, in URLs and in libpq's connection strings.
///
/// A password extends to the last `@` before the next white space. A password with an unescaped `@`, `/` or quote is
/// masked completely; sometimes a little more than the password is masked.
///
/// ```
/// let text = "could not connect to postgresql://u:p%40ss@h/db?sslpassword=key";
/// assert_eq!(limbeck_url::mask(text), "could not connect to postgresql://u:***@h/db?sslpassword=***");
/// ```
pub fn mask(text: &str) -> Cow<'_, str> {
    replace_ranges(text, &find::find_secrets(text, find::UrlExtent::Word))
}

/// Replaces the passwords in a single value, such as an argument or a variable, with `***`.
///
/// Unlike [`mask`], the function assumes that a URL extends to the end of the text, including white space.
///
/// ```
/// assert_eq!(limbeck_url::mask_value("url=postgresql://u:two words@a b@h/d"), "url=postgresql://u:***@h/d");
/// ```
pub fn mask_value(text: &str) -> Cow<'_, str> {
    replace_ranges(text, &find::find_secrets(text, find::UrlExtent::WholeText))
}

/// Returns a parameter's value, masked if its name or its form shows that it contains a secret.
pub(crate) fn mask_parameter<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if is_secret_name(name) {
        Cow::Borrowed(MASK)
    } else {
        mask_value(value)
    }
}

/// Replaces sorted, disjoint ranges of a text with the mask.
fn replace_ranges<'a>(text: &'a str, secrets: &[Range<usize>]) -> Cow<'a, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::new();
    let mut copied = 0;
    for secret in secrets {
        masked.push_str(&text[copied..secret.start]);
        masked.push_str(MASK);
        copied = secret.end;
    }
    masked.push_str(&text[copied..]);
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::{is_secret_name, mask, mask_value};

    #[test]
    fn masks_passwords_of_urls() {
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
    fn masks_passwords_of_malformed_urls() {
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
    fn masks_passwords_of_libpq_strings() {
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
        // Calls and statements in a script are not connection strings.
        for text in [
            "connect(host=h, user=u, password=p)",
            "connect(password=p)",
            "ALTER USER u PASSWORD 'p'",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn masks_a_value_to_its_end() {
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
    fn recognizes_names_of_secrets() {
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
