//! Parser for `.env` files: `KEY=value`, quotes, comments, `${OTHER}` and `${OTHER:-default}`.

use std::fmt;

/// A variable of a `.env` file. `Debug` omits the value.
#[derive(Clone, PartialEq, Eq)]
pub struct EnvFileVariable {
    /// The variable's name.
    pub name: String,
    /// The value, without quotes and comments, with references expanded.
    pub value: String,
    /// The number of the variable's line, from 1.
    pub line: usize,
}

impl fmt::Debug for EnvFileVariable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("EnvFileVariable")
            .field("name", &self.name)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// Parses the variables of a `.env` file's text, in order.
///
/// `${NAME}` is a variable of the process, which `process_variable` looks up, or one that the file sets above. Lines that set no
/// variable are ignored, as all parsers of such files do.
pub fn env_file_variables(
    text: &str,
    process_variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<EnvFileVariable> {
    let mut variables: Vec<EnvFileVariable> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim();
        let is_name_character = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || !name.chars().all(is_name_character) {
            continue;
        }
        let look_up = |wanted: &str| {
            let earlier = variables
                .iter()
                .rev()
                .find(|variable| variable.name == wanted);
            process_variable(wanted).or_else(|| earlier.map(|variable| variable.value.clone()))
        };
        let value = parse_value(value.trim(), &look_up);
        variables.push(EnvFileVariable {
            name: name.to_owned(),
            value,
            line: number + 1,
        });
    }
    variables
}

fn parse_value(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> String {
    if let Some(inside) = text.strip_prefix('\'') {
        return inside.split('\'').next().unwrap_or_default().to_owned();
    }
    if let Some(inside) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut characters = inside.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => match characters.next() {
                    Some('n') => value.push('\n'),
                    Some('t') => value.push('\t'),
                    Some(other) => value.push(other),
                    None => {}
                },
                other => value.push(other),
            }
        }
        return expand(&value, look_up);
    }
    // A `#` starts a comment only after white space, because passwords contain `#`.
    let end = text
        .match_indices('#')
        .find(|(at, _)| text[..*at].ends_with(char::is_whitespace) || *at == 0)
        .map_or(text.len(), |(at, _)| at);
    expand(text[..end].trim_end(), look_up)
}

fn expand(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> String {
    let mut value = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        value.push_str(before);
        let Some((inside, behind)) = after.split_once('}') else {
            value.push_str("${");
            rest = after;
            continue;
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, default),
            None => (inside, ""),
        };
        let found = look_up(name).filter(|found| !found.is_empty());
        value.push_str(&found.unwrap_or_else(|| default.to_owned()));
        rest = behind;
    }
    value.push_str(rest);
    value
}

#[cfg(test)]
mod tests {
    use super::env_file_variables as parse;

    #[test]
    fn parses_quotes_comments_and_references() {
        let process = |name: &str| (name == "HOME").then(|| "/here".to_owned());
        for (line, value) in [
            ("A=b", "b"),
            ("export A = b ", "b"),
            ("A='a # ${HOME}'", "a # ${HOME}"),
            (r#"A="a \"b\" ${HOME}" # c"#, "a \"b\" /here"),
            ("A=p#w # comment", "p#w"),
            ("A=# nothing", ""),
            ("A=${HOME}/${NONE:-x}/${NONE}", "/here/x/"),
            ("A=${open", "${open"),
        ] {
            let parsed = parse(line, &process);
            assert_eq!(parsed.len(), 1, "{line}");
            assert_eq!(parsed[0].value, value, "{line}");
        }
        assert!(parse("# A=b\n\nnothing\n=x\nA B=c", &process).is_empty());
    }

    #[test]
    fn expands_references_to_earlier_lines() {
        let parsed = parse("U=app\nP=pw\n\nURL=postgresql://${U}:${P}@h/d", &|_| None);
        assert_eq!(parsed[2].value, "postgresql://app:pw@h/d");
        assert_eq!(parsed[2].line, 4);
    }
}
