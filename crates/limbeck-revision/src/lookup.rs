//! From a name to revisions: ids, prefixes, labels, `head`, `heads`, `base`, `label@name`.

use crate::map::Index;
use crate::relative::At;
use crate::{RevisionError, RevisionMap};

/// A name, taken apart at its `@` and with its symbol looked up.
pub(crate) struct Named<'a> {
    /// What is left to be found, or what a symbol stands for.
    pub(crate) names: Vec<&'a str>,
    /// What stands before the `@`.
    pub(crate) branch: Option<&'a str>,
}

impl RevisionMap {
    /// The revisions that a name denotes; `base` denotes none.
    ///
    /// # Errors
    /// [`RevisionError`] in the words of `show`.
    pub fn resolve(&self, name: &str) -> Result<Vec<&str>, RevisionError> {
        let indexes = self.lookup(name)?;
        // Walking down from a head may end at the base, which is no revision.
        Ok(indexes
            .into_iter()
            .filter_map(At::revision)
            .map(|index| self.id(index))
            .collect())
    }

    /// The revisions that several names denote.
    ///
    /// # Errors
    /// [`RevisionError`] in the words of `show`.
    pub fn resolve_all(&self, names: &[String]) -> Result<Vec<&str>, RevisionError> {
        let mut ids = Vec::new();
        for name in names {
            ids.extend(self.resolve(name)?);
        }
        Ok(ids)
    }

    /// The revisions in which a database with these rows stands: those that the rows imply through
    /// `depends_on` are among them.
    ///
    /// # Errors
    /// [`RevisionError`] for a row that names no revision.
    pub fn current(&self, rows: &[String]) -> Result<Vec<&str>, RevisionError> {
        let tops = self.lookup_rows(rows)?;
        let reached = self.ancestors(&tops);
        // The set holds every ancestor, so what has a descendant in it has a child in it.
        let is_top = |index: &Index| {
            !self.nodes[*index]
                .children
                .iter()
                .any(|&child| reached.has(child))
        };
        Ok(reached
            .iter()
            .filter(is_top)
            .map(|index| self.id(index))
            .collect())
    }

    /// All that a name denotes; a walk down from the heads may end at the base, or beyond it.
    pub(crate) fn lookup(&self, name: &str) -> Result<Vec<At>, RevisionError> {
        let Named { names, branch } = self.take_apart(name)?;
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
                    let end =
                        self.walk(At::Revision(head), steps.unsigned_abs(), false, None, true);
                    end.map(|end| end.unwrap_or(At::Outside))
                })
                .collect();
        }
        names
            .into_iter()
            .map(|name| self.find(name, branch).map(At::Revision))
            .collect()
    }

    /// The revisions of version rows.
    pub(crate) fn lookup_rows(&self, rows: &[String]) -> Result<Vec<Index>, RevisionError> {
        let mut found = Vec::new();
        for row in rows {
            found.extend(self.lookup(row)?.into_iter().filter_map(At::revision));
        }
        Ok(found)
    }

    /// The single revision of a name; `None` for the base.
    pub(crate) fn lookup_one(&self, name: &str) -> Result<Option<Index>, RevisionError> {
        let Named { names, branch } = self.take_apart(name)?;
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

    pub(crate) fn take_apart<'a>(&'a self, name: &'a str) -> Result<Named<'a>, RevisionError> {
        let (branch, symbol) = match name.split_once('@') {
            Some((branch, symbol)) => (Some(branch), symbol),
            None => (None, name),
        };
        let filter = branch.filter(|branch| !branch.is_empty());
        let names = match symbol {
            "heads" => match filter {
                Some(branch) => self.ids(&self.sharing_line(&self.heads, branch)?),
                None => self.real_heads(),
            },
            "head" => {
                let heads = match filter {
                    Some(branch) => self.sharing_line(&self.heads, branch)?,
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
        Ok(Named { names, branch })
    }

    /// The revision of an id, a label, or a prefix of one of more than three characters.
    pub(crate) fn find(&self, name: &str, branch: Option<&str>) -> Result<Index, RevisionError> {
        let branch = branch.filter(|branch| !branch.is_empty());
        let branch_revision = branch.map(|branch| self.find_branch(branch)).transpose()?;
        let found = if let Some(index) = self.named(name) {
            index
        } else {
            let mut matches = self.with_prefix(name);
            if let Some(branch) = branch {
                let indexes = matches.iter().map(|(_, index)| *index).collect::<Vec<_>>();
                let sharing = self.sharing_line(&indexes, branch)?;
                matches.retain(|(_, index)| sharing.contains(index));
            }
            match matches.as_slice() {
                [(_, only)] => *only,
                _ => return Err(RevisionError::unknown(name)),
            }
        };
        match branch_revision {
            Some(branch) if !self.shares_line(found, &[branch], false) => {
                Err(RevisionError::unknown(name))
            }
            _ => Ok(found),
        }
    }

    /// The revision before an `@`.
    pub(crate) fn find_branch(&self, branch: &str) -> Result<Index, RevisionError> {
        self.find(branch, None)
            .map_err(|_| RevisionError::unknown(branch))
    }

    /// Those of `targets` that are on one line with what `name` denotes, up or down.
    pub(crate) fn sharing_line(
        &self,
        targets: &[Index],
        name: &str,
    ) -> Result<Vec<Index>, RevisionError> {
        self.sharing(targets, name, false)
    }

    /// The same, where a line may lead through dependencies.
    pub(crate) fn sharing(
        &self,
        targets: &[Index],
        name: &str,
        through_dependencies: bool,
    ) -> Result<Vec<Index>, RevisionError> {
        let Named { names, branch } = self.take_apart(name)?;
        if targets.is_empty() {
            // Alembic looks the names up for each target, so here it would not.
            return Ok(Vec::new());
        }
        let mut against = Vec::new();
        for name in branch
            .into_iter()
            .filter(|branch| !branch.is_empty())
            .chain(names)
        {
            against.push(self.find(name, None)?);
        }
        let shares = |&target: &Index| {
            against.is_empty() || self.shares_line(target, &against, through_dependencies)
        };
        Ok(targets.iter().copied().filter(shares).collect())
    }

    fn shares_line(&self, target: Index, against: &[Index], through_dependencies: bool) -> bool {
        let (up, down) = if through_dependencies {
            (self.descendants(&[target]), self.ancestors(&[target]))
        } else {
            (self.line_up(&[target]), self.line_down(&[target]))
        };
        against
            .iter()
            .any(|&index| up.has(index) || down.has(index))
    }

    fn with_prefix(&self, prefix: &str) -> Vec<(&str, Index)> {
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
