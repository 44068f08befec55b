//! The SQL of the pending revisions, as `upgrade ROWS:TARGET --sql` writes it, without a connection.

use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{MigrateError, MigrationRequest, Migrator, Request, RunControl};
use crate::project::Project;
use crate::run::{Event, RunError};
use limbeck_script::worker::WorkerError;

/// Maximum number of bytes to read: a page shows no more.
const LIMIT: u64 = 16 << 20;

/// The start of the line that Alembic writes before each step.
const HEADLINE: &str = "-- Running upgrade ";

/// The SQL of an upgrade.
#[derive(Debug, Default)]
pub struct OfflineSql {
    /// The SQL before the first step: the version table.
    pub before: String,
    /// The steps that could be written completely, in order.
    pub steps: Vec<StepSql>,
    /// The error that prevented the other steps.
    pub error: Option<MigrateError>,
}

/// The SQL of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSql {
    /// The step's revision.
    pub revision: String,
    /// The step's SQL.
    pub sql: String,
}

impl Migrator {
    /// Returns the SQL of an upgrade from these version rows to `target`. `env.py` and the scripts run in offline mode.
    ///
    /// # Errors
    /// [`MigrateError`] if the run can't be started. The error of a step is in [`OfflineSql::error`].
    pub async fn offline_sql(
        &self,
        project: &Project,
        rows: &[String],
        target: &str,
        control: RunControl<'_>,
    ) -> Result<OfflineSql, MigrateError> {
        let failed = |error| MigrateError::Run(WorkerError::Stream(error).into());
        let mut file = tempfile::tempfile().map_err(failed)?;
        let output: OwnedFd = file.try_clone().map_err(failed)?.into();
        let request = Request::Upgrade(MigrationRequest::sql_from(rows, target));
        let mut planned: Vec<String> = Vec::new();
        let mut on_event = |event: Event<'_>| {
            if let Event::Planned { steps, .. } = &event {
                let revisions = steps.iter().filter_map(|step| step.revision());
                planned.extend(revisions.map(str::to_owned));
            }
        };
        let control = RunControl {
            on_event: &mut on_event,
            ..control
        };
        let output = Some(Arc::new(output));
        let error = match self.run_to(output, request, Some(project), control).await {
            Ok(completion) => completion.require_done().err().map(MigrateError::from),
            Err(error @ (MigrateError::Refused(_) | MigrateError::Run(RunError::Failed(_)))) => {
                Some(error)
            }
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.rewind().map_err(failed)?;
        file.take(LIMIT).read_to_end(&mut text).map_err(failed)?;
        let text = String::from_utf8_lossy(&text);
        let (before, mut steps) = split(&text, &planned);
        if error.is_some() {
            // The last step is incomplete.
            steps.pop();
        }
        Ok(OfflineSql {
            before,
            steps,
            error,
        })
    }
}

/// Splits the text at Alembic's headlines, which have the order of the plan.
fn split(text: &str, planned: &[String]) -> (String, Vec<StepSql>) {
    let mut before = String::new();
    let mut steps: Vec<StepSql> = Vec::new();
    for line in text.split_inclusive('\n') {
        let next = planned.get(steps.len());
        if let (Some(next), Some(headline)) = (next, line.trim_end().strip_prefix(HEADLINE))
            && headline
                .rsplit_once("-> ")
                .is_some_and(|(_, to)| to == next)
        {
            steps.push(StepSql {
                revision: next.clone(),
                sql: String::new(),
            });
            continue;
        }
        match steps.last_mut() {
            Some(step) => step.sql.push_str(line),
            None => before.push_str(line),
        }
    }
    // If each step has a transaction, its BEGIN comes before its headline.
    for index in 1..steps.len() {
        let last = &mut steps[index - 1].sql;
        if let Some(rest) = last.trim_end().strip_suffix("BEGIN;")
            && (rest.is_empty() || rest.ends_with('\n'))
        {
            *last = rest.to_owned();
            let next = &mut steps[index].sql;
            *next = format!("BEGIN;\n\n{}", next.trim_start());
        }
    }
    for step in &mut steps {
        step.sql = step.sql.trim().to_owned();
    }
    (before.trim().to_owned(), steps)
}

#[cfg(test)]
mod tests {
    use super::{StepSql, split};

    #[test]
    fn splits_a_text_into_steps() {
        let check = |text: &str, expected_before: &str, expected: &[(&str, &str)]| {
            let planned = ["a1", "b2", "c3"].map(str::to_owned);
            let (before, steps) = split(text, &planned);
            let expected: Vec<StepSql> = expected
                .iter()
                .map(|(revision, sql)| StepSql {
                    revision: (*revision).to_owned(),
                    sql: (*sql).to_owned(),
                })
                .collect();
            assert_eq!((before.as_str(), steps), (expected_before, expected));
        };
        check("", "", &[]);
        check(
            "BEGIN;\n\nCREATE TABLE v;\n\n-- Running upgrade  -> a1\n\nONE;\n\nTWO;\n\n-- Running upgrade a1 -> b2\n\nTHREE;\n\nCOMMIT;\n",
            "BEGIN;\n\nCREATE TABLE v;",
            &[("a1", "ONE;\n\nTWO;"), ("b2", "THREE;\n\nCOMMIT;")],
        );
        // Each step has a transaction.
        check(
            "BEGIN;\n\n-- Running upgrade  -> a1\n\nONE;\n\nCOMMIT;\n\nBEGIN;\n\n-- Running upgrade a1 -> b2\n\nTWO;\n\nCOMMIT;\n",
            "BEGIN;",
            &[
                ("a1", "ONE;\n\nCOMMIT;"),
                ("b2", "BEGIN;\n\nTWO;\n\nCOMMIT;"),
            ],
        );
        // A comment of a script counts as a headline only if the plan has that step next.
        check(
            "-- Running upgrade a1 -> b2\n-- Running upgrade  -> a1\nONE;\n-- Running upgrade x -> c3\nTWO;\n-- Running upgrade a1, x -> b2\nTHREE;\n",
            "-- Running upgrade a1 -> b2",
            &[
                ("a1", "ONE;\n-- Running upgrade x -> c3\nTWO;"),
                ("b2", "THREE;"),
            ],
        );
    }
}
