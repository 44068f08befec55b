//! Computes the changes to the version rows of each step, as Alembic's `HeadMaintainer` makes them.

use rustc_hash::FxHashSet;

use crate::map::Index;
use crate::relative::WalkPosition;
use crate::traverse::NodeSet;
use crate::{
    Direction, HeadChange, HeadConflict, HeadConflictCause, RevisionError, RevisionMap, Step,
};

impl RevisionMap {
    /// Fills in the head changes of `steps`, which start from `rows`. If Alembic can't make a change, the steps
    /// from there on get none.
    pub(crate) fn fill_head_changes(
        &self,
        rows: &[String],
        steps: &mut [Step],
    ) -> Result<Option<HeadConflict>, RevisionError> {
        if steps.is_empty() {
            return Ok(None);
        }
        let mut rows = VersionRows::new(self, rows)?;
        for (number, step) in steps.iter_mut().enumerate() {
            match rows.advance(step) {
                Ok(changes) => step.head_changes = changes,
                Err(cause) => {
                    return Ok(Some(HeadConflict {
                        step: number,
                        cause,
                    }));
                }
            }
        }
        Ok(None)
    }
}

/// The version rows between two steps.
struct VersionRows<'a> {
    map: &'a RevisionMap,
    /// The rows, each once.
    rows: Vec<String>,
    /// The revisions that the rows imply: every ancestor of a row is a member.
    applied: NodeSet,
}

impl<'a> VersionRows<'a> {
    fn new(map: &'a RevisionMap, rows: &[String]) -> Result<Self, RevisionError> {
        let applied = map.ancestors(&map.lookup_rows(rows)?);
        let mut unique: Vec<String> = Vec::with_capacity(rows.len());
        for row in rows {
            if !unique.contains(row) {
                unique.push(row.clone());
            }
        }
        Ok(Self {
            map,
            rows: unique,
            applied,
        })
    }

    /// Makes and returns the changes of a step.
    fn advance(&mut self, step: &Step) -> Result<Vec<HeadChange>, HeadConflictCause> {
        let index = step.revision().and_then(|id| self.map.find_exact(id));
        let changes = match (step.direction, index) {
            (Direction::Upgrade, Some(index)) => self.changes_of_upgrade(index)?,
            (Direction::Downgrade, Some(index)) => self.changes_of_downgrade(index)?,
            (Direction::Stamp { is_upward }, _) => self.changes_of_stamp(step, is_upward),
            (Direction::Upgrade | Direction::Downgrade, None) => Vec::new(),
        };
        for change in &changes {
            self.refuse_conflict(change)?;
            change.apply_to(&mut self.rows);
        }
        match (step.direction, index) {
            (Direction::Upgrade, Some(index)) => {
                self.applied.insert(index);
            }
            (Direction::Downgrade, Some(index)) => self.applied.remove(index),
            _ => {}
        }
        Ok(changes)
    }

    fn changes_of_upgrade(&self, index: Index) -> Result<Vec<HeadChange>, HeadConflictCause> {
        let id = self.map.id(index);
        let mut required: Vec<Index> = self.map.nodes[index].requirements().collect();
        let present: Vec<Index> = required
            .iter()
            .copied()
            .filter(|&index| self.has_row(self.map.id(index)))
            .collect();
        match present.as_slice() {
            [] => return Ok(vec![insert(id)]),
            [only] => return Ok(vec![update(self.map.id(*only), id)]),
            _ => {}
        }
        // Alembic merges the rows of all requirements, even if only some of them have a row.
        let others =
            self.rows_except(|row| required.iter().any(|&index| self.map.id(index) == row));
        required.retain(|&index| !self.reaches(index, &others));
        let Some((&updated, deleted)) = required.split_last() else {
            return Err(HeadConflictCause::OverlappingRows {
                revision: id.to_owned(),
            });
        };
        let mut changes: Vec<HeadChange> = deleted
            .iter()
            .map(|&index| delete(self.map.id(index)))
            .collect();
        changes.push(update(self.map.id(updated), id));
        Ok(changes)
    }

    fn changes_of_downgrade(&self, index: Index) -> Result<Vec<HeadChange>, HeadConflictCause> {
        let id = self.map.id(index);
        if !self.has_row(id) {
            return Err(HeadConflictCause::MissingRow {
                revision: id.to_owned(),
            });
        }
        let mut exposed: Vec<Index> = self.map.nodes[index].requirements().collect();
        let others = self.rows_except(|row| row == id);
        if self.rows.len() > 1 {
            exposed.retain(|&index| !self.reaches(index, &others));
        } else if exposed.len() > 1 {
            let required = exposed.clone();
            exposed.retain(|&index| {
                let others: Vec<Index> = required
                    .iter()
                    .copied()
                    .filter(|&other| other != index)
                    .collect();
                !self.reaches(index, &others)
            });
        }
        let Some((&updated, inserted)) = exposed.split_last() else {
            return Ok(vec![delete(id)]);
        };
        let mut changes: Vec<HeadChange> = inserted
            .iter()
            .map(|&index| insert(self.map.id(index)))
            .collect();
        changes.push(update(id, self.map.id(updated)));
        Ok(changes)
    }

    fn changes_of_stamp(&self, step: &Step, is_upward: bool) -> Vec<HeadChange> {
        let Some(to) = step.to_revisions.first() else {
            return step.from_revisions.iter().map(|row| delete(row)).collect();
        };
        let Some((updated, deleted)) = step.from_revisions.split_last() else {
            return vec![insert(to)];
        };
        // An earlier step of the same stamp may have moved a row, which then can't move once more.
        let has_moved = |row: &String| !self.has_row(row);
        if is_upward && step.from_revisions.iter().any(has_moved) && !self.has_row(to) {
            return vec![insert(to)];
        }
        let deleted = deleted.iter().map(|row| delete(row));
        deleted.chain([update(updated, to)]).collect()
    }

    /// Refuses a change that the rows don't allow, as Alembic does.
    fn refuse_conflict(&self, change: &HeadChange) -> Result<(), HeadConflictCause> {
        let (removed, added) = match change {
            HeadChange::Delete { revision } => (Some(revision), None),
            HeadChange::Insert { revision } => (None, Some(revision)),
            HeadChange::Update { from, to } => (Some(from), Some(to)),
        };
        if let Some(revision) = added.filter(|revision| self.has_row(revision)) {
            return Err(HeadConflictCause::DuplicateRow {
                revision: revision.clone(),
            });
        }
        if let Some(revision) = removed.filter(|revision| !self.has_row(revision)) {
            return Err(HeadConflictCause::MissingRow {
                revision: revision.clone(),
            });
        }
        Ok(())
    }

    fn has_row(&self, id: &str) -> bool {
        self.rows.iter().any(|row| row == id)
    }

    /// Returns the revisions of the rows that are not `excluded`.
    fn rows_except(&self, excluded: impl Fn(&str) -> bool) -> Vec<Index> {
        let rows = self.rows.iter().filter(|row| !excluded(row));
        // Each row was found when the plan was made, or is the id of a revision.
        rows.filter_map(|row| self.map.lookup(row).ok())
            .flatten()
            .filter_map(WalkPosition::revision)
            .collect()
    }

    /// Returns `true` if `start` is one of `ends` or an ancestor of one. The walk goes through applied revisions
    /// only, so it stays short: little that is applied lies above the revision of the current step.
    fn reaches(&self, start: Index, ends: &[Index]) -> bool {
        let mut seen = FxHashSet::default();
        let mut todo = vec![start];
        while let Some(index) = todo.pop() {
            if ends.contains(&index) {
                return true;
            }
            let dependents = self.map.nodes[index].dependents.iter().copied();
            todo.extend(
                dependents.filter(|&above| self.applied.contains(above) && seen.insert(above)),
            );
        }
        false
    }
}

fn delete(revision: &str) -> HeadChange {
    HeadChange::Delete {
        revision: revision.to_owned(),
    }
}

fn insert(revision: &str) -> HeadChange {
    HeadChange::Insert {
        revision: revision.to_owned(),
    }
}

fn update(from: &str, to: &str) -> HeadChange {
    HeadChange::Update {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}
