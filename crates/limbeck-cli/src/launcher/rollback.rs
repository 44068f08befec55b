//! The rollback of a migration after which the application is not ready, if it loses no data.

use std::collections::BTreeSet;

use limbeck::migrator::{Completion, MigrationMode, MigrationRequest};
use limbeck::project::Project;
use limbeck::{DowngradeStatus, DryRunReport, Event, Interrupt, Request, RunControl};
use limbeck_supervisor::{Phase, ReceivedSignal};

use super::database::{MigrationResult, RunObserver};
use super::{Launcher, migrator, print_notice};
use crate::cli_error::CliError;
use crate::exit;
use crate::output::message::Message;
use crate::output::progress::Progress;

/// The outcome of a rollback.
pub(super) enum RollbackOutcome {
    /// The launch has applied no revision.
    NothingToDo,
    /// The database is at the revision from before the launch.
    RolledBack,
    /// The database is not, or not completely, at the revision from before. The reason was printed.
    Failed,
}

impl Launcher<'_> {
    /// Downgrades the database to the revision from before this launch.
    pub(super) async fn roll_back(&mut self, migration: &MigrationResult) -> RollbackOutcome {
        let Some(rows) = &migration.version_rows else {
            return RollbackOutcome::NothingToDo;
        };
        let (Some(before), Some(after)) = (&rows.before, &rows.after) else {
            return not_rolled_back("the revision from before the migration is unknown");
        };
        if migration.applied.is_empty() {
            return RollbackOutcome::NothingToDo;
        }
        self.state.enter_phase(Phase::RollingBack);
        let target = match rollback_target(migration, before, after) {
            Ok(target) => target,
            Err(reason) => return not_rolled_back(&reason),
        };
        if !self.settings.allow_data_loss {
            match self
                .downgrade(migration.project, &target, MigrationMode::DryRun)
                .await
            {
                Ok(dry_run) if dry_run.losses.is_empty() => {}
                Ok(dry_run) => {
                    let mut message =
                        Message::new("the migration was not rolled back: that would lose data");
                    message.notes = dry_run.losses.iter().map(ToString::to_string).collect();
                    message
                        .help(
                            "allow it with --allow-data-loss, or see `limbeck downgrade --dry-run`",
                        )
                        .print();
                    return RollbackOutcome::Failed;
                }
                Err((error, signal)) => return self.downgrade_failed(error, signal),
            }
        }
        match self
            .downgrade(migration.project, &target, MigrationMode::Online)
            .await
        {
            Ok(_) => {
                print_notice(&format!(
                    "the migration was rolled back: {} downgraded to {target}",
                    migration.applied.join(", ")
                ));
                RollbackOutcome::RolledBack
            }
            Err((error, signal)) => self.downgrade_failed(error, signal),
        }
    }

    /// Downgrades to `target`. A dry run changes nothing and returns what the downgrade would lose.
    async fn downgrade(
        &mut self,
        project: &'static Project,
        target: &str,
        mode: MigrationMode,
    ) -> Result<DryRunReport, (CliError, Option<ReceivedSignal>)> {
        let (state, metrics) = (self.state.clone(), self.metrics.clone());
        let context = self.context;
        let url = self.url.clone();
        let url = url.as_deref();
        let work = async |interrupt: Interrupt| {
            let migrator = migrator(context, url)?;
            let mut progress = Progress::new(true);
            let mut observer = RunObserver::default();
            let mut on_event = |event: Event<'_>| {
                progress.event(&event);
                if mode == MigrationMode::Online {
                    observer.observe(&event, &state, &metrics);
                }
            };
            let control = RunControl {
                interrupt,
                ..RunControl::without_signals(&mut on_event)
            };
            let request = Request::Downgrade(MigrationRequest::to(target).with_mode(mode));
            match migrator.run(request, Some(project), control).await? {
                Completion::Done => Ok(DryRunReport::default()),
                Completion::DryRun(report) => Ok(report),
                Completion::Exit(_) => Err(CliError::usage(
                    "env.py ended its process before the downgrade was complete",
                )),
            }
        };
        let (result, signal) = self.run_interruptible(work).await;
        self.state.update(|state| state.step = None);
        result.map_err(|error| (error, signal))
    }

    fn downgrade_failed(&self, error: CliError, signal: Option<ReceivedSignal>) -> RollbackOutcome {
        if signal.is_none() {
            exit::report(self.context, error);
        }
        not_rolled_back("the downgrade failed")
    }
}

fn not_rolled_back(reason: &str) -> RollbackOutcome {
    Message::new("the migration was not rolled back")
        .note(reason)
        .print();
    RollbackOutcome::Failed
}

/// Returns the target of a downgrade that reverts exactly the applied revisions, or the reason why no target does.
fn rollback_target(
    migration: &MigrationResult,
    before: &[String],
    after: &[String],
) -> Result<String, String> {
    let target = match before {
        [] => "base".to_owned(),
        [one] => one.clone(),
        several => {
            return Err(format!(
                "the database was at {}, and a downgrade has only one target",
                several.join(" and ")
            ));
        }
    };
    let plan = migration
        .project
        .map
        .plan_downgrade(after, &target)
        .map_err(|error| error.to_string())?;
    let reverted: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter_map(|step| step.revision())
        .collect();
    let applied: BTreeSet<&str> = migration.applied.iter().map(String::as_str).collect();
    if reverted != applied {
        return Err(format!(
            "a downgrade to {target} would not revert exactly the applied revisions"
        ));
    }
    for revision in applied {
        let problem = match migration.project.downgrade_of(revision) {
            Ok(DowngradeStatus::Implemented) => continue,
            Ok(DowngradeStatus::Empty) => "does nothing",
            Ok(DowngradeStatus::Raises) => "raises an exception",
            Ok(DowngradeStatus::Missing) => "is missing",
            Ok(DowngradeStatus::Unknown) => "can't be read",
            Err(error) => return Err(error.to_string()),
        };
        return Err(format!("the `downgrade` of {revision} {problem}"));
    }
    Ok(target)
}
