//! Which revisions lie between where a database stands and a target.

use crate::map::Index;
use crate::plan::PlanWarning;
use crate::relative::At;
use crate::traverse::Marks;
use crate::{RevisionError, RevisionMap};

/// The lower end of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lower<'a> {
    /// Version rows.
    Rows(&'a [String]),
    /// A name, as `history -r` takes it.
    Name(&'a str),
}

/// A selection, and the revisions from which it is walked down.
pub(crate) struct Selection {
    pub(crate) members: Marks,
    pub(crate) heads: Vec<Index>,
}

/// How a range is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RangeRules {
    /// The lower end belongs to the range.
    pub(crate) inclusive: bool,
    /// The upper end may lie elsewhere than above the lower one: what it needs is needed all the same.
    pub(crate) implicit_base: bool,
    /// A relative identifier that leads out of the graph is an error.
    pub(crate) strict: bool,
}

impl RevisionMap {
    /// What `upgrade` needs, or what `history` lists.
    pub(crate) fn select_up(
        &self,
        uppers: &[&str],
        lower: Lower<'_>,
        rules: RangeRules,
    ) -> Result<Selection, RevisionError> {
        let named;
        let rows = match lower {
            Lower::Rows(rows) => rows,
            Lower::Name(name) => {
                named = [name.to_owned()];
                &named
            }
        };
        let mut targets = Vec::new();
        for upper in uppers {
            targets.extend(self.upgrade_targets(rows, upper, rules.strict)?);
        }
        if let Lower::Name(name) = lower
            && let Some((branch, _)) = name.split_once('@')
        {
            let revision = self.lookup_one(branch)?;
            let label =
                match revision.map(|index| (self.id(index), self.nodes[index].labels.as_slice())) {
                    Some((id, [only])) if id == branch => self.label(*only),
                    _ => branch,
                };
            targets.retain(|&target| self.has_label(target, label));
        }
        self.refuse_overlaps(&targets, |map, start| map.ancestors(&[start]))?;
        let required = self.ancestors(&targets);
        let described = |lower: Lower<'_>| match lower {
            Lower::Rows(rows) => rows.join(", "),
            Lower::Name(name) => name.to_owned(),
        };
        let ends = match lower {
            Lower::Rows(rows) => {
                let rows = self.lookup_rows(rows)?;
                rows.into_iter().map(At::Revision).collect()
            }
            Lower::Name(name) => self.lookup(name)?,
        };
        let not_required = |end: &At| match end {
            At::Revision(index) => !required.has(*index),
            At::Base => true,
            At::Outside => false,
        };
        if !rules.implicit_base && ends.iter().any(not_required) {
            return Err(RevisionError::not_ancestor(
                &described(lower),
                &uppers.join(", "),
            ));
        }
        let mut current: Vec<Index> = ends.iter().filter_map(|end| end.revision()).collect();
        if ends.first() == Some(&At::Outside)
            && let Lower::Name(name) = lower
        {
            // `history -r-3:` and its like, where the walk down ended before it was done.
            let rows: Vec<String> = uppers.iter().map(ToString::to_string).collect();
            current = self
                .downgrade_target(&rows, name, rules.strict, &mut Vec::new())?
                .revision
                .into_iter()
                .collect();
        }
        self.refuse_overlaps(&current, |map, start| map.ancestors(&[start]))?;
        let have = self.ancestors(&current);
        let mut members = required;
        members.retain(|index| !have.has(index));
        if rules.inclusive {
            for &index in &current {
                members.set(index, true);
            }
        }
        if !current.is_empty() && !rules.implicit_base {
            let above = self.line_up(&current);
            members.retain(|index| above.has(index));
        }
        Ok(Selection {
            members,
            heads: targets,
        })
    }

    /// What `downgrade` takes back.
    pub(crate) fn select_down(
        &self,
        rows: &[String],
        target: &str,
        warnings: &mut Vec<PlanWarning>,
    ) -> Result<Selection, RevisionError> {
        let target = self.downgrade_target(rows, target, true, warnings)?;
        let mut roots = match target.revision {
            None => self.bases.clone(),
            Some(index) => self.nodes[index].children.to_vec(),
        };
        if let Some(branch) = target.branch.as_deref() {
            // Also where there is nothing to choose from: a misspelt branch must not revert everything.
            let branch = self.find_branch(branch)?;
            if roots.len() > 1 {
                let line = self.line_down(&[branch]);
                roots.retain(|&root| line.has(root));
                if roots.is_empty() {
                    return Err(RevisionError::other(
                        "Not a valid downgrade target from current heads",
                    ));
                }
            }
        }
        let heads = self.lookup_rows(rows)?;
        let active = self.ancestors(&heads);
        let mut members = self.descendants(&roots);
        members.retain(|index| active.has(index));
        if let Some(index) = target.revision
            && members.iter().next().is_none()
            && !heads.contains(&index)
        {
            return Err(RevisionError::not_ancestor(
                "Nothing to drop",
                &rows.join(", "),
            ));
        }
        Ok(Selection { members, heads })
    }

    fn refuse_overlaps(
        &self,
        starts: &[Index],
        reach: impl Fn(&Self, Index) -> Marks,
    ) -> Result<(), RevisionError> {
        if starts.len() < 2 {
            return Ok(());
        }
        for &start in starts {
            let reached = reach(self, start);
            let overlaps: Vec<&str> = starts
                .iter()
                .filter(|&&other| other != start && reached.has(other))
                .map(|&other| self.id(other))
                .collect();
            if !overlaps.is_empty() {
                return Err(RevisionError::other(format!(
                    "Requested revision {} overlaps with other requested revisions {}",
                    self.id(start),
                    overlaps.join(", ")
                )));
            }
        }
        Ok(())
    }
}
