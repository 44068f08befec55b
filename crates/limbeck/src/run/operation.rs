//! The operation that a run carries out, and the plan that follows from the version rows.

use limbeck_revision::{MigrationPlan, RevisionMap};

use crate::command_error::CommandError;

/// A callback that receives the version rows and the masked URL of each database that `env.py` connects to.
pub(crate) type Inspection<'a> =
    Box<dyn FnMut(&[String], Option<&str>) -> Result<(), CommandError> + Send + 'a>;

/// The operation of a run.
pub(crate) enum Operation<'a> {
    /// `upgrade TARGET`.
    Upgrade(String),
    /// `downgrade TARGET`.
    Downgrade(String),
    /// `stamp TARGET…`.
    Stamp(Vec<String>),
    /// `ensure_version`.
    EnsureVersion,
    /// Reads the version rows and changes nothing: `current`, `history -i`, `show current`, `edit current`.
    Inspect(Inspection<'a>),
    /// One of Alembic's own functions, which makes its own plan.
    Alembic,
}

impl Operation<'_> {
    /// Returns `true` if the operation may write to the database.
    pub(crate) fn changes_database(&self) -> bool {
        !matches!(self, Self::Inspect(_) | Self::Alembic)
    }

    /// Returns the plan for a database with these version rows.
    ///
    /// # Errors
    /// [`CommandError`] of kind [`Revision`](crate::CommandErrorKind::Revision) if no plan leads to the target.
    pub(super) fn plan(
        &self,
        map: &RevisionMap,
        heads: &[String],
    ) -> Result<MigrationPlan, CommandError> {
        let plan = match self {
            Self::Upgrade(target) => map.plan_upgrade(heads, target),
            Self::Downgrade(target) => map.plan_downgrade(heads, target),
            Self::Stamp(targets) => map.plan_stamp(heads, targets),
            Self::EnsureVersion | Self::Inspect(_) | Self::Alembic => Ok(MigrationPlan::default()),
        };
        plan.map_err(|error| CommandError::from(error).explain_rows(heads))
    }

    /// Returns `true` if the operation may write to a database with the version rows `heads`. `exists` is `Some(true)`
    /// if the version table exists. `exists` and `heads` are `None` if they could not be read without a lock.
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
            _ => true,
        }
    }
}
