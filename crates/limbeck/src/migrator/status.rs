//! The status of a database: its revision, and the revisions that are pending.

use crate::command_error::CommandError;
use crate::project::Project;

/// The status of a database, compared with the project's scripts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The version rows.
    pub current: Vec<String>,
    /// The heads of the scripts.
    pub heads: Vec<String>,
    /// The revisions that `upgrade` to the target would apply, in order.
    pub pending: Vec<Pending>,
}

/// A revision that has not been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The revision.
    pub revision: String,
    /// The first line of its docstring.
    pub doc: String,
}

impl Status {
    /// Compares version rows with the scripts. `target` is an argument of `upgrade`: `head`, `heads` or a revision.
    ///
    /// # Errors
    /// [`CommandError`] if a row or the target can't be resolved.
    pub fn new(project: &Project, rows: &[String], target: &str) -> Result<Self, CommandError> {
        let plan = project.map.plan_upgrade(rows, target);
        let plan = plan.map_err(|error| CommandError::from(error).explain_rows(rows))?;
        let pending = plan
            .steps
            .iter()
            .filter_map(|step| step.revision())
            .map(|revision| {
                let doc = project.script(revision)?.1.doc().to_owned();
                let revision = revision.to_owned();
                Ok(Pending { revision, doc })
            })
            .collect::<Result<_, CommandError>>()?;
        Ok(Self {
            current: rows.to_vec(),
            heads: project.map.heads().into_iter().map(str::to_owned).collect(),
            pending,
        })
    }

    /// Returns `true` if nothing is pending.
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty()
    }
}
