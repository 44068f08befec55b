//! Turns the worker's account of an exception, and the error that the host kept, into a report.

use std::path::PathBuf;

use limbeck_db::DbError;
use limbeck_script::worker::{Frame, FrameKind, RaisedException};

use super::failure::{FailedStatement, FailedStep, Failure, Place, RunError, Standing};
use super::host::{Host, was_in_transaction};

impl Host<'_, '_> {
    /// The report of an exception that ended the run.
    pub(super) async fn explain(&mut self, exception: RaisedException) -> RunError {
        let standing = self.standing().await;
        let RaisedException {
            type_name: kind,
            is_driver_error: of_driver,
            message,
            limbeck_error,
            frames,
            syntax,
            traceback,
            module,
            option,
        } = exception;
        let (message, traceback) = without_port(message, traceback);
        let mut own: Vec<Place> = frames
            .iter()
            .filter(|frame| frame.kind != FrameKind::Library)
            .filter_map(place)
            .collect();
        let step = self.failed_step();
        if let Some(syntax) = syntax {
            own.push(Place {
                file: syntax.file.into(),
                line: syntax.line.unwrap_or(1),
                columns: syntax
                    .column
                    .map(|column| (column.saturating_sub(1), column)),
                function: String::new(),
            });
        }
        // The user's innermost call tells the place; what is in a revision script comes first.
        let script = step
            .as_ref()
            .and(self.progress.step.as_ref())
            .map(|step| step.path.clone());
        let place = own
            .iter()
            .rposition(|place| {
                script
                    .as_ref()
                    .is_some_and(|script| same_file(&place.file, script))
            })
            .or_else(|| own.len().checked_sub(1))
            .map(|index| own.remove(index));
        // That `env.py` runs the scripts says nothing of a failure in one of them.
        let in_script = place.as_ref().is_some_and(|place| !is_env(&place.file));
        own.retain(|call| !(in_script && step.is_some() && is_env(&call.file)));
        let met = limbeck_error.and_then(|id| self.sessions.met(id));
        let (statement, connect, rolled_back) = match met {
            Some(met) => match &met.error {
                DbError::Server(error) => {
                    let statement = met.sql.clone().map(|sql| FailedStatement {
                        sql,
                        number: self
                            .progress
                            .step
                            .as_ref()
                            .map_or(0, |step| step.statements),
                        error: (**error).clone(),
                    });
                    (statement, None, Some(was_in_transaction(met.status)))
                }
                DbError::Connect(error) => (None, Some(error.clone()), None),
                _ => (None, None, None),
            },
            None => (None, None, None),
        };
        // A script that catches the database's error and raises its own has something to say, too.
        let own_exception = met.is_none() || !(of_driver || kind.starts_with("sqlalchemy."));
        let exception = own_exception.then(|| format!("{kind}: {message}"));
        let headline = match (&connect, &statement, met) {
            (Some(error), _, _) => error.message.clone(),
            (_, Some(statement), _) => statement.error.message.clone(),
            (None, None, Some(met)) => met.error.to_string(),
            _ if message.is_empty() => kind.clone(),
            _ => format!("{kind}: {message}"),
        };
        RunError::Failed(Box::new(Failure {
            headline,
            step,
            place,
            calls: own,
            statement,
            connect,
            exception,
            missing_module: module,
            option,
            traceback,
            standing: Standing {
                rolled_back,
                committed: self
                    .progress
                    .step
                    .as_ref()
                    .is_some_and(|step| step.committed),
                ..standing
            },
        }))
    }

    fn failed_step(&self) -> Option<FailedStep> {
        let step = self.progress.step.as_ref()?;
        let planned = &self.progress.planned;
        Some(FailedStep {
            revision: step.revision.clone(),
            kind: step.kind.clone(),
            number: step.index + 1,
            of: planned.len(),
            before: planned.get(..step.index).unwrap_or_default().to_vec(),
            after: planned.get(step.index + 1..).unwrap_or_default().to_vec(),
        })
    }

    /// Looks at the version table once more, over a session of its own: the run's are closed.
    pub(super) async fn standing(&mut self) -> Standing {
        let before = self.progress.heads_before.clone();
        let Some(location) = &self.progress.location else {
            return Standing {
                before,
                ..Standing::default()
            };
        };
        let heads = location.heads().await.ok();
        let after = heads.map(Option::unwrap_or_default);
        Standing {
            before,
            after,
            rolled_back: None,
            committed: false,
        }
    }
}

/// SQLAlchemy quotes what stands in a port's place. In a URL without its host that is the password.
fn without_port(message: String, traceback: String) -> (String, String) {
    const TOLD: &str = "invalid literal for int() with base 10: ";
    match message.strip_prefix(TOLD) {
        Some(port) if traceback.contains("sqlalchemy/engine/url.py") => {
            let traceback = traceback.replace(port, "'***'");
            (format!("{TOLD}'***'"), traceback)
        }
        _ => (message, traceback),
    }
}

fn place(frame: &Frame) -> Option<Place> {
    Some(Place {
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

fn is_env(file: &std::path::Path) -> bool {
    file.file_name().is_some_and(|name| name == "env.py")
}

fn same_file(one: &std::path::Path, other: &std::path::Path) -> bool {
    one == other
        || one
            .canonicalize()
            .is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn a_port_that_is_none_may_be_a_password() {
        let check = |module: &str, expected: &str| {
            let message = "invalid literal for int() with base 10: 'p/w'";
            let traceback = format!("  File \"{module}\", line 1\nValueError: {message}\n");
            let (told, traceback) = without_port(message.into(), traceback);
            assert_eq!(
                told,
                format!("invalid literal for int() with base 10: {expected}")
            );
            assert!(
                traceback.ends_with(&format!("ValueError: {told}\n")),
                "{traceback}"
            );
        };
        check("lib/sqlalchemy/engine/url.py", "'***'");
        check("migrations/env.py", "'p/w'");
    }
}
