//! Parser and writer for libpq's `options`, a command line of the server: `-c search_path=app -c statement_timeout=5s`.

/// Parses the settings. Returns `None` if the command line contains anything else.
pub(super) fn parse(text: &str) -> Option<Vec<(String, String)>> {
    let mut settings = Vec::new();
    let mut words = split_words(text).into_iter();
    while let Some(word) = words.next() {
        let setting = if word == "-c" {
            words.next()?
        } else if let Some(setting) = word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            setting.to_owned()
        } else {
            return None;
        };
        let (name, value) = setting.split_once('=')?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Some(settings)
}

/// Returns `true` for the white space of C's `isspace`, at which the server splits.
fn is_space(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{b}'
}

/// Splits at white space. A backslash escapes the next character.
fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if is_space(character) {
            words.extend(word.take());
        } else {
            let literal = if character == '\\' {
                characters.next()
            } else {
                Some(character)
            };
            word.get_or_insert_default().extend(literal);
        }
    }
    words.extend(word);
    words
}

/// Writes settings as a value of `options`.
pub(crate) fn write<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut options = String::new();
    for (name, value) in settings {
        if !options.is_empty() {
            options.push(' ');
        }
        options.push_str("-c ");
        options.push_str(name);
        options.push('=');
        for character in value.chars() {
            if is_space(character) || character == '\\' {
                options.push('\\');
            }
            options.push(character);
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::{parse, write};

    #[test]
    fn parses_settings_in_all_forms() {
        for (text, settings) in [
            ("", Some(vec![])),
            ("-c a=b", Some(vec![("a", "b")])),
            ("-c\u{b}a=b\\\u{b}c", Some(vec![("a", "b\u{b}c")])),
            ("-ca=b  --c-d=e f", None),
            ("-ca=b  --c-d=e", Some(vec![("a", "b"), ("c_d", "e")])),
            (
                r"-c search_path=a,\ b -c x=\\",
                Some(vec![("search_path", "a, b"), ("x", r"\")]),
            ),
            ("-c a", None),
            ("-c", None),
            ("-F", None),
        ] {
            let parsed = parse(text);
            let parsed: Option<Vec<_>> = parsed.as_ref().map(|pairs| {
                pairs
                    .iter()
                    .map(|(name, value)| (&**name, &**value))
                    .collect()
            });
            assert_eq!(parsed, settings, "{text}");
        }
    }

    #[test]
    fn parses_what_it_writes() {
        let settings = [("search_path", r#"a, "b c" \d"#), ("x", "")];
        let parsed = parse(&write(settings)).unwrap();
        let parsed: Vec<_> = parsed
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(parsed, settings);
    }
}
