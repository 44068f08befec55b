//! What a revision script declares of itself, read without running it.

mod bindings;
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
    /// `revision`; none where the file does not declare it.
    pub revision: Option<String>,
    /// `down_revision`; none where the file does not declare it, empty for `None`.
    pub down_revisions: Option<Vec<String>>,
    /// `branch_labels`.
    pub branch_labels: Vec<String>,
    /// `depends_on`.
    pub dependencies: Vec<String>,
    /// The module's docstring, as Python's `__doc__` has it.
    pub doc: Option<Cow<'a, str>>,
}

/// Why a script's declarations could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderProblem {
    /// It is not valid Python.
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Only running it can tell.
    NotStatic {
        /// The line, from 1.
        line: usize,
        /// What stands there.
        reason: String,
    },
    /// A declaration has a type that Alembic does not take.
    Value {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Reads the declarations of a script.
///
/// # Errors
/// [`HeaderProblem`] with the place.
pub fn read(source: &str) -> Result<ScriptHeader<'_>, HeaderProblem> {
    match scan(source) {
        Some(header) => Ok(header),
        None => parse(source),
    }
}

/// The names that Alembic reads.
const NAMES: [&str; 4] = ["revision", "down_revision", "branch_labels", "depends_on"];

/// A value that a declaration can have.
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
    /// Takes a declaration; `false` when its value has the wrong type.
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
