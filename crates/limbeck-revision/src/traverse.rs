//! Walks along the links, each node once.

use crate::RevisionMap;
use crate::map::{Index, Node};

/// A set of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marks(Vec<bool>);

impl Marks {
    pub(crate) fn none(length: usize) -> Self {
        Self(vec![false; length])
    }

    pub(crate) fn of(length: usize, indexes: impl IntoIterator<Item = Index>) -> Self {
        let mut marks = Self::none(length);
        for index in indexes {
            marks.set(index, true);
        }
        marks
    }

    pub(crate) fn has(&self, index: Index) -> bool {
        self.0[index]
    }

    pub(crate) fn set(&mut self, index: Index, marked: bool) {
        self.0[index] = marked;
    }

    /// The members, in map order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Index> + '_ {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, marked)| **marked)
            .map(|(index, _)| index)
    }

    /// Keeps what `keep` says of each node.
    pub(crate) fn retain(&mut self, keep: impl Fn(Index) -> bool) {
        for (index, marked) in self.0.iter_mut().enumerate() {
            *marked = *marked && keep(index);
        }
    }
}

impl RevisionMap {
    /// The nodes that `links` lead to from `starts`, these among them, depth first, last link first.
    pub(crate) fn reach<'a, L: Iterator<Item = Index> + 'a>(
        &'a self,
        starts: &[Index],
        links: impl Fn(&'a Node) -> L,
    ) -> Vec<Index> {
        let mut seen = Marks::none(self.nodes.len());
        let mut found = Vec::new();
        let mut todo = Vec::new();
        for &start in starts {
            todo.push(start);
            while let Some(index) = todo.pop() {
                if !seen.has(index) {
                    seen.set(index, true);
                    found.push(index);
                    todo.extend(links(&self.nodes[index]));
                }
            }
        }
        found
    }

    /// The same as a set.
    pub(crate) fn mark<'a, L: Iterator<Item = Index> + 'a>(
        &'a self,
        starts: &[Index],
        links: impl Fn(&'a Node) -> L,
    ) -> Marks {
        Marks::of(self.nodes.len(), self.reach(starts, links))
    }

    /// Ancestors through parents and dependencies, with `starts` themselves.
    pub(crate) fn ancestors(&self, starts: &[Index]) -> Marks {
        self.mark(starts, Node::requirements)
    }

    /// Descendants through parents and dependencies, with `starts` themselves.
    pub(crate) fn descendants(&self, starts: &[Index]) -> Marks {
        self.mark(starts, |node| node.dependents.iter().copied())
    }

    /// Ancestors through parents alone, with `starts` themselves.
    pub(crate) fn line_down(&self, starts: &[Index]) -> Marks {
        self.mark(starts, |node| node.parents.iter().copied())
    }

    /// Descendants through parents alone, with `starts` themselves.
    pub(crate) fn line_up(&self, starts: &[Index]) -> Marks {
        self.mark(starts, |node| node.children.iter().copied())
    }
}
