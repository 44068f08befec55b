//! The SQL of what is pending, as `upgrade ROWS:TARGET --sql` prints it, without a connection.

use std::cell::RefCell;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde_json::json;

use super::{Call, MigrateError, Migrator, Watch, Work};
use crate::project::Project;
use crate::run::{Ending, Event, Intent, Refusal, RunError, WorkerError};

/// How much of the text is read: more than that nobody looks at.
const LIMIT: u64 = 16 << 20;

/// What Alembic writes before each step.
const HEADLINE: &str = "-- Running upgrade ";

/// The SQL of a plan.
#[derive(Debug, Default)]
pub struct OfflineSql {
    /// What comes before the first step: the version table.
    pub before: String,
    /// The steps, in order, as far as each could be written to its end.
    pub steps: Vec<StepSql>,
    /// Why there is no more.
    pub problem: Option<MigrateError>,
}

/// The SQL of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSql {
    /// The revision.
    pub revision: String,
    /// What it does.
    pub sql: String,
}

impl Migrator {
    /// The SQL that an `upgrade` from these version rows to `target` would run, where `env.py` and the scripts can say it
    /// in offline mode. Connects nowhere.
    ///
    /// # Errors
    /// [`MigrateError`] when nothing can be run at all; what fails in a step is the result's `problem`.
    pub async fn offline_sql(
        &self,
        project: &Project,
        rows: &[String],
        target: &str,
        watch: Watch<'_>,
    ) -> Result<OfflineSql, MigrateError> {
        let refused = |error| MigrateError::Run(WorkerError::Stream(error).into());
        let mut file = tempfile::tempfile().map_err(refused)?;
        let output: OwnedFd = file.try_clone().map_err(refused)?.into();
        let start = (!rows.is_empty()).then_some(rows);
        let call = Call {
            options: json!({"revision": target, "sql": true, "tag": null}),
            work: Work::Environment(json!({
                "as_sql": true, "starting_rev": start, "destination_rev": target, "tag": null,
            })),
            script_to: Some(Arc::new(output)),
            ..Call::to("upgrade", target)
        };
        let planned = RefCell::new(Vec::new());
        let mut on_event = |event: Event<'_>| {
            if let Event::Planned { revisions, .. } = &event {
                planned.borrow_mut().extend_from_slice(revisions);
            }
        };
        let watch = Watch {
            on_event: &mut on_event,
            ..watch
        };
        let intent = &mut Intent::Upgrade(target.to_owned());
        let problem = match self.run(call, Some(project), intent, watch).await {
            Ok(Ending::Done | Ending::Headers(_)) => None,
            Ok(Ending::Refused(message)) => Some(Refusal(message).into()),
            Ok(Ending::Exit(status)) => Some(Refusal::of_exit(status).into()),
            Err(error @ MigrateError::Run(RunError::Failed(_))) => Some(error),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.rewind().map_err(refused)?;
        file.take(LIMIT).read_to_end(&mut text).map_err(refused)?;
        let text = String::from_utf8_lossy(&text);
        let (before, mut steps) = split(&text, &planned.into_inner());
        if problem.is_some() {
            // What failed has written a part of its own.
            steps.pop();
        }
        Ok(OfflineSql {
            before,
            steps,
            problem,
        })
    }
}

/// Takes the text apart at Alembic's headlines, which come in the order of the plan.
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
    // A transaction of the next step's own begins before its headline.
    for place in 1..steps.len() {
        let last = &mut steps[place - 1].sql;
        if let Some(rest) = last.trim_end().strip_suffix("BEGIN;")
            && (rest.is_empty() || rest.ends_with('\n'))
        {
            *last = rest.to_owned();
            let next = &mut steps[place].sql;
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
    fn a_text_and_its_steps() {
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
        // A transaction for each.
        check(
            "BEGIN;\n\n-- Running upgrade  -> a1\n\nONE;\n\nCOMMIT;\n\nBEGIN;\n\n-- Running upgrade a1 -> b2\n\nTWO;\n\nCOMMIT;\n",
            "BEGIN;",
            &[
                ("a1", "ONE;\n\nCOMMIT;"),
                ("b2", "BEGIN;\n\nTWO;\n\nCOMMIT;"),
            ],
        );
        // A script's own comment is no headline but where the plan has that step next.
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
