//! Draws a failure: the place in the user's code, the statement, what is left in the database, what to do next.

use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use limbeck::run::{FailedStatement, Failure, Place, Standing};
use limbeck::url::mask;

use crate::redact::redact;

/// A message for standard error: an error, notes, and advice.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) headline: String,
    pub(crate) notes: Vec<String>,
    pub(crate) help: Vec<String>,
}

impl Message {
    pub(crate) fn new(headline: impl Into<String>) -> Self {
        Self {
            headline: headline.into(),
            ..Self::default()
        }
    }

    /// The error's own text and those of its causes; a cause that only repeats its parent is left out.
    pub(crate) fn from_error(error: &dyn std::error::Error) -> Self {
        let mut message = Self::new(error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.headline.contains(&text) {
                message.notes.push(text);
            }
            cause = error.source();
        }
        message
    }

    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub(crate) fn print(&self) {
        let title = Group::with_title(Level::ERROR.primary_title(self.headline.as_str()));
        draw(&[with_messages(title, &self.notes, &self.help)]);
    }
}

/// Draws a failed run.
pub(crate) fn print_failure(failure: &Failure, again: &str) {
    let mut notes = Vec::new();
    let mut help = Vec::new();
    let source = failure.place.as_ref().and_then(source_line);
    let mut groups = Vec::new();
    let mut group = Group::with_title(Level::ERROR.primary_title(failure.headline.as_str()));
    if let Some(place) = &failure.place {
        let path = shown(&place.file);
        match &source {
            Some(line) => {
                let label = failure
                    .statement
                    .as_ref()
                    .filter(|statement| statement.number > 0);
                let label =
                    label.map(|statement| format!("statement {} of this step", statement.number));
                let mut annotation = AnnotationKind::Primary.span(span_in(line, place.columns));
                if let Some(label) = label {
                    annotation = annotation.label(label);
                }
                group = group.element(
                    Snippet::source(line.clone())
                        .line_start(place.line as usize)
                        .path(path)
                        .annotation(annotation),
                );
            }
            None => group = group.element(Origin::path(path).line(place.line as usize)),
        }
    }
    if let Some(exception) = failure
        .exception
        .as_ref()
        .filter(|text| **text != failure.headline)
    {
        notes.push(format!("raised as {exception}"));
    }
    for call in failure.calls.iter().rev().take(5) {
        let function = if call.function.is_empty() {
            "<module>"
        } else {
            &call.function
        };
        notes.push(format!(
            "called from `{function}` at {}:{}",
            shown(&call.file),
            call.line
        ));
    }
    if let Some(connect) = &failure.connect {
        help.extend(connect.hint.clone());
    }
    if failure
        .traceback
        .contains("ValueError: invalid interpolation syntax")
    {
        help.push(
            "`set_main_option` takes `%` for the start of an interpolation: pass `url.replace('%', '%%')`".into(),
        );
    }
    if let Some(module) = &failure.missing_module {
        help.push(format!(
            "install `{module}` in the project's Python environment, or name another with --python"
        ));
    }
    if let Some(step) = &failure.step {
        notes.push(format!(
            "{} of revision `{}` failed: step {} of {}",
            step.kind, step.revision, step.number, step.of
        ));
    }
    tell_standing(failure, again, &mut notes, &mut help);
    groups.push(with_messages(group, &[], &[]));
    let mut tail = Vec::new();
    if let Some(statement) = &failure.statement {
        tail.push(statement_group(statement));
    }
    groups.extend(tail);
    let last = groups
        .pop()
        .unwrap_or_else(|| Group::with_title(Level::ERROR.primary_title("")));
    groups.push(with_messages(last, &notes, &help));
    draw(&groups);
}

fn with_messages<'a>(mut group: Group<'a>, notes: &'a [String], help: &'a [String]) -> Group<'a> {
    for note in notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for text in help {
        group = group.element(Level::HELP.message(text.as_str()));
    }
    group
}

fn statement_group(statement: &FailedStatement) -> Group<'_> {
    let error = &statement.error;
    let code = if error.number == 0 {
        error.code.clone()
    } else {
        format!("{} ({})", error.code, error.number)
    };
    let sql = statement.sql.trim_end();
    // Servers count from 1, in characters.
    let position = error.position.and_then(|position| {
        let start = sql
            .char_indices()
            .nth((position as usize).checked_sub(1)?)?
            .0;
        let length = sql[start..]
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(sql.len() - start);
        Some(start..start + length.max(1).min(sql.len() - start))
    });
    let snippet = Snippet::source(sql).path("SQL");
    let snippet = match position {
        Some(span) => snippet.annotation(AnnotationKind::Primary.span(span)),
        None => snippet
            .annotation(AnnotationKind::Visible.span(0..sql.len().min(1)))
            .fold(false),
    };
    let mut group = Group::with_title(
        Level::NOTE.secondary_title(format!("the database refused this statement: {code}")),
    )
    .element(snippet);
    let more = [
        ("detail", &error.detail),
        ("hint", &error.hint),
        ("context", &error.context),
    ];
    for (word, text) in more {
        if let Some(text) = text {
            group = group.element(Level::NOTE.message(format!("{word}: {text}")));
        }
    }
    group
}

fn tell_standing(failure: &Failure, again: &str, notes: &mut Vec<String>, help: &mut Vec<String>) {
    let Standing {
        before,
        after,
        rolled_back,
        committed,
    } = &failure.standing;
    let Some(after) = after else {
        return;
    };
    let at = |rows: &[String]| {
        if rows.is_empty() {
            "<base>".to_owned()
        } else {
            rows.join(", ")
        }
    };
    match before {
        Some(before) if before == after && *committed => {
            notes.push(format!("the version is what it was: {}", at(after)));
        }
        Some(before) if before == after => {
            notes.push(format!("the database is where it was: {}", at(after)));
        }
        Some(before) => notes.push(format!(
            "the database was at {} and is now at {}",
            at(before),
            at(after)
        )),
        None => notes.push(format!("the database is at {}", at(after))),
    }
    let Some(step) = &failure.step else {
        return;
    };
    match rolled_back {
        // There, a change of a table commits what came before, and itself.
        Some(true) if failure.statement.as_ref().is_some_and(is_mysqls) => notes.push(format!(
            "rows that `{}` had changed since its last change of a table were rolled back; changes of tables stay",
            step.revision
        )),
        Some(true) if *committed => notes.push(format!(
            "`{}` had committed some of its work, which is in the database; the rest was rolled back",
            step.revision
        )),
        Some(true) => notes.push(format!("what `{}` had done was rolled back", step.revision)),
        None if *committed => notes.push(format!(
            "`{}` had committed some of its work, which is in the database",
            step.revision
        )),
        Some(false)
            if failure
                .statement
                .as_ref()
                .is_some_and(|statement| statement.number > 1) =>
        {
            notes.push(format!(
                "`{}` ran outside a transaction: its earlier statements are in the database and its version row is not",
                step.revision
            ));
        }
        _ => {}
    }
    if !step.after.is_empty() {
        notes.push(format!("not tried: {}", step.after.join(", ")));
    }
    help.push(format!(
        "mend `{}`, then run `{again}` again",
        step.revision
    ));
}

/// Whether MySQL or MariaDB refused the statement: they number their errors, and so does only SQLite.
fn is_mysqls(statement: &FailedStatement) -> bool {
    let error = &statement.error;
    error.number != 0 && !error.code.starts_with("SQLITE_")
}

fn source_line(place: &Place) -> Option<String> {
    let text = std::fs::read_to_string(&place.file).ok()?;
    text.lines()
        .nth((place.line as usize).checked_sub(1)?)
        .map(|line| mask(line).into_owned())
}

fn span_in(line: &str, columns: Option<(u32, u32)>) -> std::ops::Range<usize> {
    if let Some((start, end)) = columns {
        let (start, end) = (start as usize, end as usize);
        if start < end
            && end <= line.len()
            && line.is_char_boundary(start)
            && line.is_char_boundary(end)
        {
            return start..end;
        }
    }
    let start = line.len() - line.trim_start().len();
    start..line.trim_end().len().max(start)
}

/// A path as the user would write it: relative to the current folder where it is below it.
pub(crate) fn shown(path: &Path) -> String {
    let current = std::env::current_dir().ok();
    current
        .and_then(|current| path.strip_prefix(current).ok())
        .unwrap_or(path)
        .display()
        .to_string()
}

fn draw(groups: &[Group<'_>]) {
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii);
    anstream::eprintln!("{}", redact(&renderer.render(groups)));
}
