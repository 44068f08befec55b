//! `stamp`: which rows move to which, without running anything.

use crate::error::Wording;
use crate::map::Index;
use crate::relative::At;
use crate::{MigrationPlan, MigrationStep, RevisionError, RevisionMap, StepKind};

impl RevisionMap {
    /// The steps of `stamp TARGET…` from these version rows.
    ///
    /// # Errors
    /// [`RevisionError`] in the words of `stamp`.
    pub fn plan_stamp(
        &self,
        rows: &[String],
        targets: &[String],
    ) -> Result<MigrationPlan, RevisionError> {
        let several_heads = "Multiple heads are present; please specify a single target revision";
        let wording = Wording {
            several_heads: Some(several_heads),
            ..Wording::default()
        };
        self.stamp_steps(rows, targets)
            .map(|steps| MigrationPlan {
                steps,
                warnings: Vec::new(),
            })
            .map_err(|error| error.worded(wording))
    }

    fn stamp_steps(
        &self,
        rows: &[String],
        targets: &[String],
    ) -> Result<Vec<MigrationStep>, RevisionError> {
        let heads = self.lookup_rows(rows)?;
        let base = ["base".to_owned()];
        let targets = if targets.is_empty() { &base } else { targets };
        let mut affected: Vec<Index> = Vec::new();
        for target in targets {
            for head in self.sharing(&heads, target, true)? {
                if !affected.contains(&head) {
                    affected.push(head);
                }
            }
        }
        let mut destinations: Vec<Option<Index>> = Vec::new();
        for target in targets {
            destinations.extend(self.lookup(target)?.into_iter().map(At::revision));
        }
        if destinations.is_empty() {
            destinations.push(None);
        }
        let mut steps = Vec::new();
        for destination in destinations {
            match destination {
                None => steps.extend(
                    affected
                        .iter()
                        .map(|&head| self.stamp(&[head], None, false, true)),
                ),
                Some(index) if affected.contains(&index) => {}
                Some(index) => steps.push(self.stamp_to(index, &affected)?),
            }
        }
        Ok(steps)
    }

    fn stamp_to(
        &self,
        destination: Index,
        affected: &[Index],
    ) -> Result<MigrationStep, RevisionError> {
        let (above, below) = (
            self.descendants(&[destination]),
            self.ancestors(&[destination]),
        );
        let rows_above = affected.iter().any(|&head| above.has(head));
        let rows_below = affected.iter().any(|&head| below.has(head));
        match (rows_above, rows_below) {
            (true, true) => Err(RevisionError::other(format!(
                "The version table has rows above and below revision {}; stamp with --purge to replace them all",
                self.id(destination)
            ))),
            (true, false) => Ok(self.stamp(affected, Some(destination), false, false)),
            (false, true) => Ok(self.stamp(affected, Some(destination), true, false)),
            (false, false) => Ok(self.stamp(&[], Some(destination), true, true)),
        }
    }

    fn stamp(
        &self,
        from: &[Index],
        to: Option<Index>,
        upgrade: bool,
        branch_move: bool,
    ) -> MigrationStep {
        MigrationStep {
            kind: StepKind::Stamp {
                upgrade,
                branch_move,
            },
            from_revisions: from
                .iter()
                .map(|&index| self.id(index).to_owned())
                .collect(),
            to_revisions: to.iter().map(|&index| self.id(index).to_owned()).collect(),
        }
    }
}
