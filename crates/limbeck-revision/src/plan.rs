//! The steps from where a database stands to a target, and the listing of a range.

use std::fmt;

use crate::error::Wording;
use crate::map::Index;
use crate::select::{Lower, RangeRules};
use crate::{RevisionError, RevisionMap};

/// The steps of a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MigrationPlan {
    /// The steps.
    pub steps: Vec<MigrationStep>,
    /// What Alembic warns of.
    pub warnings: Vec<PlanWarning>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStep {
    /// What it is.
    pub kind: StepKind,
    /// The revisions before it, as its log line shows them.
    pub from_revisions: Vec<String>,
    /// The revisions after it, as its log line shows them.
    pub to_revisions: Vec<String>,
}

/// What a step is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// Runs `upgrade()`.
    Upgrade {
        /// The revision.
        revision: String,
    },
    /// Runs `downgrade()`.
    Downgrade {
        /// The revision.
        revision: String,
    },
    /// Changes version rows only.
    Stamp {
        /// Whether the move is upward.
        upgrade: bool,
        /// Whether a row appears or disappears rather than moves.
        branch_move: bool,
    },
}

/// Something that is done, but should be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanWarning {
    /// `downgrade -1` where the version table has several rows.
    AmbiguousDowngrade,
}

impl fmt::Display for PlanWarning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::AmbiguousDowngrade => {
                "downgrade -1 from multiple heads is ambiguous; this usage will be disallowed in a future release."
            }
        })
    }
}

impl MigrationStep {
    /// The revision whose script runs; none for a stamp.
    pub fn revision(&self) -> Option<&str> {
        match &self.kind {
            StepKind::Upgrade { revision } | StepKind::Downgrade { revision } => Some(revision),
            StepKind::Stamp { .. } => None,
        }
    }
}

impl RevisionMap {
    /// The steps of `upgrade TARGET` from these version rows.
    ///
    /// # Errors
    /// [`RevisionError`] in the words of `upgrade`.
    pub fn plan_upgrade(
        &self,
        rows: &[String],
        target: &str,
    ) -> Result<MigrationPlan, RevisionError> {
        let rules = RangeRules {
            inclusive: false,
            implicit_base: true,
            strict: true,
        };
        let wording = Wording {
            direction: Some("upgrade"),
            end: Some(target),
            ..Wording::default()
        };
        let selection = self
            .select_up(&[target], Lower::Rows(rows), rules)
            .map_err(|error| error.worded(wording))?;
        let mut order = self.sort(&selection.members, &selection.heads)?;
        order.reverse();
        let step = |index: Index| MigrationStep {
            kind: StepKind::Upgrade {
                revision: self.id(index).to_owned(),
            },
            from_revisions: self.parents(index),
            to_revisions: vec![self.id(index).to_owned()],
        };
        Ok(MigrationPlan {
            steps: order.into_iter().map(step).collect(),
            warnings: Vec::new(),
        })
    }

    /// The steps of `downgrade TARGET` from these version rows.
    ///
    /// # Errors
    /// [`RevisionError`] in the words of `downgrade`.
    pub fn plan_downgrade(
        &self,
        rows: &[String],
        target: &str,
    ) -> Result<MigrationPlan, RevisionError> {
        let wording = Wording {
            direction: Some("downgrade"),
            end: Some(target),
            ..Wording::default()
        };
        let mut warnings = Vec::new();
        let selection = self
            .select_down(rows, target, &mut warnings)
            .map_err(|error| error.worded(wording))?;
        let order = self.sort(&selection.members, &selection.heads)?;
        let step = |index: Index| MigrationStep {
            kind: StepKind::Downgrade {
                revision: self.id(index).to_owned(),
            },
            from_revisions: vec![self.id(index).to_owned()],
            to_revisions: self.parents(index),
        };
        Ok(MigrationPlan {
            steps: order.into_iter().map(step).collect(),
            warnings,
        })
    }

    /// The revisions of `history -r START:END`, newest first, both ends among them.
    ///
    /// # Errors
    /// [`RevisionError`] in the words of `history`.
    pub fn history(
        &self,
        start: HistoryEnd<'_>,
        end: HistoryEnd<'_>,
    ) -> Result<Vec<&str>, RevisionError> {
        let rules = RangeRules {
            inclusive: true,
            implicit_base: false,
            strict: false,
        };
        let (start_text, end_text) = (start.text(), end.text());
        let uppers: Vec<&str> = match end {
            HistoryEnd::Name(name) => vec![name],
            HistoryEnd::Rows(rows) => rows.iter().map(String::as_str).collect(),
        };
        let lower = match start {
            HistoryEnd::Name(name) => Lower::Name(name),
            HistoryEnd::Rows(rows) => Lower::Rows(rows),
        };
        let wording = Wording {
            start: Some(&start_text),
            end: Some(&end_text),
            ..Wording::default()
        };
        let selection = self
            .select_up(&uppers, lower, rules)
            .map_err(|error| error.worded(wording))?;
        let order = self.sort(&selection.members, &selection.heads)?;
        Ok(self.ids(&order))
    }

    fn parents(&self, index: Index) -> Vec<String> {
        self.nodes[index]
            .parents
            .iter()
            .map(|&parent| self.id(parent).to_owned())
            .collect()
    }
}

/// An end of a range: a name, or the version rows for `current`.
#[derive(Debug, Clone, Copy)]
pub enum HistoryEnd<'a> {
    /// A name.
    Name(&'a str),
    /// Version rows.
    Rows(&'a [String]),
}

impl HistoryEnd<'_> {
    fn text(self) -> String {
        match self {
            Self::Name(name) => name.to_owned(),
            // Alembic formats its tuple of rows.
            Self::Rows([only]) => format!("('{only}',)"),
            Self::Rows(rows) => format!("('{}')", rows.join("', '")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Revision, RevisionMap};

    #[test]
    fn a_misspelt_branch_reverts_nothing() {
        let revision = |labels: &[&str]| Revision {
            id: "a1a1".into(),
            branch_labels: labels.iter().map(ToString::to_string).collect(),
            ..Revision::default()
        };
        for labels in [&["blog"][..], &[]] {
            let map = RevisionMap::new(vec![revision(labels)]).unwrap();
            let error = map
                .plan_downgrade(&["a1a1".into()], "typo@base")
                .unwrap_err();
            assert_eq!(
                error.to_string(),
                "Can't locate revision identified by 'typo'"
            );
            assert_eq!(
                map.plan_downgrade(&["a1a1".into()], "a1a1@base")
                    .unwrap()
                    .steps
                    .len(),
                1
            );
        }
    }
}
