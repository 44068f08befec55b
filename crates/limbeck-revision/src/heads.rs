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

    /// Returns the changes of an upgrade to `index`: its row replaces the rows of its requirements. If none of them
    /// has a row, because other rows imply them all, the row is inserted.
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

    /// Returns the changes of a downgrade from `index`: the requirements that no other row implies get a row again,
    /// and one of them takes over the row of `index`.
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

    /// Returns the changes of a stamp, which moves, inserts or deletes rows without regard to the graph.
    fn changes_of_stamp(&self, step: &Step, is_upward: bool) -> Vec<HeadChange> {
        let Some(to) = step.to_revisions.first() else {
            return step.from_revisions.iter().map(|row| delete(row)).collect();
        };
        let Some((updated, deleted)) = step.from_revisions.split_last() else {
            return vec![insert(to)];
        };
        // An earlier step of the same stamp may have moved the row to its own target, so this target gets a new row.
        let has_moved = |row: &String| !self.has_row(row);
        if is_upward && step.from_revisions.iter().any(has_moved) && !self.has_row(to) {
            return vec![insert(to)];
        }
        let deleted = deleted.iter().map(|row| delete(row));
        deleted.chain([update(updated, to)]).collect()
    }

    /// Returns an error if the rows don't allow a change and Alembic raises an exception for it.
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

    /// Returns `true` if `start` is one of `ends` or an ancestor of one. The walk visits applied revisions only. Few
    /// of them are above the revision of the current step, so it stays short.
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

#[cfg(test)]
mod tests {
    use crate::{HeadChange, HeadConflictCause, MigrationPlan, Revision, RevisionMap};

    /// Builds a map from lines such as `c a,b d`: id, parents, dependencies.
    fn map(lines: &[&str]) -> RevisionMap {
        let names = |text: Option<&str>| {
            let names = text.unwrap_or_default().split(',');
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let revision = |line: &&str| {
            let mut fields = line.split(' ');
            Revision {
                id: fields.next().unwrap_or_default().to_owned(),
                down_revisions: names(fields.next()),
                dependencies: names(fields.next()),
                ..Revision::default()
            }
        };
        RevisionMap::new(lines.iter().map(revision).collect()).unwrap()
    }

    fn rows(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Formats the changes of each step: `+a` inserts, `-a` deletes, `a>b` updates.
    fn changes(plan: &MigrationPlan) -> Vec<String> {
        let format = |change: &HeadChange| match change {
            HeadChange::Delete { revision } => format!("-{revision}"),
            HeadChange::Insert { revision } => format!("+{revision}"),
            HeadChange::Update { from, to } => format!("{from}>{to}"),
        };
        let steps = plan.steps.iter();
        steps
            .map(|step| {
                let changes: Vec<String> = step.head_changes.iter().map(format).collect();
                changes.join(" ")
            })
            .collect()
    }

    #[test]
    fn upgrades_and_downgrades_change_rows_in_the_order_of_alembic() {
        let branches = &["a", "b a", "c a", "m b,c"][..];
        let dependency = &["a", "x", "y x a"][..];
        for (lines, up, down) in [
            (&["a", "b a"][..], &["+a", "a>b"][..], &["b>a", "-a"][..]),
            (
                branches,
                &["+a", "a>c", "+b", "-b c>m"],
                &["+b m>c", "-b", "c>a", "-a"],
            ),
            (dependency, &["+a", "+x", "-x a>y"], &["+x y>a", "-x", "-a"]),
        ] {
            let map = map(lines);
            let upgrade = map.plan_upgrade(&[], "heads").unwrap();
            assert_eq!(changes(&upgrade), up, "{lines:?}");
            let mut heads = Vec::new();
            for step in &upgrade.steps {
                step.apply_to(&mut heads);
            }
            assert_eq!(heads, map.real_heads());
            let downgrade = map.plan_downgrade(&heads, "base").unwrap();
            assert_eq!(changes(&downgrade), down, "{lines:?}");
            for step in &downgrade.steps {
                step.apply_to(&mut heads);
            }
            assert!(heads.is_empty(), "{lines:?}: {heads:?}");
        }
    }

    #[test]
    fn stamps_change_rows_in_the_order_of_alembic() {
        let map = map(&["a", "b a", "c a", "m b,c"]);
        for (from, targets, expected) in [
            ("", "a", &["+a"][..]),
            ("a", "m", &["a>m"]),
            ("b c", "m", &["-b c>m"]),
            ("b c", "a", &["-b c>a"]),
            ("b c", "base", &["-b", "-c"]),
            ("a", "b c", &["a>b", "+c"]),
            ("m", "m", &[]),
        ] {
            let plan = map.plan_stamp(&rows(from), &rows(targets)).unwrap();
            assert_eq!(changes(&plan), expected, "{from} to {targets}");
            assert_eq!(plan.conflict, None, "{from} to {targets}");
        }
    }

    #[test]
    fn reports_the_step_at_which_alembic_fails() {
        // `a` is an ancestor of `b`, and both are parents of `m`. With a row of `x`, Alembic also deletes a row of
        // `a`, which doesn't exist.
        let merge = map(&["a", "b a", "x", "m a,b x"]);
        let plan = merge.plan_upgrade(&rows("b x"), "m").unwrap();
        let conflict = plan.conflict.unwrap();
        assert_eq!(conflict.step, 0);
        assert_eq!(
            conflict.cause,
            HeadConflictCause::MissingRow {
                revision: "a".into()
            }
        );
        assert!(plan.steps[0].head_changes.is_empty());

        let line = map(&["a", "b a"]);
        let plan = line.plan_stamp(&[], &rows("b head")).unwrap();
        let conflict = plan.conflict.unwrap();
        assert_eq!(conflict.step, 1);
        assert_eq!(
            conflict.to_string(),
            "the version table already has a row of revision `b`"
        );
    }
}
