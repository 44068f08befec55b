//! Sets of nodes, and walks along the links that visit each node once.

use crate::RevisionMap;
use crate::map::{Index, Node};

/// A set of the nodes of one map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeSet(Vec<bool>);

impl NodeSet {
    /// Returns an empty set for a map of `node_count` nodes.
    pub(crate) fn empty(node_count: usize) -> Self {
        Self(vec![false; node_count])
    }

    pub(crate) fn from_indexes(
        node_count: usize,
        indexes: impl IntoIterator<Item = Index>,
    ) -> Self {
        let mut set = Self::empty(node_count);
        for index in indexes {
            set.insert(index);
        }
        set
    }

    pub(crate) fn contains(&self, index: Index) -> bool {
        self.0[index]
    }

    /// Adds a node. Returns `true` if the node was no member.
    pub(crate) fn insert(&mut self, index: Index) -> bool {
        !std::mem::replace(&mut self.0[index], true)
    }

    pub(crate) fn remove(&mut self, index: Index) {
        self.0[index] = false;
    }

    /// Iterates over the members in map order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Index> + '_ {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, is_member)| **is_member)
            .map(|(index, _)| index)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Removes the members for which `keep` returns `false`.
    pub(crate) fn retain(&mut self, keep: impl Fn(Index) -> bool) {
        for (index, is_member) in self.0.iter_mut().enumerate() {
            *is_member = *is_member && keep(index);
        }
    }
}

impl RevisionMap {
    /// Returns `starts` and the nodes that `links` lead to from them, depth first, the last link of each node first.
    pub(crate) fn reachable<'a, L: Iterator<Item = Index> + 'a>(
        &'a self,
        starts: &[Index],
        links: impl Fn(&'a Node) -> L,
    ) -> Vec<Index> {
        let mut seen = NodeSet::empty(self.nodes.len());
        let mut found = Vec::new();
        let mut todo = Vec::new();
        for &start in starts {
            todo.push(start);
            while let Some(index) = todo.pop() {
                if seen.insert(index) {
                    found.push(index);
                    todo.extend(links(&self.nodes[index]));
                }
            }
        }
        found
    }

    /// Returns the same nodes as [`Self::reachable`], as a set.
    pub(crate) fn reachable_set<'a, L: Iterator<Item = Index> + 'a>(
        &'a self,
        starts: &[Index],
        links: impl Fn(&'a Node) -> L,
    ) -> NodeSet {
        NodeSet::from_indexes(self.nodes.len(), self.reachable(starts, links))
    }

    /// Returns `starts` and their ancestors through parents and dependencies.
    pub(crate) fn ancestors(&self, starts: &[Index]) -> NodeSet {
        self.reachable_set(starts, Node::requirements)
    }

    /// Returns `starts` and their descendants through parents and dependencies.
    pub(crate) fn descendants(&self, starts: &[Index]) -> NodeSet {
        self.reachable_set(starts, |node| node.dependents.iter().copied())
    }

    /// Returns `starts` and their ancestors through parents only.
    pub(crate) fn ancestors_by_parent(&self, starts: &[Index]) -> NodeSet {
        self.reachable_set(starts, |node| node.parents.iter().copied())
    }

    /// Returns `starts` and their descendants through parents only.
    pub(crate) fn descendants_by_parent(&self, starts: &[Index]) -> NodeSet {
        self.reachable_set(starts, |node| node.children.iter().copied())
    }
}
