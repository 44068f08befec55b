//! Plans the edits to an `env.py` after which plain Alembic accepts the application's database URL.
//!
//! An `env.py` passes URLs to an engine, to `context.configure` or to the configuration. The edits wrap each such
//! expression in a call of a function, and insert that function once. Code that can't be followed is reported as
//! unsupported, with its line.

mod edit;
mod insert;
mod layout;
mod resolve;
mod sinks;

use std::ops::Range;

use ruff_text_size::TextSize;

use crate::syntax::line_at;

pub use edit::apply_edits;

/// The kind of an `env.py`'s engine: synchronous or asynchronous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineKind {
    /// `create_engine`, `engine_from_config`.
    Sync,
    /// `create_async_engine`, `async_engine_from_config`, `AsyncEngine`.
    Async,
}

impl EngineKind {
    pub(crate) const ALL: [Self; 2] = [Self::Sync, Self::Async];

    /// Returns the name of the function that converts a URL for this kind of engine.
    pub fn function_name(self) -> &'static str {
        match self {
            Self::Sync => "ensure_sync_database_url",
            Self::Async => "ensure_async_database_url",
        }
    }

    /// Returns that function's source between its markers, ready to be pasted into an `env.py`.
    pub fn snippet(self) -> &'static str {
        let file = match self {
            Self::Sync => include_str!("../../python/repair/ensure_sync_database_url.py"),
            Self::Async => include_str!("../../python/repair/ensure_async_database_url.py"),
        };
        file.find(MARKER).map_or(file, |start| &file[start..])
    }
}

/// The beginning of the first line of each snippet. It marks a function that an earlier repair inserted.
const MARKER: &str = "# ---- limbeck fix: ensure_";

/// A replacement of a part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The replaced bytes; empty for an insertion.
    pub range: Range<usize>,
    /// The new text.
    pub text: String,
}

/// The caller's knowledge of the project beyond its `env.py`.
pub struct RepairContext<'a> {
    /// A function that returns `true` if an engine accepts a URL unchanged.
    pub url_suits: &'a dyn Fn(&str, EngineKind) -> bool,
    /// A function that returns `true` if an engine accepts every URL of the configuration unchanged.
    pub configuration_suits: &'a dyn Fn(EngineKind) -> bool,
    /// A function that returns `true` if the project's module with this dotted path doubles each `%`, as
    /// `set_main_option` requires.
    pub doubles_percent: &'a dyn Fn(&str) -> bool,
}

/// The result of [`plan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairPlan {
    /// The edits to apply, in the order of the text.
    Edits(Vec<Edit>),
    /// The file needs no edit.
    Unchanged(UnchangedReason),
    /// The file contains code that the repair doesn't support.
    Unsupported(UnsupportedCode),
}

/// The reason why a file needs no edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnchangedReason {
    /// The file already converts each URL where it passes it on.
    AlreadyConverted,
    /// Each URL suits its engine.
    UrlsSuit,
}

/// Code that the repair doesn't support, so that the author has to edit the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedCode {
    /// The line, from 1.
    pub line: usize,
    /// A description of the code.
    pub reason: String,
    /// The kind of engine whose snippet the author can use; `None` if the file is not valid Python.
    pub engine: Option<EngineKind>,
}

/// An offset in the file and a description of the unsupported code there.
#[derive(Debug)]
struct Problem {
    offset: TextSize,
    reason: String,
}

impl Problem {
    fn at(offset: TextSize, reason: impl Into<String>) -> Self {
        Self {
            offset,
            reason: reason.into(),
        }
    }
}

/// Plans the repair of an `env.py`, given its text.
pub fn plan(source: &str, context: &RepairContext<'_>) -> RepairPlan {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let byte_order_mark = source.len() - text.len();
    let unsupported = |problem: Problem, engine| {
        RepairPlan::Unsupported(UnsupportedCode {
            line: line_at(text, problem.offset),
            reason: problem.reason,
            engine,
        })
    };
    let parsed = match ruff_python_parser::parse_module(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let reason = format!("it is not valid Python: {}", error.error);
            return unsupported(Problem::at(error.location.start(), reason), None);
        }
    };
    let module = &parsed.syntax().body;
    let is_async = ["async_engine", "AsyncEngine"]
        .iter()
        .any(|word| text.contains(word));
    let engine = if is_async {
        EngineKind::Async
    } else {
        EngineKind::Sync
    };
    match edit::edits(text, module, parsed.tokens(), context) {
        Ok(edit::EditOutcome::Edits(mut edits)) => {
            for edit in &mut edits {
                edit.range = edit.range.start + byte_order_mark..edit.range.end + byte_order_mark;
            }
            RepairPlan::Edits(edits)
        }
        Ok(edit::EditOutcome::Unchanged(reason)) => RepairPlan::Unchanged(reason),
        Err(problem) => unsupported(problem, Some(engine)),
    }
}

#[cfg(test)]
mod tests;
