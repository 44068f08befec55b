//! The state of the database after a failure, and the command to run next.

use limbeck::db::Product;
use limbeck::{DatabaseState, FailedStatement, FailedStep, Failure, Interruption, NotCommitted};

use super::cause::Cause;
use crate::output::message::Message;
use crate::output::paths::display_path;

/// Adds the state of the database, the steps that did not run, and the next command to a message.
pub(super) fn describe(failure: &Failure, command: &str, message: &mut Message) {
    if let Some(facts) = &failure.not_committed {
        describe_not_committed(failure, facts, command, message);
        return;
    }
    let state = &failure.state;
    if let Some(after) = &state.after {
        message.notes.push(version_note(state, after));
    } else if failure.step.is_some() {
        let text = "limbeck could not read the version table after the failure";
        message.notes.push(text.into());
    }
    let cause = Cause::of(failure);
    if failure.is_all_committed {
        message
            .notes
            .push("all steps are committed: the error came after them".into());
        message.help.extend(
            failure
                .location
                .as_ref()
                .map(|location| format!("fix `{}`", display_path(&location.file))),
        );
        return;
    }
    let Some(step) = &failure.step else {
        if !describe_failed_commit(failure, command, message) && cause.is_outside(failure) {
            message.help.push(cause.advice("it", command));
        }
        return;
    };
    let changes = Changes {
        rolled_back: state.rolled_back,
        has_committed: state.has_committed,
        // In MySQL each DDL statement commits the open transaction, and itself.
        commits_ddl: failure.statement.as_ref().is_some_and(is_from_mysql),
        has_earlier_statements: has_earlier_statements(failure),
    };
    message
        .notes
        .extend(changes.describe_with(&step.revision, &failure.finished, state));
    message.notes.extend(not_run_note(step));
    if cause == Cause::AlreadyExists && state.before == state.after {
        message.notes.push(origin_note(failure, &step.revision));
    }
    let place = match &failure.location {
        Some(location) if failure.is_in_hook => format!("`{}`", display_path(&location.file)),
        _ => format!("`{}`", step.revision),
    };
    message.help.push(cause.advice(&place, command));
}

/// Returns the possible origin of an object that exists. PostgreSQL rolls back the DDL statements of a failed run.
fn origin_note(failure: &Failure, revision: &str) -> String {
    let error = failure.statement.as_ref().map(|statement| &statement.error);
    if error.is_some_and(|error| error.number == 0) {
        format!(
            "another revision, `create_all`, or an earlier run of `{revision}` outside a transaction may have created the object"
        )
    } else {
        format!(
            "an earlier run of `{revision}` may have created the object and failed later: the DDL statements of a failed run stay in the database"
        )
    }
}

/// Adds the state of the database after an interruption, and the next command, to a message.
pub(super) fn describe_interruption(
    interruption: &Interruption,
    command: &str,
    message: &mut Message,
) {
    let Interruption {
        step,
        finished,
        product,
        state,
        ..
    } = interruption;
    let commits_ddl =
        state.has_committed && matches!(product, Some(Product::Mysql | Product::Mariadb));
    if let Some(after) = &state.after {
        message.notes.push(version_note(state, after));
    }
    let changes = Changes {
        rolled_back: state.rolled_back,
        has_committed: state.has_committed,
        commits_ddl,
        has_earlier_statements: true,
    };
    if let Some(step) = step {
        message
            .notes
            .extend(changes.describe_with(&step.revision, finished, state));
        message.notes.extend(not_run_note(step));
    }
    message
        .help
        .push(format!("run `{command}` again to continue"));
}

/// Names the steps after the one that did not end.
fn not_run_note(step: &FailedStep) -> Option<String> {
    let after = &step.after;
    (!after.is_empty()).then(|| format!("not run: {}", after.join(", ")))
}

/// Adds what became of steps that ended and were not committed.
fn describe_not_committed(
    failure: &Failure,
    facts: &NotCommitted,
    command: &str,
    message: &mut Message,
) {
    let began = if failure.location.is_some() {
        "the transaction that this line began"
    } else {
        "the transaction that `env.py` began"
    };
    message.notes.push(format!(
        "{began} was open at `context.configure`, so Alembic left it to `env.py`, which ended without a commit"
    ));
    if let Some(after) = &failure.state.after {
        message.notes.push(version_note(&failure.state, after));
    }
    if !failure.finished.is_empty() {
        let revisions = failure.finished.join("`, `");
        message.notes.push(if facts.is_partly_committed {
            format!(
                "a part of the changes of `{revisions}` is in the database; the rest was rolled back"
            )
        } else {
            format!("all changes of `{revisions}` were rolled back")
        });
    }
    message.help.push(format!(
        "add `connection.commit()` before `context.configure` or after the migrations (`await connection.commit()` for an asynchronous connection), then run `{command}` again"
    ));
}

/// Adds what became of the steps if their transaction could not be committed. Returns `true` if that was the failure.
fn describe_failed_commit(failure: &Failure, command: &str, message: &mut Message) -> bool {
    let state = &failure.state;
    if failure.finished.is_empty()
        || state.rolled_back != Some(true)
        || state.before != state.after
        || failure.statement.as_ref().is_some_and(is_from_mysql)
    {
        return false;
    }
    let revisions = failure.finished.join("`, `");
    message
        .notes
        .push(format!("all changes of `{revisions}` were rolled back"));
    message.help.push(match Cause::of(failure) {
        Cause::Script => format!("fix the script, then run `{command}` again"),
        cause => cause.advice(&format!("`{revisions}`"), command),
    });
    true
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

/// The facts that decide which changes of an unfinished step are in the database.
struct Changes {
    /// `Some(true)` if the open transaction was rolled back; `None` if that is not known.
    rolled_back: Option<bool>,
    /// `true` if the step had committed, or changed the database outside a transaction.
    has_committed: bool,
    /// `true` if each DDL statement commits the open transaction.
    commits_ddl: bool,
    /// `true` if the step sent statements before the last one.
    has_earlier_statements: bool,
}

impl Changes {
    /// Describes which changes of the step, and of the `finished` steps before it, are in the database.
    fn describe_with(
        &self,
        revision: &str,
        finished: &[String],
        state: &DatabaseState,
    ) -> Option<String> {
        // The transaction of all steps was open.
        let is_unchanged = state.before.is_some() && state.before == state.after;
        if is_unchanged
            && !finished.is_empty()
            && self.rolled_back == Some(true)
            && !self.has_committed
            && !state.finished_committed
            && !self.commits_ddl
        {
            return Some("all changes of this run were rolled back".to_owned());
        }
        self.describe(revision)
    }

    /// Describes which changes of the step are in the database.
    fn describe(&self, revision: &str) -> Option<String> {
        match self.rolled_back {
            Some(true) if self.commits_ddl && !self.has_earlier_statements => None,
            Some(true) if self.commits_ddl => Some(format!(
                "row changes of `{revision}` since its last DDL statement were rolled back; DDL statements can't be rolled back"
            )),
            Some(true) if self.has_committed => Some(format!(
                "`{revision}` had committed part of its work, which is in the database; the rest was rolled back"
            )),
            Some(true) => Some(format!("all changes of `{revision}` were rolled back")),
            None if self.has_committed => Some(format!(
                "`{revision}` had committed part of its work, which is in the database"
            )),
            Some(false) if self.has_committed => Some(format!(
                "`{revision}` ran outside a transaction: its earlier statements are in the database, its version row is not"
            )),
            _ => None,
        }
    }
}

/// Returns `true` if MySQL or MariaDB refused the statement. Besides them, only SQLite numbers its errors.
fn is_from_mysql(statement: &FailedStatement) -> bool {
    let error = &statement.error;
    error.number != 0 && !error.code.starts_with("SQLITE_")
}
