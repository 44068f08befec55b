//! Takes the passwords out of a text that may quote URLs: an exception's message, a traceback, a source line.

use std::borrow::Cow;

/// What stands in place of a password.
const MASK: &str = "***";

/// Schemes whose passwords may hold blanks, because they are database URLs that people wrote by hand.
const DATABASES: [&str; 6] = ["postgres", "mysql", "mariadb", "oracle", "mssql", "sqlite"];

/// Parameters of a URL whose values are secret.
const SECRET_PARAMETERS: [&str; 4] = ["password", "passwd", "sslpassword", "ssl_key_password"];

/// The text with `***` for the password of every URL in it.
///
/// A password ends at the last `@` before the next blank: one that holds `@`, `/` or quotes unescaped is
/// masked whole, and sometimes a little more than the password is.
///
/// ```
/// let text = "could not connect to postgresql://u:p%40ss@h/db?sslpassword=key";
/// assert_eq!(limbeck_url::mask(text), "could not connect to postgresql://u:***@h/db?sslpassword=***");
/// ```
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut done = 0;
    while let Some(found) = text[done..].find("://") {
        let start = done + found + "://".len();
        masked.push_str(&text[done..start]);
        let end = end_of_url(text, start);
        masked.push_str(&without_parameters(&without_password(&text[start..end])));
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

/// Where the URL whose authority begins at `start` ends.
fn end_of_url(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let blank = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let scheme = text[..start - "://".len()]
        .rsplit(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '-' | '.'))
        .next()
        .unwrap_or_default();
    let cut = rest[..blank].contains(':') && !rest[..blank].contains('@');
    if cut
        && DATABASES
            .iter()
            .any(|database| scheme.starts_with(database))
    {
        let line = rest.find('\n').unwrap_or(rest.len());
        if let Some(at) = rest[..line].rfind('@') {
            let after = rest[at..].find(char::is_whitespace);
            return start + after.map_or(rest.len(), |after| at + after);
        }
    }
    start + blank
}

fn without_password(url: &str) -> Cow<'_, str> {
    let Some((credentials, rest)) = url.rsplit_once('@') else {
        return Cow::Borrowed(url);
    };
    match credentials.split_once(':') {
        Some((user, password)) if !password.is_empty() => {
            Cow::Owned(format!("{user}:{MASK}@{rest}"))
        }
        _ => Cow::Borrowed(url),
    }
}

fn without_parameters(url: &str) -> Cow<'_, str> {
    let Some((address, query)) = url.split_once('?') else {
        return Cow::Borrowed(url);
    };
    let parameters = query.split('&').map(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        if SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) {
            format!("{name}={MASK}")
        } else {
            parameter.to_owned()
        }
    });
    let query = parameters.collect::<Vec<_>>().join("&");
    Cow::Owned(format!("{address}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::mask;

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
}
