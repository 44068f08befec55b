//! What a run of the environment is for, and the steps that follow from the heads it finds.

use limbeck_revision::{Direction, MigrationPlan, RevisionMap};
use limbeck_script::worker::{PlanReply, PlannedStep, StepsReply};

/// A command's refusal, in Alembic's words: what stands after `FAILED: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    /// `env.py`, or a script, called `sys.exit` where the run should have gone on.
    pub fn of_exit(status: i32) -> Self {
        Self(format!("env.py ended its process with status {status}"))
    }
}

/// What a command does with the heads that `env.py` leads to.
pub(super) type Inspection<'a> =
    Box<dyn FnMut(&[String], Option<&str>) -> Result<(), Refusal> + 'a>;

/// What a run is for.
pub enum Intent<'a> {
    /// `upgrade TARGET`.
    Upgrade(String),
    /// `downgrade TARGET`.
    Downgrade(String),
    /// `stamp TARGET…`.
    Stamp(Vec<String>),
    /// `ensure_version`.
    EnsureVersion,
    /// Look at the heads, change nothing: `current`, `history -i`, `show current`, `edit current`.
    Inspect(Inspection<'a>),
    /// One of Alembic's own commands, which brings its own function.
    Alembic,
}

impl Intent<'_> {
    /// Whether a run with this intent may write to the database.
    pub fn changes_database(&self) -> bool {
        !matches!(self, Self::Inspect(_) | Self::Alembic)
    }

    /// The steps from `heads`.
    ///
    /// # Errors
    /// The command's refusal.
    pub(super) fn plan(
        &self,
        map: &RevisionMap,
        heads: &[String],
    ) -> Result<MigrationPlan, Refusal> {
        let plan = match self {
            Self::Upgrade(target) => map.plan_upgrade(heads, target),
            Self::Downgrade(target) => map.plan_downgrade(heads, target),
            Self::Stamp(targets) => map.plan_stamp(heads, targets),
            Self::EnsureVersion | Self::Inspect(_) | Self::Alembic => {
                return Ok(MigrationPlan::default());
            }
        };
        plan.map_err(|error| Refusal(error.to_string()))
    }

    /// Whether there may be something to do, so that the lock is wanted.
    pub(super) fn needs_lock(
        &self,
        map: &RevisionMap,
        exists: Option<bool>,
        heads: Option<&[String]>,
    ) -> bool {
        match (exists, heads) {
            (Some(true), Some(heads)) => self
                .plan(map, heads)
                .is_ok_and(|plan| !plan.steps.is_empty()),
            // The table itself is to be created, or nothing could be looked at.
            _ => true,
        }
    }
}

/// A plan as the worker reads it.
pub(super) fn plan_reply(plan: &MigrationPlan, ensure_version: bool) -> PlanReply {
    let steps = plan
        .steps
        .iter()
        .map(|step| {
            let revision = || step.revision().unwrap_or_default().to_owned();
            match step.direction {
                Direction::Upgrade => PlannedStep::Upgrade {
                    revision: revision(),
                },
                Direction::Downgrade => PlannedStep::Downgrade {
                    revision: revision(),
                },
                Direction::Stamp { is_upward } => PlannedStep::Stamp {
                    from: step.from_revisions.clone(),
                    to: step.to_revisions.clone(),
                    is_upward,
                    branch_move: step.is_branch_move(),
                },
            }
        })
        .collect();
    PlanReply::Steps(StepsReply {
        steps,
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
        ensure_version,
    })
}
