//! Turns an exception that the worker reported, and the database error behind it, into a failure report.

use std::path::{Path, PathBuf};

use limbeck_db::DbError;
use limbeck_script::worker::{Frame, FrameKind, RaisedException};

use super::failure::{DatabaseState, FailedStatement, Failure, RunError, SourceLocation};
use super::sessions::DatabaseError;
use super::state::RunState;
use super::transaction_control::{Control, control};

impl RunState<'_, '_> {
    /// Returns the report of an exception that ended the run.
    pub(super) async fn explain(&mut self, exception: RaisedException) -> RunError {
        let state = self.database_state().await;
        let RaisedException {
            type_name,
            is_driver_error,
            message,
            handled,
            limbeck_error,
            frames,
            syntax,
            traceback,
            module,
            option,
        } = exception;
        let (message, traceback) = mask_port(message, traceback);
        let mut calls: Vec<SourceLocation> = frames
            .iter()
            .filter(|frame| frame.kind != FrameKind::Library)
            .filter_map(location)
            .collect();
        if let Some(syntax) = syntax {
            calls.push(SourceLocation {
                file: syntax.file.into(),
                line: syntax.line.unwrap_or(1),
                columns: syntax
                    .column
                    .map(|column| (column.saturating_sub(1), column)),
                function: String::new(),
            });
        }
        let step = self.progress.step.as_ref();
        let is_in_script = step.is_some_and(|step| {
            let is_script = |call: &SourceLocation| is_same_file(&call.file, &step.path);
            calls.iter().any(is_script)
        });
        let location = take_location(&mut calls, step.map(|step| step.path.as_path()));
        let database_error = limbeck_error.and_then(|id| self.errors.get(id));
        let mut statement = None;
        let mut connect = None;
        let mut rolled_back = None;
        let mut loss_reason = None;
        match database_error.map(|found| &found.error) {
            Some(DbError::Server(error)) => {
                if let Some(refused) = database_error.and_then(|found| found.statement.as_ref()) {
                    statement = Some(FailedStatement {
                        sql: refused.sql.clone(),
                        number: refused.number,
                        error: (**error).clone(),
                    });
                    rolled_back = Some(refused.is_rolled_back);
                }
            }
            Some(lost @ DbError::ConnectionLost(_)) => {
                loss_reason = lost.loss_reason().map(|reason| reason.message.clone());
                // The server rolls back the transaction, but may have carried out a COMMIT.
                let lost = database_error.and_then(|found| found.statement.as_ref());
                rolled_back = lost
                    .is_some_and(|lost| {
                        lost.is_rolled_back && !matches!(control(&lost.sql), Control::Commit)
                    })
                    .then_some(true);
            }
            Some(DbError::Connect(error)) => connect = Some(error.clone()),
            _ => {}
        }
        // A script that catches the database's error and raises another one adds information.
        let is_own =
            database_error.is_none() || !(is_driver_error || type_name.starts_with("sqlalchemy."));
        let exception = is_own.then(|| format!("{type_name}: {message}"));
        let headline = match (&connect, &statement, database_error) {
            (Some(error), _, _) => error.message.clone(),
            (_, Some(statement), _) => statement.error.message.clone(),
            (None, None, Some(found)) => found.error.to_string(),
            _ if message.is_empty() => type_name,
            _ => format!("{type_name}: {message}"),
        };
        RunError::Failed(Box::new(Failure {
            headline,
            step: self.progress.failed_step(),
            finished: self.progress.finished.clone(),
            location,
            calls,
            statement,
            connect,
            is_connection_lost: matches!(
                database_error,
                Some(DatabaseError {
                    error: DbError::ConnectionLost(_),
                    ..
                })
            ),
            loss_reason,
            is_lock_timeout: matches!(
                database_error,
                Some(DatabaseError {
                    error: DbError::LockTimeout { .. },
                    ..
                })
            ),
            exception,
            handled,
            missing_module: module,
            option,
            traceback,
            is_all_committed: self.is_all_committed(),
            is_in_hook: step.is_some() && !is_in_script && database_error.is_none(),
            not_committed: None,
            state: DatabaseState {
                rolled_back,
                has_committed: step.is_some_and(|step| step.work.is_committed),
                ..state
            },
        }))
    }
}

/// Takes the location of the failure out of the user's call stack: the innermost call in the running step's script, or
/// else the innermost call.
fn take_location(calls: &mut Vec<SourceLocation>, script: Option<&Path>) -> Option<SourceLocation> {
    let in_script = calls
        .iter()
        .rposition(|call| script.is_some_and(|script| is_same_file(&call.file, script)));
    let index = in_script.or_else(|| calls.len().checked_sub(1))?;
    let location = calls.remove(index);
    if script.is_some() && !is_env(&location.file) {
        // Every script is called from env.py.
        calls.retain(|call| !is_env(&call.file));
    }
    Some(location)
}

/// Masks the port that SQLAlchemy quotes if it is not a number: in a URL without a host, it is the password.
fn mask_port(message: String, traceback: String) -> (String, String) {
    const PREFIX: &str = "invalid literal for int() with base 10: ";
    match message.strip_prefix(PREFIX) {
        Some(port) if traceback.contains("sqlalchemy/engine/url.py") => {
            let traceback = traceback.replace(port, "'***'");
            (format!("{PREFIX}'***'"), traceback)
        }
        _ => (message, traceback),
    }
}

fn location(frame: &Frame) -> Option<SourceLocation> {
    Some(SourceLocation {
        file: PathBuf::from(&frame.file),
        line: frame.line?,
        columns: match (frame.column, frame.end_column) {
            (Some(start), Some(end)) if frame.end_line == frame.line && end > start => {
                Some((start, end))
            }
            _ => None,
        },
        function: frame.function.clone(),
    })
}

fn is_env(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "env.py")
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other
        || one
            .canonicalize()
            .is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::mask_port;

    #[test]
    fn masks_a_port_that_may_be_a_password() {
        let check = |module: &str, expected: &str| {
            let message = "invalid literal for int() with base 10: 'p/w'";
            let traceback = format!("  File \"{module}\", line 1\nValueError: {message}\n");
            let (masked, traceback) = mask_port(message.into(), traceback);
            assert_eq!(
                masked,
                format!("invalid literal for int() with base 10: {expected}")
            );
            assert!(
                traceback.ends_with(&format!("ValueError: {masked}\n")),
                "{traceback}"
            );
        };
        check("lib/sqlalchemy/engine/url.py", "'***'");
        check("migrations/env.py", "'p/w'");
    }
}
