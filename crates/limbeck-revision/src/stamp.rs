//! Plans of `stamp`, which moves version rows and runs no script.

use crate::error::CommandContext;
use crate::lookup::Lineage;
use crate::map::Index;
use crate::relative::WalkPosition;
use crate::{Direction, MigrationPlan, RevisionError, RevisionErrorKind, RevisionMap, Step};

impl RevisionMap {
    /// Returns the plan of `stamp TARGET…` from these version rows.
    ///
    /// # Errors
    /// Returns a [`RevisionError`] with the message of `alembic stamp` if a row or a target can't be resolved, or if
    /// rows are above and below a target.
    pub fn plan_stamp(
        &self,
        rows: &[String],
        targets: &[String],
    ) -> Result<MigrationPlan, RevisionError> {
        let multiple_heads = "Multiple heads are present; please specify a single target revision";
        let context = CommandContext {
            multiple_heads: Some(multiple_heads),
            ..CommandContext::default()
        };
        let steps = self
            .stamp_steps(rows, targets)
            .map_err(|error| error.in_context(context))?;
        self.plan_of_steps(rows, steps, Vec::new())
    }

    fn stamp_steps(&self, rows: &[String], targets: &[String]) -> Result<Vec<Step>, RevisionError> {
        let heads = self.lookup_rows(rows)?;
        let base = ["base".to_owned()];
        let targets = if targets.is_empty() { &base } else { targets };
        let mut affected: Vec<Index> = Vec::new();
        // Like Alembic, ignore an empty target here; its lookup below fails.
        for target in targets.iter().filter(|target| !target.is_empty()) {
            for head in self.filter_by_lineage(&heads, target, Lineage::ParentsAndDependencies)? {
                if !affected.contains(&head) {
                    affected.push(head);
                }
            }
        }
        let mut destinations: Vec<Option<Index>> = Vec::new();
        for target in targets {
            destinations.extend(self.lookup(target)?.into_iter().map(WalkPosition::revision));
        }
        if destinations.is_empty() {
            destinations.push(None);
        }
        let mut steps = Vec::new();
        for destination in destinations {
            match destination {
                None => steps.extend(affected.iter().map(|&head| self.stamp_down(&[head], None))),
                Some(index) if affected.contains(&index) => {}
                Some(index) => steps.push(self.stamp_to(index, &affected)?),
            }
        }
        Ok(steps)
    }

    fn stamp_to(&self, destination: Index, affected: &[Index]) -> Result<Step, RevisionError> {
        let above = self.descendants(&[destination]);
        let below = self.ancestors(&[destination]);
        let has_rows_above = affected.iter().any(|&head| above.contains(head));
        let has_rows_below = affected.iter().any(|&head| below.contains(head));
        match (has_rows_above, has_rows_below) {
            (true, true) => Err(RevisionError::new(
                RevisionErrorKind::StampAmidRows {
                    revision: self.id(destination).to_owned(),
                },
                format!(
                    "The version table has rows above and below revision {}; stamp with --purge to replace them all",
                    self.id(destination)
                ),
            )),
            (true, false) => Ok(self.stamp_down(affected, Some(destination))),
            (false, true) => Ok(self.stamp_up(affected, destination)),
            (false, false) => Ok(self.stamp_up(&[], destination)),
        }
    }

    fn stamp_up(&self, from: &[Index], to: Index) -> Step {
        self.stamp_step(from, Some(to), Direction::Stamp { is_upward: true })
    }

    fn stamp_down(&self, from: &[Index], to: Option<Index>) -> Step {
        self.stamp_step(from, to, Direction::Stamp { is_upward: false })
    }

    fn stamp_step(&self, from: &[Index], to: Option<Index>, direction: Direction) -> Step {
        let ids = |indexes: &[Index]| {
            self.ids(indexes)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        Step {
            direction,
            from_revisions: ids(from),
            to_revisions: ids(to.as_slice()),
            head_changes: Vec::new(),
        }
    }
}
