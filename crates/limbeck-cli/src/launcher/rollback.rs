//! The way back: a migration after which the application is unwell is undone, where that loses nothing.

use std::cell::RefCell;
use std::collections::BTreeSet;

use limbeck::DowngradeStatus;
use limbeck::migrator::{Call, Watch};
use limbeck::project::Project;
use limbeck::run::{Ending, Event, Intent, Interrupt, Rehearsed};
use limbeck_supervisor::{Phase, Received};

use super::database::{Migrated, Seen};
use super::{Launcher, migrator, tell};
use crate::cli_error::CliError;
use crate::exit;
use crate::output::message::Message;
use crate::output::progress::Progress;

/// How an attempt to undo a migration came out.
pub(super) enum Undone {
    /// Nothing was migrated, so there is nothing to undo.
    Nothing,
    /// It is undone.
    All,
    /// It is not, or not all of it; why has been told.
    NotAll,
}

impl Launcher<'_> {
    /// Brings the database back to where it was before this launch.
    pub(super) async fn roll_back(&mut self, migrated: &Migrated) -> Undone {
        let Some(standing) = &migrated.standing else {
            return Undone::Nothing;
        };
        let (Some(before), Some(after)) = (&standing.before, &standing.after) else {
            return refuse("it isn't known where the database stood before");
        };
        if migrated.applied.is_empty() {
            return Undone::Nothing;
        }
        self.board.enter(Phase::RollingBack);
        let target = match way_back(migrated, before, after) {
            Ok(target) => target,
            Err(why) => return refuse(&why),
        };
        if !self.settings.allow_data_loss {
            match self.downgrade(migrated.project, &target, true).await {
                Ok(rehearsed) if rehearsed.losses.is_empty() => {}
                Ok(rehearsed) => {
                    let mut message =
                        Message::new("the migration is not undone: that would lose data");
                    message.notes = rehearsed.losses.iter().map(ToString::to_string).collect();
                    message
                        .help("allow it with --allow-data-loss, or look with `limbeck downgrade --dry-run`")
                        .print();
                    return Undone::NotAll;
                }
                Err((error, signal)) => return self.failed(error, signal),
            }
        }
        match self.downgrade(migrated.project, &target, false).await {
            Ok(_) => {
                tell(&format!(
                    "the migration is undone: {} downgraded to {target}",
                    migrated.applied.join(", ")
                ));
                Undone::All
            }
            Err((error, signal)) => self.failed(error, signal),
        }
    }

    /// Downgrades, or only tries to and says what that would do.
    async fn downgrade(
        &mut self,
        project: &'static Project,
        target: &str,
        rehearses: bool,
    ) -> Result<Rehearsed, (CliError, Option<Received>)> {
        let (board, metrics) = (self.board.clone(), self.metrics.clone());
        let context = self.context;
        let url = self.url.clone();
        let url = url.as_deref();
        let rehearsed = RefCell::new(Rehearsed::default());
        let seen = RefCell::new(Seen::default());
        let work = async |interrupt: Interrupt| {
            let migrator = migrator(context, url)?;
            let mut progress = Progress::new(true);
            let mut on_event = |event: Event<'_>| {
                progress.event(&event);
                if let Event::Rehearsed(found) = &event {
                    rehearsed.replace(found.clone());
                }
                if !rehearses {
                    seen.borrow_mut().event(&event, &board, &metrics);
                }
            };
            let watch = Watch {
                interrupt,
                keeps_thread: false,
                on_event: &mut on_event,
            };
            let call = Call {
                rehearses,
                ..Call::to("downgrade", target)
            };
            let intent = &mut Intent::Downgrade(target.to_owned());
            let ending = migrator.run(call, Some(project), intent, watch).await?;
            match ending {
                Ending::Done => Ok(()),
                Ending::Refused(message) => Err(CliError::Refused(message)),
                Ending::Exit(_) | Ending::Headers(_) => Err(CliError::Refused(
                    "env.py ended its process before the downgrade was done".into(),
                )),
            }
        };
        let (done, signal) = self.unless_signalled(work).await;
        self.board.note(|facts| facts.step = None);
        match done {
            Ok(()) => Ok(rehearsed.into_inner()),
            Err(error) => Err((error, signal)),
        }
    }

    fn failed(&self, error: CliError, signal: Option<Received>) -> Undone {
        if signal.is_none() {
            exit::report(self.context, error);
        }
        refuse("the downgrade has failed")
    }
}

fn refuse(why: &str) -> Undone {
    Message::new("the migration is not undone")
        .note(why)
        .print();
    Undone::NotAll
}

/// The target of a downgrade that undoes just what was applied.
fn way_back(migrated: &Migrated, before: &[String], after: &[String]) -> Result<String, String> {
    let target = match before {
        [] => "base".to_owned(),
        [one] => one.clone(),
        several => {
            return Err(format!(
                "the database stood at {}, and one downgrade leads to one revision",
                several.join(" and ")
            ));
        }
    };
    let plan = migrated
        .project
        .map
        .plan_downgrade(after, &target)
        .map_err(|error| error.to_string())?;
    let undone: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter_map(|step| step.revision())
        .collect();
    let applied: BTreeSet<&str> = migrated.applied.iter().map(String::as_str).collect();
    if undone != applied {
        return Err(format!(
            "a downgrade to {target} would not undo just what was applied"
        ));
    }
    for revision in applied {
        let problem = match migrated.project.downgrade_of(revision) {
            Ok(DowngradeStatus::Implemented) => continue,
            Ok(DowngradeStatus::Empty) => "does nothing",
            Ok(DowngradeStatus::Raises) => "refuses",
            Ok(DowngradeStatus::Missing) => "is missing",
            Ok(DowngradeStatus::Unknown) => "can't be read",
            Err(error) => return Err(error.to_string()),
        };
        return Err(format!("the `downgrade` of {revision} {problem}"));
    }
    Ok(target)
}
