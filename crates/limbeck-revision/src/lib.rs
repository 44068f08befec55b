//! Names revisions, holds their graph, resolves targets, and makes the plan.

mod build;
mod error;
mod lookup;
mod map;
mod names;
mod plan;
mod relative;
mod select;
mod sort;
mod stamp;
mod traverse;

pub use error::{GraphError, RevisionError, RevisionErrorKind};
pub use map::{Member, Revision, RevisionMap};
pub use plan::{HistoryEnd, MigrationPlan, MigrationStep, PlanWarning, StepKind};
