//! Where a database stands, against the scripts.

use crate::project::Project;
use crate::run::Refusal;

/// Where a database stands, and what it would take to bring it to a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The version rows.
    pub current: Vec<String>,
    /// The heads of the scripts.
    pub heads: Vec<String>,
    /// What `upgrade` to the target would apply, in order; empty when the database is there.
    pub pending: Vec<Pending>,
}

/// A revision that has not been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The revision.
    pub revision: String,
    /// The first line of its documentation.
    pub doc: String,
}

impl Status {
    /// Compares version rows with the scripts; `target` is what `upgrade` takes: `head`, `heads`, a revision.
    ///
    /// # Errors
    /// Alembic's refusal: of a row that no script has, or a target that is none.
    pub fn new(project: &Project, rows: &[String], target: &str) -> Result<Self, Refusal> {
        let plan = project
            .map
            .plan_upgrade(rows, target)
            .map_err(|error| Refusal(error.to_string()))?;
        let pending = plan
            .steps
            .iter()
            .filter_map(|step| step.revision())
            .map(|revision| {
                let doc = project.script(revision)?.1.doc().to_owned();
                let revision = revision.to_owned();
                Ok(Pending { revision, doc })
            })
            .collect::<Result<_, Refusal>>()?;
        Ok(Self {
            current: rows.to_vec(),
            heads: project.map.heads().into_iter().map(str::to_owned).collect(),
            pending,
        })
    }

    /// Whether there is nothing to apply.
    pub fn is_there(&self) -> bool {
        self.pending.is_empty()
    }
}
