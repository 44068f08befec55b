//! Resolves relative targets: `+2`, `-1`, `ae10+1`, `blog@-1`, `blog@+2`.

use std::borrow::Cow;

use crate::lookup::Lineage;
use crate::map::Index;
use crate::plan::PlanWarning;
use crate::{RevisionError, RevisionErrorKind, RevisionMap};

/// A position of a walk through the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkPosition {
    /// Outside of the graph: below all bases if the walk leads up, above all heads if it leads down.
    Outside,
    /// Below a base, after a walk down.
    Base,
    /// At a revision.
    Revision(Index),
}

impl WalkPosition {
    pub(crate) fn revision(self) -> Option<Index> {
        match self {
            Self::Revision(index) => Some(index),
            Self::Base | Self::Outside => None,
        }
    }
}

/// The behaviour of a walk that reaches the end of the graph before it has made all its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overrun {
    /// The walk has no result.
    Refuse,
    /// The walk ends at its last position.
    Stop,
}

/// A relative target, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RelativeTarget<'a> {
    /// The text before the `@`.
    pub(crate) branch: Option<&'a str>,
    /// The id or label in front of the sign.
    pub(crate) symbol: Option<&'a str>,
    /// The sign and the digits, as written.
    pub(crate) text: &'a str,
    pub(crate) has_plus_sign: bool,
    /// The number of steps; `u64::MAX` if the number is larger.
    pub(crate) steps: u64,
}

impl<'a> RelativeTarget<'a> {
    /// Parses `[branch@][symbol]±digits` at the start of `text`. Like Alembic, it ignores the text after the digits.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        text.match_indices('@')
            .filter(|(at, _)| *at > 0)
            .find_map(|(at, _)| Self::parse_after_branch(Some(&text[..at]), &text[at + 1..]))
            .or_else(|| Self::parse_after_branch(None, text))
    }

    fn parse_after_branch(branch: Option<&'a str>, text: &'a str) -> Option<Self> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let word = text.find(|c| !is_word(c))?;
        let (symbol, rest) = text.split_at(word);
        let sign = rest.chars().next().filter(|c| matches!(c, '+' | '-'))?;
        let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        Some(Self {
            branch,
            symbol: (!symbol.is_empty()).then_some(symbol),
            text: &rest[..=digits],
            has_plus_sign: sign == '+',
            // All numbers above the number of revisions have the same effect.
            steps: rest[1..=digits].parse().unwrap_or(u64::MAX),
        })
    }

    /// Returns `true` if the target leads down. `-0` doesn't.
    fn is_negative(&self) -> bool {
        !self.has_plus_sign && self.steps > 0
    }

    /// Returns `true` if the target leads up. `+0` doesn't.
    fn is_positive(&self) -> bool {
        self.has_plus_sign && self.steps > 0
    }

    /// Returns the error of a target out of range, which quotes the number as written.
    fn out_of_range(&self) -> RevisionError {
        self.out_of_range_as(self.text)
    }

    /// Returns the error of a target out of range, which quotes the number without a plus sign or leading zeros.
    fn out_of_range_as_number(&self) -> RevisionError {
        let sign = if self.is_negative() { "-" } else { "" };
        self.out_of_range_as(&format!("{sign}{}", self.steps))
    }

    fn out_of_range_as(&self, text: &str) -> RevisionError {
        RevisionError::new(
            RevisionErrorKind::OutOfRange,
            format!(
                "Relative revision {text} didn't produce {} migrations",
                self.steps
            ),
        )
    }
}

/// A target of `downgrade`, resolved.
pub(crate) struct DowngradeTarget<'a> {
    /// The branch to which the downgrade is limited.
    pub(crate) branch: Option<Cow<'a, str>>,
    /// The revision, or `None` for the base.
    pub(crate) revision: Option<Index>,
}

impl RevisionMap {
    /// Walks `steps` children up from `start`, on the line of `branch` if one is given. Returns `None` if the walk
    /// overruns the graph and `overrun` refuses that.
    ///
    /// # Errors
    /// Returns an error of the kind [`RevisionErrorKind::AmbiguousWalk`] at a revision with several children.
    pub(crate) fn walk_up(
        &self,
        start: WalkPosition,
        steps: u64,
        branch: Option<&str>,
        overrun: Overrun,
    ) -> Result<Option<WalkPosition>, RevisionError> {
        let mut position = start;
        for _ in 0..steps {
            let above = match position {
                WalkPosition::Revision(index) => self.nodes[index].children.as_slice(),
                WalkPosition::Outside => &self.bases,
                WalkPosition::Base => &[],
            };
            let on_branch;
            let above = match branch {
                Some(branch) if position != WalkPosition::Base => {
                    on_branch = self.filter_by_lineage(above, branch, Lineage::Parents)?;
                    &on_branch
                }
                _ => above,
            };
            match above {
                [] => return Ok(end_early(position, overrun)),
                [only] => position = WalkPosition::Revision(*only),
                _ => return Err(RevisionError::ambiguous_walk()),
            }
        }
        Ok(Some(position))
    }

    /// Walks `steps` parents down from `start`. Returns `None` if the walk overruns the graph and `overrun` refuses
    /// that.
    ///
    /// # Errors
    /// Returns an error of the kind [`RevisionErrorKind::AmbiguousWalk`] at a merge point.
    pub(crate) fn walk_down(
        &self,
        start: WalkPosition,
        steps: u64,
        overrun: Overrun,
    ) -> Result<Option<WalkPosition>, RevisionError> {
        let mut position = start;
        for _ in 0..steps {
            let below = match position {
                WalkPosition::Revision(index) => self.nodes[index].parents.as_slice(),
                WalkPosition::Outside => &self.heads,
                WalkPosition::Base => return Ok(end_early(position, overrun)),
            };
            let is_merge_point = matches!(
                position,
                WalkPosition::Revision(index) if self.nodes[index].is_merge_point
            );
            position = match below {
                [] => WalkPosition::Base,
                [only] if !is_merge_point => WalkPosition::Revision(*only),
                _ => return Err(RevisionError::ambiguous_walk()),
            };
        }
        Ok(Some(position))
    }

    /// Resolves a target of `downgrade` from `rows`.
    pub(crate) fn downgrade_target<'a>(
        &self,
        rows: &'a [String],
        target: &'a str,
        overrun: Overrun,
        warnings: &mut Vec<PlanWarning>,
    ) -> Result<DowngradeTarget<'a>, RevisionError> {
        let Some(relative) = RelativeTarget::parse(target) else {
            let (branch, symbol) = match target.rsplit_once('@') {
                Some((branch, symbol)) => {
                    (Some(branch).filter(|branch| !branch.is_empty()), symbol)
                }
                None => (None, target),
            };
            let revision = self.lookup_one(symbol)?;
            return Ok(DowngradeTarget {
                branch: branch.map(Into::into),
                revision,
            });
        };
        let too_far = || RevisionError::new(RevisionErrorKind::OutOfRange, "Walked too far");
        if !relative.is_negative() {
            let symbol = relative.symbol.ok_or_else(|| relative.out_of_range())?;
            let start = walk_start(self.lookup_one(symbol)?);
            let end = self
                .walk_up(start, relative.steps, relative.branch, overrun)?
                .ok_or_else(too_far)?;
            return Ok(DowngradeTarget {
                branch: relative.branch.map(Into::into),
                revision: end.revision(),
            });
        }
        let (branch, symbol): (Option<String>, String) = match (relative.symbol, relative.branch) {
            (Some(symbol), branch) => (branch.map(str::to_owned), symbol.to_owned()),
            (None, Some(branch)) => {
                let revisions = rows.iter().map(|row| self.find(row, None));
                let revisions = revisions.collect::<Result<Vec<_>, _>>()?;
                let mut on_branch = self.filter_by_lineage(&revisions, branch, Lineage::Parents)?;
                if on_branch.is_empty() {
                    let mut current = Vec::new();
                    for id in self.current(rows)? {
                        current.push(self.find(id, None)?);
                    }
                    on_branch = self.filter_by_lineage(&current, branch, Lineage::Parents)?;
                }
                let [only] = on_branch.as_slice() else {
                    return Err(RevisionError::invalid_downgrade_target());
                };
                (Some(branch.to_owned()), self.id(*only).to_owned())
            }
            (None, None) => {
                let first = rows.first().ok_or_else(|| relative.out_of_range())?;
                if rows.iter().any(|row| row != first) {
                    warnings.push(PlanWarning::AmbiguousDowngrade);
                }
                (Some(first.clone()), first.clone())
            }
        };
        let start = match &branch {
            Some(branch) => self.lookup_one(&format!("{branch}@{symbol}"))?,
            None => self.lookup_one(&symbol)?,
        };
        match self.walk_down(walk_start(start), relative.steps, overrun)? {
            Some(end) => Ok(DowngradeTarget {
                branch: branch.map(Into::into),
                revision: end.revision(),
            }),
            None if relative.symbol.is_none() => Err(relative.out_of_range()),
            None => Err(too_far()),
        }
    }

    /// Resolves a target of `upgrade` from `rows`.
    pub(crate) fn upgrade_targets(
        &self,
        rows: &[String],
        target: &str,
        overrun: Overrun,
    ) -> Result<Vec<Index>, RevisionError> {
        let Some(relative) = RelativeTarget::parse(target) else {
            return self.lookup(target).map(|found| {
                found
                    .into_iter()
                    .filter_map(WalkPosition::revision)
                    .collect()
            });
        };
        let end = match (relative.is_positive(), relative.symbol) {
            (true, None) => {
                let ambiguous = || {
                    RevisionError::new(
                        RevisionErrorKind::AmbiguousUpgrade,
                        "Ambiguous upgrade from multiple current revisions",
                    )
                };
                let start = match relative.branch {
                    Some(branch) => match self.starts_on_branch(rows, branch)?.as_slice() {
                        [] => None,
                        [only] => Some(*only),
                        _ => return Err(ambiguous()),
                    },
                    None => match rows {
                        [] => None,
                        [only] => self.lookup_one(only)?,
                        _ => return Err(ambiguous()),
                    },
                };
                self.walk_up(walk_start(start), relative.steps, relative.branch, overrun)?
            }
            (true, Some(symbol)) => {
                let start = walk_start(self.lookup_one(symbol)?);
                self.walk_up(start, relative.steps, relative.branch, overrun)?
            }
            (false, None) => return Err(relative.out_of_range_as_number()),
            (false, Some(symbol)) => {
                let start = match relative.branch {
                    Some(branch) => self.lookup_one(&format!("{branch}@{symbol}"))?,
                    None => self.lookup_one(symbol)?,
                };
                self.walk_down(walk_start(start), relative.steps, overrun)?
            }
        };
        match end {
            Some(WalkPosition::Revision(index)) => Ok(vec![index]),
            // Alembic raises an `AssertionError` if the walk ends at the base.
            _ => Err(relative.out_of_range()),
        }
    }

    /// Returns the revisions from which `label@+N` can start: the rows on that branch; if there are none, the newest
    /// applied revisions on it.
    fn starts_on_branch(&self, rows: &[String], branch: &str) -> Result<Vec<Index>, RevisionError> {
        let mut positions = Vec::new();
        for row in rows {
            positions.extend(self.lookup(row)?);
        }
        if positions.contains(&WalkPosition::Base) {
            return Err(RevisionError::unknown("base"));
        }
        let rows: Vec<Index> = positions
            .into_iter()
            .filter_map(WalkPosition::revision)
            .collect();
        let on_branch = self.filter_by_lineage(&rows, branch, Lineage::Parents)?;
        if !on_branch.is_empty() {
            return Ok(on_branch);
        }
        let applied: Vec<Index> = self.ancestors(&rows).iter().collect();
        let applied = self.filter_by_lineage(&applied, branch, Lineage::Parents)?;
        let required: Vec<Index> = applied
            .iter()
            .flat_map(|&index| self.nodes[index].requirements())
            .collect();
        Ok(applied
            .into_iter()
            .filter(|index| !required.contains(index))
            .collect())
    }
}

/// Returns the position at which a walk starts: outside of the graph if there is no revision.
fn walk_start(revision: Option<Index>) -> WalkPosition {
    revision.map_or(WalkPosition::Outside, WalkPosition::Revision)
}

fn end_early(position: WalkPosition, overrun: Overrun) -> Option<WalkPosition> {
    match overrun {
        Overrun::Refuse => None,
        Overrun::Stop => Some(position),
    }
}

#[cfg(test)]
mod tests {
    use super::RelativeTarget;

    #[test]
    fn parses_relative_targets_as_the_expression_of_alembic_does() {
        let check = |text: &str, expected: Option<(Option<&str>, Option<&str>, &str)>| {
            let parsed = RelativeTarget::parse(text);
            assert_eq!(
                parsed.map(|r| (r.branch, r.symbol, r.text)),
                expected,
                "{text}"
            );
        };
        check("+2", Some((None, None, "+2")));
        check("-1", Some((None, None, "-1")));
        check("ae10+1", Some((None, Some("ae10"), "+1")));
        check("blog@+2", Some((Some("blog"), None, "+2")));
        check("blog@ae-1", Some((Some("blog"), Some("ae"), "-1")));
        check("a@b@c+1", Some((Some("a@b"), Some("c"), "+1")));
        check("+2x", Some((None, None, "+2")));
        check("head", None);
        check("a-b", None);
        check("@+1", None);
    }
}
