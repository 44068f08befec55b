//! Relative identifiers: `+2`, `-1`, `ae10+1`, `blog@-1`, `blog@+2`.

use crate::map::Index;
use crate::plan::PlanWarning;
use crate::{RevisionError, RevisionMap};

/// A place on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Nowhere yet: below every base, or above every head.
    Outside,
    /// Below a base.
    Base,
    /// At a revision.
    Revision(Index),
}

impl At {
    pub(crate) fn revision(self) -> Option<Index> {
        match self {
            Self::Revision(index) => Some(index),
            Self::Base | Self::Outside => None,
        }
    }
}

/// A relative identifier, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Relative<'a> {
    pub(crate) branch: Option<&'a str>,
    pub(crate) symbol: Option<&'a str>,
    /// Sign and digits, as written.
    pub(crate) text: &'a str,
    pub(crate) upward: bool,
    pub(crate) steps: u64,
}

impl<'a> Relative<'a> {
    /// Reads `[branch@][symbol]±digits` at the start of `text`; what follows the digits is ignored.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        text.match_indices('@')
            .filter(|(at, _)| *at > 0)
            .find_map(|(at, _)| Self::without_branch(Some(&text[..at]), &text[at + 1..]))
            .or_else(|| Self::without_branch(None, text))
    }

    fn without_branch(branch: Option<&'a str>, text: &'a str) -> Option<Self> {
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
            upward: sign == '+',
            // More steps than there are revisions all fail alike.
            steps: rest[1..=digits].parse().unwrap_or(u64::MAX),
        })
    }

    /// Neither sign makes zero steps lead down.
    fn negative(&self) -> bool {
        !self.upward && self.steps > 0
    }

    fn positive(&self) -> bool {
        self.upward && self.steps > 0
    }

    fn did_not_produce(&self) -> RevisionError {
        self.did_not_produce_as(self.text)
    }

    /// The same, with the number as a number.
    fn did_not_produce_number(&self) -> RevisionError {
        let sign = if self.negative() { "-" } else { "" };
        self.did_not_produce_as(&format!("{sign}{}", self.steps))
    }

    fn did_not_produce_as(&self, text: &str) -> RevisionError {
        RevisionError::other(format!(
            "Relative revision {text} didn't produce {} migrations",
            self.steps
        ))
    }
}

/// What a target of `downgrade` denotes.
pub(crate) struct DowngradeTarget<'a> {
    pub(crate) branch: Option<std::borrow::Cow<'a, str>>,
    /// `None` is the base.
    pub(crate) revision: Option<Index>,
}

impl RevisionMap {
    /// Walks from `start`; `None` when the way ends before `steps` are made and `strict` is set.
    pub(crate) fn walk(
        &self,
        start: At,
        steps: u64,
        upward: bool,
        branch: Option<&str>,
        strict: bool,
    ) -> Result<Option<At>, RevisionError> {
        let mut at = start;
        for _ in 0..steps {
            let next: Vec<At> = match (upward, at) {
                (true | false, At::Base) => Vec::new(),
                (true, at) => {
                    let above = match at {
                        At::Revision(index) => self.nodes[index].children.as_slice(),
                        _ => &self.bases,
                    };
                    let above = match branch {
                        Some(branch) => self.sharing_line(above, branch)?,
                        None => above.to_vec(),
                    };
                    above.into_iter().map(At::Revision).collect()
                }
                (false, at) => {
                    let below = match at {
                        At::Revision(index) => self.nodes[index].parents.as_slice(),
                        _ => &self.heads,
                    };
                    if below.is_empty() {
                        vec![At::Base]
                    } else if matches!(at, At::Revision(index) if self.nodes[index].is_merge_point)
                    {
                        return Err(RevisionError::other("Ambiguous walk"));
                    } else {
                        below.iter().copied().map(At::Revision).collect()
                    }
                }
            };
            match next.as_slice() {
                [] => return Ok(if strict { None } else { Some(at) }),
                [only] => at = *only,
                _ => return Err(RevisionError::other("Ambiguous walk")),
            }
        }
        Ok(Some(at))
    }

    /// What a target of `downgrade` denotes, from `rows`.
    pub(crate) fn downgrade_target<'a>(
        &self,
        rows: &'a [String],
        target: &'a str,
        strict: bool,
        warnings: &mut Vec<PlanWarning>,
    ) -> Result<DowngradeTarget<'a>, RevisionError> {
        let Some(relative) = Relative::parse(target) else {
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
        let too_far = || RevisionError::other("Walked too far");
        if !relative.negative() {
            let symbol = relative.symbol.ok_or_else(|| relative.did_not_produce())?;
            let start = self.lookup_one(symbol)?.map_or(At::Outside, At::Revision);
            let at = self
                .walk(start, relative.steps, true, relative.branch, strict)?
                .ok_or_else(too_far)?;
            return Ok(DowngradeTarget {
                branch: relative.branch.map(Into::into),
                revision: at.revision(),
            });
        }
        let (branch, symbol): (Option<String>, String) = match (relative.symbol, relative.branch) {
            (Some(symbol), branch) => (branch.map(str::to_owned), symbol.to_owned()),
            (None, Some(branch)) => {
                let named = rows.iter().map(|row| self.find(row, None));
                let named = named.collect::<Result<Vec<_>, _>>()?;
                let on_branch = self.sharing_line(&named, branch)?;
                let on_branch = if on_branch.is_empty() {
                    let mut all = Vec::new();
                    for id in self.current(rows)? {
                        all.push(self.find(id, None)?);
                    }
                    self.sharing_line(&all, branch)?
                } else {
                    on_branch
                };
                let [only] = on_branch.as_slice() else {
                    return Err(RevisionError::other(
                        "Not a valid downgrade target from current heads",
                    ));
                };
                (Some(branch.to_owned()), self.id(*only).to_owned())
            }
            (None, None) => {
                let first = rows.first().ok_or_else(|| relative.did_not_produce())?;
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
        let start = start.map_or(At::Outside, At::Revision);
        match self.walk(start, relative.steps, false, None, strict)? {
            Some(at) => Ok(DowngradeTarget {
                branch: branch.map(Into::into),
                revision: at.revision(),
            }),
            None if relative.symbol.is_none() => Err(relative.did_not_produce()),
            None => Err(too_far()),
        }
    }

    /// What a target of `upgrade` denotes, from `rows`.
    pub(crate) fn upgrade_targets(
        &self,
        rows: &[String],
        target: &str,
        strict: bool,
    ) -> Result<Vec<Index>, RevisionError> {
        let Some(relative) = Relative::parse(target) else {
            return self
                .lookup(target)
                .map(|found| found.into_iter().filter_map(At::revision).collect());
        };
        let at = match (relative.positive(), relative.symbol) {
            (true, None) => {
                let ambiguous =
                    || RevisionError::other("Ambiguous upgrade from multiple current revisions");
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
                let start = start.map_or(At::Outside, At::Revision);
                self.walk(start, relative.steps, true, relative.branch, strict)?
            }
            (true, Some(symbol)) => {
                let start = self.lookup_one(symbol)?.map_or(At::Outside, At::Revision);
                self.walk(start, relative.steps, true, relative.branch, strict)?
            }
            (false, None) => return Err(relative.did_not_produce_number()),
            (false, Some(symbol)) => {
                let start = match relative.branch {
                    Some(branch) => self.lookup_one(&format!("{branch}@{symbol}"))?,
                    None => self.lookup_one(symbol)?,
                };
                self.walk(
                    start.map_or(At::Outside, At::Revision),
                    relative.steps,
                    false,
                    None,
                    strict,
                )?
            }
        };
        match at {
            Some(At::Revision(index)) => Ok(vec![index]),
            // Alembic breaks off with a traceback where the walk ends at the base.
            _ => Err(relative.did_not_produce()),
        }
    }

    /// Where `label@+N` starts: the rows on that branch, else the newest active revisions on it.
    fn starts_on_branch(&self, rows: &[String], branch: &str) -> Result<Vec<Index>, RevisionError> {
        let mut ends = Vec::new();
        for row in rows {
            ends.extend(self.lookup(row)?);
        }
        if ends.contains(&At::Base) {
            return Err(RevisionError::unknown("base"));
        }
        let rows: Vec<Index> = ends.into_iter().filter_map(At::revision).collect();
        let on_branch = self.sharing_line(&rows, branch)?;
        if !on_branch.is_empty() {
            return Ok(on_branch);
        }
        let active: Vec<Index> = self.ancestors(&rows).iter().collect();
        let active = self.sharing_line(&active, branch)?;
        let below: Vec<Index> = active
            .iter()
            .flat_map(|&index| self.nodes[index].requirements())
            .collect();
        Ok(active
            .into_iter()
            .filter(|index| !below.contains(index))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Relative;

    #[test]
    fn taken_apart_as_the_expression_of_alembic_does() {
        let check = |text: &str, expected: Option<(Option<&str>, Option<&str>, &str)>| {
            let parsed = Relative::parse(text);
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
