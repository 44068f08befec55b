//! Finds what to change in an `env.py` so that plain Alembic takes an application's database URL.
//!
//! Each expression that is handed on as a URL, to an engine, to `context.configure` or to the configuration, is
//! wrapped in a call of a function that is written into the file once. What can't be followed is refused.

mod edit;
mod insert;
mod layout;
mod names;
mod sinks;
mod survey;

use std::ops::Range;

use ruff_text_size::TextSize;

pub use edit::apply;

/// Whether an environment's engine is a synchronous or an asynchronous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `create_engine`, `engine_from_config`.
    Sync,
    /// `create_async_engine`, `async_engine_from_config`, `AsyncEngine`.
    Async,
}

impl Mode {
    pub(crate) const ALL: [Self; 2] = [Self::Sync, Self::Async];

    /// The name of the function that converts.
    pub fn function(self) -> &'static str {
        match self {
            Self::Sync => "ensure_sync_database_url",
            Self::Async => "ensure_async_database_url",
        }
    }

    /// The function's text between its markers, ready to be pasted into an `env.py`.
    pub fn snippet(self) -> &'static str {
        let file = match self {
            Self::Sync => include_str!("../../python/repair/ensure_sync_database_url.py"),
            Self::Async => include_str!("../../python/repair/ensure_async_database_url.py"),
        };
        file.find(MARKER).map_or(file, |start| &file[start..])
    }
}

/// How the function's text begins, wherever it has been written.
const MARKER: &str = "# ---- limbeck fix: ensure_";

/// A replacement of a part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced, in bytes; empty where something is put in.
    pub range: Range<usize>,
    /// What comes there.
    pub text: String,
}

/// What is known outside of `env.py`.
pub struct Knowledge<'a> {
    /// Whether an engine takes a URL as it is.
    pub suits: &'a dyn Fn(&str, Mode) -> bool,
    /// Whether an engine takes each URL of the configuration as it is.
    pub configuration_suits: &'a dyn Fn(Mode) -> bool,
    /// Whether the project's module of a dotted path writes a `%` twice, as `set_main_option` wants it.
    pub doubles_percent: &'a dyn Fn(&str) -> bool,
}

/// What can be done about an `env.py`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// These edits, in the order of the text.
    Edits(Vec<Edit>),
    /// Nothing has to be done.
    NothingToDo(Reason),
    /// It is not understood.
    Refused(Refusal),
}

/// Why nothing has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Each URL is converted where it is handed on.
    Converted,
    /// Each URL suits its engine.
    Suits,
}

/// Why an `env.py` is left to its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line, from 1.
    pub line: usize,
    /// What is there.
    pub reason: String,
    /// The function that the author can use; none where the file must be mended first.
    pub mode: Option<Mode>,
}

/// A place and what is there.
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

/// Finds what to change in the text of an `env.py`.
pub fn plan(source: &str, knowledge: &Knowledge<'_>) -> Repair {
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let shift = source.len() - text.len();
    let refused = |problem: Problem, mode| {
        Repair::Refused(Refusal {
            line: layout::line_at(text, problem.offset.to_usize()),
            reason: problem.reason,
            mode,
        })
    };
    let parsed = match ruff_python_parser::parse_module(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let reason = format!("it is not valid Python: {}", error.error);
            return refused(Problem::at(error.location.start(), reason), None);
        }
    };
    let module = &parsed.syntax().body;
    let survey = survey::Survey::of(module);
    let is_async = ["async_engine", "AsyncEngine"]
        .iter()
        .any(|word| text.contains(word));
    let mode = if is_async { Mode::Async } else { Mode::Sync };
    match edit::edits(text, module, parsed.tokens(), &survey, knowledge) {
        Ok(edit::Found::Edits(mut edits)) => {
            for edit in &mut edits {
                edit.range = edit.range.start + shift..edit.range.end + shift;
            }
            Repair::Edits(edits)
        }
        Ok(edit::Found::Nothing(reason)) => Repair::NothingToDo(reason),
        Err(problem) => refused(problem, Some(mode)),
    }
}

#[cfg(test)]
mod tests;
