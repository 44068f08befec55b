//! The steps of a plan and their changes to the version rows.

/// One step of a [`MigrationPlan`](crate::MigrationPlan).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The direction of the step, or a stamp.
    pub direction: Direction,
    /// The revisions before the step, as Alembic's log line shows them: empty if the step starts at the base.
    pub from_revisions: Vec<String>,
    /// The revisions after the step, as Alembic's log line shows them: empty if the step ends at the base.
    pub to_revisions: Vec<String>,
    /// The changes to the version rows, in the order in which Alembic makes them. Each step makes at least one;
    /// the list is empty only from the step on that [`MigrationPlan::conflict`](crate::MigrationPlan::conflict)
    /// names.
    pub head_changes: Vec<HeadChange>,
}

impl Step {
    /// Returns the revision whose script runs, or `None` for a stamp.
    pub fn revision(&self) -> Option<&str> {
        let revisions = match self.direction {
            Direction::Upgrade => &self.to_revisions,
            Direction::Downgrade => &self.from_revisions,
            Direction::Stamp { .. } => return None,
        };
        revisions.first().map(String::as_str)
    }

    /// Returns `true` if the step is a stamp that adds or removes a branch, so that a row appears or disappears
    /// instead of moving.
    pub fn is_branch_move(&self) -> bool {
        matches!(self.direction, Direction::Stamp { .. })
            && (self.from_revisions.is_empty() || self.to_revisions.is_empty())
    }

    /// Makes the step's changes to `rows`, the version rows before the step.
    pub fn apply_to(&self, rows: &mut Vec<String>) {
        for change in &self.head_changes {
            change.apply_to(rows);
        }
    }
}

/// The direction of a [`Step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Runs the `upgrade()` of a script.
    Upgrade,
    /// Runs the `downgrade()` of a script.
    Downgrade,
    /// Changes version rows and runs no script.
    Stamp {
        /// `true` if the rows move towards the heads, `false` if they move towards the base.
        is_upward: bool,
    },
}

impl Direction {
    /// Returns the direction's name: `upgrade`, `downgrade` or `stamp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Stamp { .. } => "stamp",
        }
    }
}

impl std::fmt::Display for Direction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A change to the version rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadChange {
    /// Deletes a row.
    Delete {
        /// The row's revision.
        revision: String,
    },
    /// Inserts a row.
    Insert {
        /// The row's revision.
        revision: String,
    },
    /// Updates a row.
    Update {
        /// The row's revision before the change.
        from: String,
        /// The row's revision after the change.
        to: String,
    },
}

impl HeadChange {
    /// Makes the change to `rows`, the version rows before it. An update keeps the row's place.
    pub fn apply_to(&self, rows: &mut Vec<String>) {
        match self {
            Self::Delete { revision } => rows.retain(|row| row != revision),
            Self::Insert { revision } => rows.push(revision.clone()),
            Self::Update { from, to } => {
                for row in rows.iter_mut().filter(|row| *row == from) {
                    row.clone_from(to);
                }
            }
        }
    }
}

/// A step whose changes to the version rows Alembic can't make: it raises an exception there, after the script has
/// run.
///
/// Two causes are known with rows that earlier runs wrote: a merge of several rows where one parent is an ancestor of
/// another, and a stamp of several targets that resolve to one revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
#[non_exhaustive]
pub struct HeadConflict {
    /// The index of the step in the plan.
    pub step: usize,
    /// The reason why the change is impossible.
    pub cause: HeadConflictCause,
}

/// The reason for a [`HeadConflict`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadConflictCause {
    /// The step deletes or updates a row that doesn't exist.
    #[error("the version table has no row of revision `{revision}`")]
    MissingRow {
        /// The row's revision.
        revision: String,
    },
    /// The step inserts a row that exists, or updates another row to the same revision.
    #[error("the version table already has a row of revision `{revision}`")]
    DuplicateRow {
        /// The row's revision.
        revision: String,
    },
    /// The step merges rows that are all ancestors of other rows, so that no row is left to update.
    #[error("the rows that revision `{revision}` merges are ancestors of other rows")]
    OverlappingRows {
        /// The revision of the step.
        revision: String,
    },
}
