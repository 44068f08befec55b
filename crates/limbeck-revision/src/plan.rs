//! Plans of `upgrade` and `downgrade`, and the list of revisions that `history` shows.

use std::fmt;

use crate::error::CommandContext;
use crate::map::Index;
use crate::relative::Overrun;
use crate::select::RangeRules;
use crate::{Direction, HeadConflict, RevisionError, RevisionMap, Step};

/// The steps of a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MigrationPlan {
    /// The steps.
    pub steps: Vec<Step>,
    /// The warnings that Alembic prints before it runs the steps.
    pub warnings: Vec<PlanWarning>,
    /// The first step whose changes to the version rows Alembic can't make. The run fails there.
    pub conflict: Option<HeadConflict>,
}

/// A warning about a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanWarning {
    /// The target is relative, as in `downgrade -1`, and the version table has several rows.
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

impl RevisionMap {
    /// Returns the plan of `upgrade TARGET` from these version rows.
    ///
    /// # Errors
    /// Returns a [`RevisionError`] with the message of `alembic upgrade` if a row or the target can't be resolved,
    /// or if the target can't be reached.
    pub fn plan_upgrade(
        &self,
        rows: &[String],
        target: &str,
    ) -> Result<MigrationPlan, RevisionError> {
        let rules = RangeRules {
            includes_lower_end: false,
            includes_other_branches: true,
            overrun: Overrun::Refuse,
        };
        let context = CommandContext {
            direction: Some("upgrade"),
            end: Some(target),
            ..CommandContext::default()
        };
        let selection = self
            .select_range(&[target], HistoryEnd::Rows(rows), rules)
            .map_err(|error| error.in_context(context))?;
        let mut order = self.sort(&selection.members, &selection.heads)?;
        order.reverse();
        let step = |index: Index| Step {
            direction: Direction::Upgrade,
            from_revisions: self.parent_ids(index),
            to_revisions: vec![self.id(index).to_owned()],
            head_changes: Vec::new(),
        };
        self.plan_of_steps(rows, order.into_iter().map(step).collect(), Vec::new())
    }

    /// Returns the plan of `downgrade TARGET` from these version rows.
    ///
    /// # Errors
    /// Returns a [`RevisionError`] with the message of `alembic downgrade` if a row or the target can't be
    /// resolved, or if the target can't be reached.
    pub fn plan_downgrade(
        &self,
        rows: &[String],
        target: &str,
    ) -> Result<MigrationPlan, RevisionError> {
        let context = CommandContext {
            direction: Some("downgrade"),
            end: Some(target),
            ..CommandContext::default()
        };
        let mut warnings = Vec::new();
        let selection = self
            .select_downgrade(rows, target, &mut warnings)
            .map_err(|error| error.in_context(context))?;
        let order = self.sort(&selection.members, &selection.heads)?;
        let step = |index: Index| Step {
            direction: Direction::Downgrade,
            from_revisions: vec![self.id(index).to_owned()],
            to_revisions: self.parent_ids(index),
            head_changes: Vec::new(),
        };
        self.plan_of_steps(rows, order.into_iter().map(step).collect(), warnings)
    }

    /// Returns the plan that runs `steps` from `rows`, with the head changes of each step.
    pub(crate) fn plan_of_steps(
        &self,
        rows: &[String],
        mut steps: Vec<Step>,
        warnings: Vec<PlanWarning>,
    ) -> Result<MigrationPlan, RevisionError> {
        let conflict = self.fill_head_changes(rows, &mut steps)?;
        Ok(MigrationPlan {
            steps,
            warnings,
            conflict,
        })
    }

    /// Returns the revisions of `history -r START:END`, newest first, including both ends.
    ///
    /// # Errors
    /// Returns a [`RevisionError`] with the message of `alembic history` if an end can't be resolved, or if the two
    /// ends are not on one line of revisions.
    pub fn history(
        &self,
        start: HistoryEnd<'_>,
        end: HistoryEnd<'_>,
    ) -> Result<Vec<&str>, RevisionError> {
        let rules = RangeRules {
            includes_lower_end: true,
            includes_other_branches: false,
            overrun: Overrun::Stop,
        };
        let (start_text, end_text) = (start.text(), end.text());
        let uppers: Vec<&str> = match end {
            HistoryEnd::Name(name) => vec![name],
            HistoryEnd::Rows(rows) => rows.iter().map(String::as_str).collect(),
        };
        let context = CommandContext {
            start: Some(&start_text),
            end: Some(&end_text),
            ..CommandContext::default()
        };
        let selection = self
            .select_range(&uppers, start, rules)
            .map_err(|error| error.in_context(context))?;
        let order = self.sort(&selection.members, &selection.heads)?;
        Ok(self.ids(&order))
    }

    fn parent_ids(&self, index: Index) -> Vec<String> {
        self.nodes[index]
            .parents
            .iter()
            .map(|&parent| self.id(parent).to_owned())
            .collect()
    }
}

/// An end of a range of revisions.
#[derive(Debug, Clone, Copy)]
pub enum HistoryEnd<'a> {
    /// The name of a revision, as `history -r` accepts it.
    Name(&'a str),
    /// The version rows of a database, for `current`.
    Rows(&'a [String]),
}

impl HistoryEnd<'_> {
    /// Returns the end as Alembic's messages show it.
    fn text(self) -> String {
        match self {
            Self::Name(name) => name.to_owned(),
            // Alembic prints its tuple of rows.
            Self::Rows([only]) => format!("('{only}',)"),
            Self::Rows(rows) => format!("('{}')", rows.join("', '")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Revision, RevisionMap};

    #[test]
    fn refuses_to_downgrade_to_the_base_of_a_misspelt_branch() {
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
