//! The usual form of `.env` files: `KEY=value`, quotes, comments, `${OTHER}` and `${OTHER:-default}`.

/// A variable and the line that sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) line: usize,
}

/// The variables of a file's text. `outside` has those of the process, which a `${NAME}` may mean too. Lines
/// that set nothing are passed over, as every reader of such files does.
pub(crate) fn parse(text: &str, outside: &dyn Fn(&str) -> Option<String>) -> Vec<Variable> {
    let mut variables: Vec<Variable> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim();
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || !name.chars().all(word) {
            continue;
        }
        let look_up = |wanted: &str| {
            let here = variables
                .iter()
                .rev()
                .find(|variable| variable.name == wanted);
            outside(wanted).or_else(|| here.map(|variable| variable.value.clone()))
        };
        let value = read_value(value.trim(), &look_up);
        variables.push(Variable {
            name: name.to_owned(),
            value,
            line: number + 1,
        });
    }
    variables
}

fn read_value(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> String {
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
    // A `#` in a value begins a comment only behind white space: passwords have them.
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
    use super::parse;

    #[test]
    fn forms() {
        let outside = |name: &str| (name == "HOME").then(|| "/here".to_owned());
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
            let read = parse(line, &outside);
            assert_eq!(read.len(), 1, "{line}");
            assert_eq!(read[0].value, value, "{line}");
        }
        assert!(parse("# A=b\n\nnothing\n=x\nA B=c", &outside).is_empty());
    }

    #[test]
    fn a_variable_sees_those_before_it() {
        let read = parse("U=app\nP=pw\n\nURL=postgresql://${U}:${P}@h/d", &|_| None);
        assert_eq!(read[2].value, "postgresql://app:pw@h/d");
        assert_eq!(read[2].line, 4);
    }
}
