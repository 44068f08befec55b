//! Whether a licence expression can be satisfied with a list of licences.

/// Evaluates an SPDX expression; `/`, as old manifests write it, means `OR`. Errors name what is
/// wrong with the expression.
pub(crate) fn satisfied(expression: &str, allowed: &[&str]) -> Result<bool, String> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut parser = Parser {
        words: spaced.split_whitespace().collect(),
        next: 0,
        allowed,
    };
    let value = parser.any()?;
    match parser.peek() {
        None => Ok(value),
        Some(word) => Err(format!("`{word}` is unexpected in `{expression}`")),
    }
}

struct Parser<'a> {
    words: Vec<&'a str>,
    next: usize,
    allowed: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let there = self.peek() == Some(word);
        self.next += usize::from(there);
        there
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut value = self.all()?;
        while self.take("OR") {
            value |= self.all()?;
        }
        Ok(value)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut value = self.one()?;
        while self.take("AND") {
            value &= self.one()?;
        }
        Ok(value)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let value = self.any()?;
            return if self.take(")") {
                Ok(value)
            } else {
                Err("a `)` is missing".to_owned())
            };
        }
        let Some(name) = self.peek() else {
            return Err("a licence is missing".to_owned());
        };
        self.next += 1;
        if self.take("WITH") {
            let Some(exception) = self.peek() else {
                return Err("an exception is missing".to_owned());
            };
            self.next += 1;
            return Ok(self
                .allowed
                .contains(&format!("{name} WITH {exception}").as_str()));
        }
        Ok(self.allowed.contains(&name))
    }
}

#[test]
fn expressions() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    for (expression, expected) in [
        ("MIT", Ok(true)),
        ("GPL-3.0-only", Ok(false)),
        ("GPL-3.0-only OR MIT", Ok(true)),
        ("MIT/Apache-2.0", Ok(true)),
        ("MIT AND GPL-3.0-only", Ok(false)),
        ("(GPL-3.0-only OR MIT) AND ISC", Ok(true)),
        ("GPL-3.0-only OR MIT AND ISC", Ok(true)),
        ("Apache-2.0 WITH LLVM-exception", Ok(true)),
        ("Apache-2.0", Ok(false)),
        ("MIT OR", Err("a licence is missing".to_owned())),
        ("(MIT", Err("a `)` is missing".to_owned())),
        (
            "MIT ISC",
            Err("`ISC` is unexpected in `MIT ISC`".to_owned()),
        ),
    ] {
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }
}
