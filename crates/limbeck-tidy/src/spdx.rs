//! Evaluates SPDX licence expressions against a list of allowed licences.

/// Returns `true` if the allowed licences satisfy an SPDX expression. Old manifests write `/` for `OR`.
///
/// # Errors
/// Returns a message if the expression is malformed.
pub(crate) fn is_satisfied(expression: &str, allowed: &[&str]) -> Result<bool, String> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut parser = Parser {
        words: spaced.split_whitespace().collect(),
        next: 0,
        allowed,
    };
    let value = parser.or_expression()?;
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

    /// Skips the next word if it is `word`. Returns `true` if it was.
    fn skip(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        self.next += usize::from(is_next);
        is_next
    }

    fn or_expression(&mut self) -> Result<bool, String> {
        let mut value = self.and_expression()?;
        while self.skip("OR") {
            value |= self.and_expression()?;
        }
        Ok(value)
    }

    fn and_expression(&mut self) -> Result<bool, String> {
        let mut value = self.term()?;
        while self.skip("AND") {
            value &= self.term()?;
        }
        Ok(value)
    }

    fn term(&mut self) -> Result<bool, String> {
        if self.skip("(") {
            let value = self.or_expression()?;
            return if self.skip(")") {
                Ok(value)
            } else {
                Err("a `)` is missing".to_owned())
            };
        }
        let Some(name) = self.peek() else {
            return Err("a licence is missing".to_owned());
        };
        self.next += 1;
        if self.skip("WITH") {
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
fn evaluates_expressions() {
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
        assert_eq!(is_satisfied(expression, &allowed), expected, "{expression}");
    }
}
