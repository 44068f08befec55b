//! Reads the declarations of a revision script without running it.

mod downgrade;
mod parse;
mod scan;

use std::borrow::Cow;

pub use downgrade::{DowngradeStatus, downgrade_status};
pub use parse::parse;
pub use scan::scan;

/// A revision script's declarations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptHeader<'a> {
    /// The value of `revision`; `None` if the script doesn't declare it.
    pub revision: Option<String>,
    /// The values of `down_revision`; `None` if the script doesn't declare it, empty for Python's `None`.
    pub down_revisions: Option<Vec<String>>,
    /// The values of `branch_labels`.
    pub branch_labels: Vec<String>,
    /// The values of `depends_on`.
    pub dependencies: Vec<String>,
    /// The value of `__doc__`, which is the docstring unless the script assigns another.
    pub doc: Option<Cow<'a, str>>,
}

/// A reason why limbeck can't read a script's declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderProblem {
    /// The script is not valid Python.
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The parser's message.
        message: String,
    },
    /// The declarations are known only when Python runs the script.
    NotStatic {
        /// The line, from 1.
        line: usize,
        /// A description of the code.
        reason: String,
    },
    /// A declaration has a type that Alembic doesn't accept.
    Value {
        /// The line, from 1.
        line: usize,
        /// A description of the mismatch.
        reason: String,
    },
}

/// Reads the declarations of a script.
///
/// # Errors
/// Returns the first [`HeaderProblem`] in the script.
pub fn read(source: &str) -> Result<ScriptHeader<'_>, HeaderProblem> {
    match scan(source) {
        Some(header) => Ok(header),
        None => parse(source),
    }
}

/// The names that Alembic reads from a script.
const NAMES: [&str; 4] = ["revision", "down_revision", "branch_labels", "depends_on"];

/// A value that a script declares literally.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Literal {
    None,
    Text(String),
    Texts(Vec<String>),
}

impl Literal {
    fn into_texts(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts,
        }
    }
}

impl ScriptHeader<'_> {
    /// Sets a declaration. Returns `false` if Alembic doesn't accept the type of its value.
    fn declare(&mut self, name: &str, value: Literal) -> bool {
        match (name, value) {
            ("revision", Literal::Text(text)) => self.revision = Some(text),
            ("revision", _) => return false,
            ("down_revision", value) => self.down_revisions = Some(value.into_texts()),
            ("branch_labels", value) => self.branch_labels = value.into_texts(),
            (_, value) => self.dependencies = value.into_texts(),
        }
        true
    }
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
