//! Alembic's revision graph: resolves targets and plans upgrades, downgrades and stamps.
//!
//! [`RevisionMap::new`] builds the graph from the declarations of all revision scripts and refuses graphs that Alembic
//! can't use. A [`RevisionMap`] answers three kinds of questions:
//!
//! - The revisions themselves: [`heads`](RevisionMap::heads), [`get`](RevisionMap::get),
//!   [`resolve`](RevisionMap::resolve) for names such as `head` or `blog@head`, and [`history`](RevisionMap::history).
//! - The state of a database, given the rows of its version table: [`current`](RevisionMap::current) and
//!   [`applied`](RevisionMap::applied).
//! - Plans from version rows to a target: [`plan_upgrade`](RevisionMap::plan_upgrade),
//!   [`plan_downgrade`](RevisionMap::plan_downgrade) and [`plan_stamp`](RevisionMap::plan_stamp). Each [`Step`] of a
//!   [`MigrationPlan`] has its changes to the version rows ([`HeadChange`]).
//!
//! The results are those of Alembic 1.20. Where Alembic's order depends on Python sets, this crate keeps the order in
//! which the revisions were loaded. No input panics. The crate reads no files and connects to no database.
//!
//! # Example
//!
//! ```
//! use limbeck_revision::{HeadChange, Revision, RevisionMap};
//!
//! let revision = |id: &str, down: &[&str]| Revision {
//!     id: id.to_owned(),
//!     down_revisions: down.iter().map(ToString::to_string).collect(),
//!     ..Revision::default()
//! };
//! // Two branches and their merge.
//! let map = RevisionMap::new(vec![
//!     revision("a1", &[]),
//!     revision("b2", &["a1"]),
//!     revision("c3", &["a1"]),
//!     revision("d4", &["b2", "c3"]),
//! ])?;
//! assert_eq!(map.resolve("head")?, ["d4"]);
//!
//! let rows = ["b2".to_owned(), "c3".to_owned()];
//! let plan = map.plan_upgrade(&rows, "head")?;
//! assert_eq!(plan.steps.len(), 1);
//! assert_eq!(plan.steps[0].revision(), Some("d4"));
//! assert_eq!(
//!     plan.steps[0].head_changes,
//!     [
//!         HeadChange::Delete { revision: "b2".into() },
//!         HeadChange::Update { from: "c3".into(), to: "d4".into() },
//!     ]
//! );
//!
//! let error = map.plan_upgrade(&rows, "e5").unwrap_err();
//! assert_eq!(error.to_string(), "Can't locate revision identified by 'e5'");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod error;
mod heads;
mod lookup;
mod map;
mod names;
mod plan;
mod relative;
mod select;
mod sort;
mod stamp;
mod step;
mod traverse;

pub use error::{GraphError, RevisionError, RevisionErrorKind};
pub use lookup::AppliedRevisions;
pub use map::{Revision, RevisionEntry, RevisionMap};
pub use plan::{HistoryEnd, MigrationPlan, PlanWarning};
pub use step::{Direction, HeadChange, HeadConflict, HeadConflictCause, Step};

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
