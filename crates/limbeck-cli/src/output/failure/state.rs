//! The state of the database after a failure, and the command to run next.

use limbeck::{DatabaseState, FailedStatement, Failure};

use super::cause::Cause;
use crate::output::message::Message;

/// Adds the state of the database, the steps that did not run, and the next command to a message.
pub(super) fn describe(failure: &Failure, command: &str, message: &mut Message) {
    let Some(after) = &failure.state.after else {
        return;
    };
    message.notes.push(version_note(&failure.state, after));
    let Some(step) = &failure.step else {
        describe_failed_commit(failure, command, message);
        return;
    };
    message.notes.extend(changes_note(failure, &step.revision));
    if !step.after.is_empty() {
        message
            .notes
            .push(format!("not run: {}", step.after.join(", ")));
    }
    let cause = Cause::of(failure);
    if cause == Cause::AlreadyExists && failure.state.before == failure.state.after {
        message.notes.push(format!(
            "an earlier run of `{}` may have created the object and failed later",
            step.revision
        ));
    }
    message.help.push(cause.advice(&step.revision, command));
}

/// Adds what became of the steps if their transaction could not be committed.
fn describe_failed_commit(failure: &Failure, command: &str, message: &mut Message) {
    let state = &failure.state;
    if failure.finished.is_empty()
        || state.rolled_back != Some(true)
        || state.before != state.after
        || failure.statement.as_ref().is_some_and(is_from_mysql)
    {
        return;
    }
    let revisions = failure.finished.join("`, `");
    message
        .notes
        .push(format!("all changes of `{revisions}` were rolled back"));
    message.help.push(match Cause::of(failure) {
        Cause::Script => format!("fix the script, then run `{command}` again"),
        cause => cause.advice(&revisions, command),
    });
}

/// Returns `true` if the script of the failed step sent statements before the one that failed.
fn has_earlier_statements(failure: &Failure) -> bool {
    let sent = failure.step.as_ref().map_or(0, |step| step.statements);
    let is_counted = failure
        .statement
        .as_ref()
        .is_some_and(|statement| statement.number > 0);
    sent > usize::from(is_counted)
}

fn version_note(state: &DatabaseState, after: &[String]) -> String {
    let now = format_heads(after);
    match &state.before {
        Some(before) if before == after && state.has_committed => {
            format!("the version is still {now}")
        }
        Some(before) if before == after => format!("the database is still at {now}"),
        Some(before) => format!(
            "the database was at {} and is now at {now}",
            format_heads(before)
        ),
        None => format!("the database is at {now}"),
    }
}

fn format_heads(rows: &[String]) -> String {
    if rows.is_empty() {
        "<base>".to_owned()
    } else {
        rows.join(", ")
    }
}

/// Describes which changes of the failed step are in the database.
fn changes_note(failure: &Failure, revision: &str) -> Option<String> {
    let statement = failure.statement.as_ref();
    match failure.state.rolled_back {
        // In MySQL each DDL statement commits the open transaction, and itself.
        Some(true) if statement.is_some_and(is_from_mysql) => Some(format!(
            "row changes of `{revision}` since its last DDL statement were rolled back; DDL statements can't be rolled back"
        )),
        Some(true) if failure.state.has_committed => Some(format!(
            "`{revision}` had committed part of its work, which is in the database; the rest was rolled back"
        )),
        Some(true) => Some(format!("all changes of `{revision}` were rolled back")),
        None if failure.state.has_committed => Some(format!(
            "`{revision}` had committed part of its work, which is in the database"
        )),
        Some(false) if has_earlier_statements(failure) => Some(format!(
            "`{revision}` ran outside a transaction: its earlier statements are in the database, its version row is not"
        )),
        _ => None,
    }
}

/// Returns `true` if MySQL or MariaDB refused the statement. Besides them, only SQLite numbers its errors.
fn is_from_mysql(statement: &FailedStatement) -> bool {
    let error = &statement.error;
    error.number != 0 && !error.code.starts_with("SQLITE_")
}
