//! The end of a run: everything that the run holds is released, and its outcome becomes a result.

use std::time::Duration;

use limbeck_script::worker::RunOutcome;
use tokio::time::timeout;

use super::Ending;
use super::event::Event;
use super::failure::RunError;
use super::state::RunState;
use super::worker_driver::{WorkerDriver, WorkerResults};
use crate::command_error::{CommandError, CommandErrorKind};

/// Maximum time to read the version table after a signal.
const STATE_TIMEOUT: Duration = Duration::from_secs(2);

impl RunState<'_, '_> {
    /// Rolls back and closes the sessions, ends the worker, reports the final state, and releases the locks.
    ///
    /// # Errors
    /// The error that ended the run, or else the first error of the cleanup.
    pub(super) async fn finish(
        mut self,
        driver: WorkerDriver,
        outcome: Result<RunOutcome, RunError>,
        report_final_state: bool,
    ) -> Result<Ending, RunError> {
        let mut outcome = self.find_interruption(outcome);
        if let Err(RunError::Interrupted(interruption)) = &mut outcome {
            self.describe_interruption(interruption);
        }
        let done = matches!(outcome, Ok(RunOutcome::Done));
        let dry_run = if self.dry_run && done {
            Some(self.sessions.end_dry_run().await)
        } else {
            None
        };
        self.sessions.close_all().await;
        self.record_close(None);
        self.locks.close_unused_session().await;
        let results = match &mut outcome {
            Ok(_) => driver.wait().await,
            Err(RunError::Interrupted(interruption)) => {
                let results = driver.interrupt().await;
                let reading = self.database_state();
                if let Ok(state) = timeout(STATE_TIMEOUT, reading).await {
                    interruption.state.before = state.before;
                    interruption.state.after = state.after;
                }
                results
            }
            Err(_) => driver.stop().await,
        };
        let result = match (outcome, dry_run) {
            (Err(error), _) => Err(error),
            (Ok(_), Some(Err(error))) => Err(RunError::DryRun(error)),
            (Ok(_), Some(Ok(report))) => Ok(Ending::DryRun(report)),
            (Ok(outcome), None) => self.conclude(outcome, results).await,
        };
        let result = match result {
            Ok(ending @ (Ending::Done | Ending::Exit(0))) => {
                self.check_commits().await.map(|()| ending)
            }
            other => other,
        };
        if report_final_state && done && result.is_ok() && self.progress.location.is_some() {
            let state = self.database_state().await;
            (self.on_event)(Event::Finished(state));
        }
        // The final state was read under the lock.
        self.locks.release().await;
        result
    }

    /// Returns a failure of the worker as the interruption that it is if a signal has arrived: `Ctrl-C` ends the worker, too.
    fn find_interruption(
        &self,
        outcome: Result<RunOutcome, RunError>,
    ) -> Result<RunOutcome, RunError> {
        match (outcome, *self.interrupt.borrow()) {
            (Err(RunError::Worker(_)), Some(signal)) => Err(signal.into()),
            (outcome, _) => outcome,
        }
    }

    /// Releases everything that the run holds.
    pub(super) async fn release(&mut self) {
        self.sessions.close_all().await;
        self.locks.close_unused_session().await;
        self.locks.release().await;
    }

    async fn conclude(
        &mut self,
        outcome: RunOutcome,
        results: WorkerResults,
    ) -> Result<Ending, RunError> {
        match outcome {
            RunOutcome::Done => Ok(results.headers.map_or(Ending::Done, Ending::Headers)),
            RunOutcome::Exit { status } => Ok(Ending::Exit(status)),
            RunOutcome::CommandError { message } => {
                let refusal = results
                    .refusal
                    .filter(|refusal| refusal.message() == message);
                let raised = || CommandError::new(CommandErrorKind::Raised, message.clone());
                Err(refusal.unwrap_or_else(raised).into())
            }
            RunOutcome::Missing { module, message } => Err(RunError::MissingModule {
                interpreter: results.interpreter,
                module,
                message,
            }),
            RunOutcome::Exception(exception) => Err(self.explain(*exception).await),
        }
    }
}
