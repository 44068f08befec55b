//! Resolves names to revisions: ids, prefixes, labels, `head`, `heads`, `base` and `label@name`.

use std::collections::HashSet;

use crate::map::Index;
use crate::relative::{Overrun, WalkPosition};
use crate::{RevisionError, RevisionMap};

/// A name, split at its `@`, with the symbols `heads`, `head` and `base` replaced by ids.
pub(crate) struct ParsedName<'a> {
    /// The ids, labels or prefixes to look up: empty for the base.
    pub(crate) names: Vec<&'a str>,
    /// The text before the `@`, which may be empty.
    pub(crate) branch: Option<&'a str>,
}

/// The revisions that a database has applied, as [`RevisionMap::applied`] returns them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AppliedRevisions<'a> {
    /// The ids of the applied revisions.
    pub ids: HashSet<&'a str>,
    /// The version rows that name no revision of the map, in the order of the rows: for example, rows that a newer
    /// release of the project wrote. Nothing is known about the revisions that they imply.
    pub unknown_rows: Vec<String>,
}

impl RevisionMap {
    /// Returns the revisions that a name denotes. `base` denotes none.
    ///
    /// # Errors
    /// Returns a [`RevisionError`] with the message of `alembic show` if the name denotes no revision, or if it is
    /// `head` and there are several heads.
    pub fn resolve(&self, name: &str) -> Result<Vec<&str>, RevisionError> {
        let positions = self.lookup(name)?;
        // A walk down from a head can end at the base, which is not a revision.
        Ok(positions
            .into_iter()
            .filter_map(WalkPosition::revision)
            .map(|index| self.id(index))
            .collect())
    }

    /// Returns the revisions that several names denote.
    ///
    /// # Errors
    /// Returns the error of [`Self::resolve`] for the first name that has one.
    pub fn resolve_all(&self, names: &[String]) -> Result<Vec<&str>, RevisionError> {
        let mut ids = Vec::new();
        for name in names {
            ids.extend(self.resolve(name)?);
        }
        Ok(ids)
    }

    /// Returns the current revisions of a database with these version rows, as `alembic current` lists them: the
    /// applied revisions without an applied child. Revisions that the rows imply through `depends_on` are included.
    ///
    /// # Errors
    /// Returns a [`RevisionError`] of the kind [`Unknown`](crate::RevisionErrorKind::Unknown) if a row names no
    /// revision.
    pub fn current(&self, rows: &[String]) -> Result<Vec<&str>, RevisionError> {
        let applied = self.ancestors(&self.lookup_rows(rows)?);
        // The set contains every ancestor of its members, so it is enough to check the children.
        let has_no_applied_child = |index: &Index| {
            !self.nodes[*index]
                .children
                .iter()
                .any(|&child| applied.contains(child))
        };
        Ok(applied
            .iter()
            .filter(has_no_applied_child)
            .map(|index| self.id(index))
            .collect())
    }

    /// Returns the revisions that a database with these version rows has applied: the rows' revisions and their
    /// ancestors through `down_revision` and `depends_on`. A label in `depends_on` denotes the revision that
    /// declares it.
    ///
    /// Rows that name no revision are not an error. They are listed in [`AppliedRevisions::unknown_rows`].
    ///
    /// ```
    /// use limbeck_revision::{Revision, RevisionMap};
    ///
    /// let map = RevisionMap::new(vec![
    ///     Revision {
    ///         id: "a1".into(),
    ///         branch_labels: vec!["users".into()],
    ///         ..Revision::default()
    ///     },
    ///     Revision {
    ///         id: "b2".into(),
    ///         dependencies: vec!["users".into()],
    ///         ..Revision::default()
    ///     },
    /// ])?;
    /// let applied = map.applied(&["b2".into(), "f9".into()]);
    /// assert!(applied.ids.contains("a1") && applied.ids.contains("b2"));
    /// assert_eq!(applied.unknown_rows, ["f9"]);
    /// # Ok::<(), limbeck_revision::GraphError>(())
    /// ```
    pub fn applied(&self, rows: &[String]) -> AppliedRevisions<'_> {
        let mut known = Vec::with_capacity(rows.len());
        let mut unknown_rows = Vec::new();
        for row in rows {
            match self.lookup(row) {
                Ok(positions) => {
                    known.extend(positions.into_iter().filter_map(WalkPosition::revision));
                }
                Err(_) => unknown_rows.push(row.clone()),
            }
        }
        let applied = self.ancestors(&known);
        AppliedRevisions {
            ids: applied.iter().map(|index| self.id(index)).collect(),
            unknown_rows,
        }
    }

    /// Returns the positions that a name denotes. A negative number walks down from the heads and can end at the
    /// base, or run past it.
    pub(crate) fn lookup(&self, name: &str) -> Result<Vec<WalkPosition>, RevisionError> {
        let ParsedName { names, branch } = self.parse_name(name)?;
        if let [only] = names.as_slice()
            && let Ok(steps) = only.parse::<i64>()
            && steps < 0
        {
            let mut heads = self.real_heads.clone();
            if let Some(branch) = branch {
                heads.retain(|&head| self.has_label(head, branch));
            }
            return heads
                .into_iter()
                .map(|head| {
                    let end = self.walk_down(
                        WalkPosition::Revision(head),
                        steps.unsigned_abs(),
                        Overrun::Refuse,
                    );
                    end.map(|end| end.unwrap_or(WalkPosition::Outside))
                })
                .collect();
        }
        names
            .into_iter()
            .map(|name| self.find(name, branch).map(WalkPosition::Revision))
            .collect()
    }

    /// Returns the revisions of version rows.
    pub(crate) fn lookup_rows(&self, rows: &[String]) -> Result<Vec<Index>, RevisionError> {
        let mut found = Vec::new();
        for row in rows {
            found.extend(
                self.lookup(row)?
                    .into_iter()
                    .filter_map(WalkPosition::revision),
            );
        }
        Ok(found)
    }

    /// Returns the single revision that a name denotes, or `None` for the base.
    pub(crate) fn lookup_one(&self, name: &str) -> Result<Option<Index>, RevisionError> {
        let ParsedName { names, branch } = self.parse_name(name)?;
        match names.as_slice() {
            [] => {
                if let Some(branch) = branch.filter(|branch| !branch.is_empty()) {
                    self.find_branch(branch)?;
                }
                Ok(None)
            }
            [only] => self.find(only, branch).map(Some),
            several => Err(RevisionError::multiple_heads(
                several.iter().map(ToString::to_string).collect(),
                name,
            )),
        }
    }

    pub(crate) fn parse_name<'a>(&'a self, name: &'a str) -> Result<ParsedName<'a>, RevisionError> {
        let (branch, symbol) = match name.split_once('@') {
            Some((branch, symbol)) => (Some(branch), symbol),
            None => (None, name),
        };
        let filter = branch.filter(|branch| !branch.is_empty());
        let names = match symbol {
            "heads" => match filter {
                Some(branch) => {
                    self.ids(&self.filter_by_lineage(&self.heads, branch, Lineage::Parents)?)
                }
                None => self.real_heads(),
            },
            "head" => {
                let heads = match filter {
                    Some(branch) => {
                        self.filter_by_lineage(&self.heads, branch, Lineage::Parents)?
                    }
                    None => self.heads.clone(),
                };
                if heads.len() > 1 {
                    let heads = self.ids(&heads).into_iter().map(str::to_owned).collect();
                    let argument = filter.map_or("head", |_| name);
                    return Err(RevisionError::multiple_heads(heads, argument));
                }
                self.ids(&heads)
            }
            "base" => Vec::new(),
            other => vec![other],
        };
        Ok(ParsedName { names, branch })
    }

    /// Returns the revision with this id or label, or with an id or label of more than three characters that starts
    /// with `name`. With a `branch`, the revision must be on its line.
    pub(crate) fn find(&self, name: &str, branch: Option<&str>) -> Result<Index, RevisionError> {
        let branch = branch.filter(|branch| !branch.is_empty());
        let branch_revision = branch.map(|branch| self.find_branch(branch)).transpose()?;
        let found = if let Some(index) = self.find_exact(name) {
            index
        } else {
            let mut matches = self.names_with_prefix(name);
            if let Some(branch) = branch {
                let indexes = matches.iter().map(|(_, index)| *index).collect::<Vec<_>>();
                let on_branch = self.filter_by_lineage(&indexes, branch, Lineage::Parents)?;
                matches.retain(|(_, index)| on_branch.contains(index));
            }
            match matches.as_slice() {
                [(_, only)] => *only,
                _ => return Err(RevisionError::unknown(name)),
            }
        };
        match branch_revision {
            Some(branch) if !self.shares_lineage(found, &[branch], Lineage::Parents) => {
                Err(RevisionError::unknown(name))
            }
            _ => Ok(found),
        }
    }

    /// Returns the revision that the text before an `@` denotes.
    pub(crate) fn find_branch(&self, branch: &str) -> Result<Index, RevisionError> {
        self.find(branch, None)
            .map_err(|_| RevisionError::unknown(branch))
    }

    /// Returns those of `candidates` that are ancestors or descendants of a revision that `name` denotes, or that
    /// revision itself.
    pub(crate) fn filter_by_lineage(
        &self,
        candidates: &[Index],
        name: &str,
        lineage: Lineage,
    ) -> Result<Vec<Index>, RevisionError> {
        let ParsedName { names, branch } = self.parse_name(name)?;
        if candidates.is_empty() {
            // Alembic looks the names up once for each candidate, so without candidates it accepts unknown names.
            return Ok(Vec::new());
        }
        let mut others = Vec::new();
        for name in branch
            .into_iter()
            .filter(|branch| !branch.is_empty())
            .chain(names)
        {
            others.push(self.find(name, None)?);
        }
        let is_kept = |&candidate: &Index| {
            others.is_empty() || self.shares_lineage(candidate, &others, lineage)
        };
        Ok(candidates.iter().copied().filter(is_kept).collect())
    }

    fn shares_lineage(&self, index: Index, others: &[Index], lineage: Lineage) -> bool {
        let (above, below) = match lineage {
            Lineage::Parents => (
                self.descendants_by_parent(&[index]),
                self.ancestors_by_parent(&[index]),
            ),
            Lineage::ParentsAndDependencies => {
                (self.descendants(&[index]), self.ancestors(&[index]))
            }
        };
        others
            .iter()
            .any(|&other| above.contains(other) || below.contains(other))
    }

    fn names_with_prefix(&self, prefix: &str) -> Vec<(&str, Index)> {
        let ids = (0..self.nodes.len()).map(|index| (self.id(index), index));
        let labels = self
            .labels
            .iter()
            .map(|(label, index)| (label.as_str(), *index));
        ids.chain(labels)
            .filter(|(name, _)| name.chars().count() > 3 && name.starts_with(prefix))
            .collect()
    }
}

/// The links that make two revisions ancestor and descendant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lineage {
    /// Links to parents only.
    Parents,
    /// Links to parents and dependencies.
    ParentsAndDependencies,
}

#[cfg(test)]
mod tests {
    use crate::{Revision, RevisionMap};

    fn revision(id: &str, down: &[&str], depends: &[&str], labels: &[&str]) -> Revision {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Revision {
            id: id.to_owned(),
            down_revisions: owned(down),
            dependencies: owned(depends),
            branch_labels: owned(labels),
        }
    }

    #[test]
    fn applied_includes_dependencies_by_id_and_by_label() {
        let map = RevisionMap::new(vec![
            revision("a1", &[], &[], &["users"]),
            revision("a2", &["a1"], &[], &[]),
            revision("b1", &[], &["users"], &[]),
            revision("c1", &[], &["a2"], &[]),
            revision("m1", &["b1", "c1"], &[], &[]),
        ])
        .unwrap();
        for (rows, expected, unknown) in [
            (&[][..], &[][..], &[][..]),
            (&["a1"], &["a1"], &[]),
            (&["a2"], &["a1", "a2"], &[]),
            (&["b1"], &["a1", "b1"], &[]),
            (&["c1"], &["a1", "a2", "c1"], &[]),
            (&["m1"], &["a1", "a2", "b1", "c1", "m1"], &[]),
            (&["gone", "b1"], &["a1", "b1"], &["gone"]),
        ] {
            let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
            let applied = map.applied(&rows);
            let mut ids: Vec<&str> = applied.ids.into_iter().collect();
            ids.sort_unstable();
            assert_eq!(ids, expected, "{rows:?}");
            assert_eq!(applied.unknown_rows, unknown, "{rows:?}");
        }
    }

    #[test]
    fn applied_includes_every_revision_that_current_lists() {
        let map = RevisionMap::new(vec![
            revision("a1", &[], &[], &["users"]),
            revision("b1", &[], &["users"], &[]),
        ])
        .unwrap();
        let rows = ["b1".to_owned()];
        let applied = map.applied(&rows);
        let current = map.current(&rows).unwrap();
        assert_eq!(current, ["a1", "b1"]);
        assert!(current.iter().all(|id| applied.ids.contains(id)));
    }
}
