//! The report of a failed run: the source line, the statement, the state of the database, and the next step.

mod cause;
mod source;
mod state;
mod statement;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};
use limbeck::{Activity, Failure, Interruption, SourceLocation};

use crate::output::message::{Message, add_lines, print_groups};
use crate::output::paths::display_path;

/// The number of callers in the user's code that a report names.
const MAX_CALLERS: usize = 5;

/// Prints the report of a failed run. `command` is the command line to run again.
pub(crate) fn print_failure(failure: &Failure, command: &str) {
    let mut message = Message::new(failure.headline.as_str());
    add_python_notes(failure, &mut message);
    if let Some(step) = &failure.step {
        message.notes.push(format!(
            "{} of revision `{}` failed: step {} of {}",
            step.direction, step.revision, step.number, step.of
        ));
    }
    state::describe(failure, command, &mut message);
    let mut groups = vec![headline_group(failure)];
    if let Some(statement) = &failure.statement {
        groups.push(statement::draw(statement));
    }
    if let Some(last) = groups.pop() {
        groups.push(add_lines(last, &message.notes, &message.help));
    }
    print_groups(&groups);
}

/// Prints the report of an interrupted run. `command` is the command line to run again.
pub(crate) fn print_interruption(interruption: &Interruption, command: &str) {
    let mut message = Message::new(match interruption.activity {
        Activity::Statement => "interrupted: the running statement was cancelled",
        Activity::Connecting => "interrupted while limbeck connected to the database",
        Activity::WaitingForLock => "interrupted while limbeck waited for the migration lock",
        _ => "interrupted",
    });
    if let Some(step) = &interruption.step {
        message = message.note(format!(
            "{} of revision `{}` was interrupted: step {} of {}",
            step.direction, step.revision, step.number, step.of
        ));
    }
    state::describe_interruption(interruption, command, &mut message);
    message.print();
}

/// Draws the headline with the source line that failed.
fn headline_group(failure: &Failure) -> Group<'_> {
    let group = Group::with_title(Level::ERROR.primary_title(failure.headline.as_str()));
    let Some(location) = &failure.location else {
        return group;
    };
    let path = display_path(&location.file);
    let Some(line) = source::read_line(location) else {
        return group.element(Origin::path(path).line(location.line as usize));
    };
    let mut annotation = AnnotationKind::Primary.span(source::span(&line, location.columns));
    let statement = failure
        .statement
        .as_ref()
        .filter(|statement| statement.number > 0);
    if failure.not_committed.is_some() {
        annotation = annotation.label("began a transaction");
    }
    if let Some(statement) = statement {
        annotation = annotation.label(format!("statement {} of this step", statement.number));
    }
    group.element(
        Snippet::source(line)
            .line_start(location.line as usize)
            .path(path)
            .annotation(annotation),
    )
}

/// Adds notes and help on the exception, its callers, the connection, and missing modules.
fn add_python_notes(failure: &Failure, message: &mut Message) {
    if let Some(exception) = failure.exception.as_deref()
        && !repeats_headline(exception, &failure.headline)
    {
        message.notes.push(format!("raised as {exception}"));
    }
    if let Some(reason) = &failure.loss_reason {
        message.notes.push(format!("the server's reason: {reason}"));
    }
    if let Some(handled) = &failure.handled {
        message
            .notes
            .push(format!("raised while Python handled {handled}"));
    }
    let callers = failure.calls.iter().rev().take(MAX_CALLERS);
    message.notes.extend(callers.map(describe_caller));
    if let Some(connect) = &failure.connect {
        message.help.extend(connect.hint.clone());
    }
    if failure
        .traceback
        .contains("ValueError: invalid interpolation syntax")
    {
        message.help.push(
            "`set_main_option` treats `%` as the start of an interpolation: pass `url.replace('%', '%%')`".into(),
        );
    }
    if let Some(module) = &failure.missing_module {
        message.help.push(format!(
            "install `{module}` in the project's Python environment, or name another environment with --python"
        ));
    }
}

/// Returns `true` if an exception adds nothing to the headline: it is the same text, or the worker's own exception with
/// that text.
fn repeats_headline(exception: &str, headline: &str) -> bool {
    exception == headline
        || exception.starts_with("limbeck_worker.") && exception.ends_with(headline)
}

fn describe_caller(caller: &SourceLocation) -> String {
    let function = if caller.function.is_empty() {
        "<module>"
    } else {
        &caller.function
    };
    format!(
        "called from `{function}` at {}:{}",
        display_path(&caller.file),
        caller.line
    )
}
