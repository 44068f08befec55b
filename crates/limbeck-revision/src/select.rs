//! Selects the revisions between the current revisions of a database and a target.

use crate::map::Index;
use crate::plan::{HistoryEnd, PlanWarning};
use crate::relative::{Overrun, WalkPosition};
use crate::traverse::NodeSet;
use crate::{RevisionError, RevisionErrorKind, RevisionMap};

/// A selection of revisions.
pub(crate) struct Selection {
    pub(crate) members: NodeSet,
    /// The revisions from which the selection is walked down when it is sorted.
    pub(crate) heads: Vec<Index>,
}

/// The rules of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RangeRules {
    /// The range includes its lower end.
    pub(crate) includes_lower_end: bool,
    /// The range includes everything that the upper end requires, even if it is not above the lower end.
    pub(crate) includes_other_branches: bool,
    /// The behaviour of a relative end that leads out of the graph.
    pub(crate) overrun: Overrun,
}

impl RevisionMap {
    /// Selects the revisions that `upgrade` runs or `history` lists.
    pub(crate) fn select_range(
        &self,
        uppers: &[&str],
        lower: HistoryEnd<'_>,
        rules: RangeRules,
    ) -> Result<Selection, RevisionError> {
        let lower_name;
        let rows = match lower {
            HistoryEnd::Rows(rows) => rows,
            HistoryEnd::Name(name) => {
                lower_name = [name.to_owned()];
                &lower_name
            }
        };
        let mut targets = Vec::new();
        for upper in uppers {
            targets.extend(self.upgrade_targets(rows, upper, rules.overrun)?);
        }
        if let HistoryEnd::Name(name) = lower
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
        self.refuse_overlaps(&targets)?;
        let required = self.ancestors(&targets);
        let ends = match lower {
            HistoryEnd::Rows(rows) => {
                let rows = self.lookup_rows(rows)?;
                rows.into_iter().map(WalkPosition::Revision).collect()
            }
            HistoryEnd::Name(name) => self.lookup(name)?,
        };
        let is_not_required = |end: &WalkPosition| match end {
            WalkPosition::Revision(index) => !required.contains(*index),
            WalkPosition::Base => true,
            WalkPosition::Outside => false,
        };
        if !rules.includes_other_branches && ends.iter().any(is_not_required) {
            return Err(RevisionError::not_ancestor(
                &rows.join(", "),
                &uppers.join(", "),
            ));
        }
        let mut current: Vec<Index> = ends.iter().filter_map(|end| end.revision()).collect();
        if ends.first() == Some(&WalkPosition::Outside)
            && let HistoryEnd::Name(name) = lower
        {
            // The walk down from the heads overran the graph, as in `history -r-3:` of two revisions.
            let rows: Vec<String> = uppers.iter().map(ToString::to_string).collect();
            current = self
                .downgrade_target(&rows, name, rules.overrun, &mut Vec::new())?
                .revision
                .into_iter()
                .collect();
        }
        self.refuse_overlaps(&current)?;
        let applied = self.ancestors(&current);
        let mut members = required;
        members.retain(|index| !applied.contains(index));
        if rules.includes_lower_end {
            for &index in &current {
                members.insert(index);
            }
        }
        if !current.is_empty() && !rules.includes_other_branches {
            let above = self.descendants_by_parent(&current);
            members.retain(|index| above.contains(index));
        }
        Ok(Selection {
            members,
            heads: targets,
        })
    }

    /// Selects the revisions that `downgrade` reverts.
    pub(crate) fn select_downgrade(
        &self,
        rows: &[String],
        target: &str,
        warnings: &mut Vec<PlanWarning>,
    ) -> Result<Selection, RevisionError> {
        let target = self.downgrade_target(rows, target, Overrun::Refuse, warnings)?;
        let mut roots = match target.revision {
            None => self.bases.clone(),
            Some(index) => self.nodes[index].children.to_vec(),
        };
        if let Some(branch) = target.branch.as_deref() {
            // The branch is checked even if there is only one root: a misspelt name must not revert everything.
            let branch = self.find_branch(branch)?;
            if roots.len() > 1 {
                let ancestors = self.ancestors_by_parent(&[branch]);
                roots.retain(|&root| ancestors.contains(root));
                if roots.is_empty() {
                    return Err(RevisionError::invalid_downgrade_target());
                }
            }
        }
        let heads = self.lookup_rows(rows)?;
        let applied = self.ancestors(&heads);
        let mut members = self.descendants(&roots);
        members.retain(|index| applied.contains(index));
        if let Some(index) = target.revision
            && members.is_empty()
            && !heads.contains(&index)
        {
            return Err(RevisionError::not_ancestor(
                self.id(index),
                &rows.join(", "),
            ));
        }
        Ok(Selection { members, heads })
    }

    /// Refuses `revisions` if one of them is an ancestor of another.
    fn refuse_overlaps(&self, revisions: &[Index]) -> Result<(), RevisionError> {
        if revisions.len() < 2 {
            return Ok(());
        }
        for &revision in revisions {
            let reached = self.ancestors(&[revision]);
            let ancestors: Vec<String> = revisions
                .iter()
                .filter(|&&other| other != revision && reached.contains(other))
                .map(|&other| self.id(other).to_owned())
                .collect();
            if !ancestors.is_empty() {
                let message = format!(
                    "Requested revision {} overlaps with other requested revisions {}",
                    self.id(revision),
                    ancestors.join(", ")
                );
                let kind = RevisionErrorKind::Overlap {
                    revision: self.id(revision).to_owned(),
                    ancestors,
                };
                return Err(RevisionError::new(kind, message));
            }
        }
        Ok(())
    }
}
