//! The plan of a run and the step that it has reached.

use std::path::PathBuf;

use limbeck_revision::{Direction, Step};

use crate::version_table_location::VersionTableLocation;

use super::failure::FailedStep;
use super::step_work::StepWork;

/// The progress of a run.
#[derive(Debug, Default)]
pub(super) struct RunProgress {
    /// The steps of the plan, in order.
    pub(super) steps: Vec<Step>,
    /// The revisions of the steps that have ended, in order.
    pub(super) finished: Vec<String>,
    /// `true` if one of these steps had committed by itself, or changed the database outside a transaction.
    pub(super) finished_committed: bool,
    /// The running step, or after a failure the step that failed.
    pub(super) step: Option<RunningStep>,
    /// The version rows that the plan starts from.
    pub(super) heads_before: Option<Vec<String>>,
    /// The version table, once `env.py` has chosen it.
    pub(super) location: Option<VersionTableLocation>,
}

/// A running step.
#[derive(Debug)]
pub(super) struct RunningStep {
    /// Position in the plan, from 0.
    pub(super) index: usize,
    pub(super) revision: String,
    pub(super) direction: Direction,
    pub(super) path: PathBuf,
    /// Number of statements that the script has sent.
    pub(super) statements: usize,
    pub(super) work: StepWork,
}

impl RunProgress {
    /// Returns the running step's revision.
    pub(super) fn revision(&self) -> Option<&str> {
        self.step.as_ref().map(|step| step.revision.as_str())
    }

    /// Returns the running step as a failure report shows it.
    pub(super) fn failed_step(&self) -> Option<FailedStep> {
        let step = self.step.as_ref()?;
        let revisions = |steps: Option<&[Step]>| {
            let steps = steps.unwrap_or_default().iter();
            steps
                .filter_map(|step| step.revision().map(str::to_owned))
                .collect()
        };
        Some(FailedStep {
            revision: step.revision.clone(),
            direction: step.direction,
            number: step.index + 1,
            of: self.steps.len(),
            statements: step.statements,
            before: revisions(self.steps.get(..step.index)),
            after: revisions(self.steps.get(step.index + 1..)),
        })
    }
}
