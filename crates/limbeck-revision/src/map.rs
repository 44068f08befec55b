//! The revision graph.

use smallvec::SmallVec;

use crate::names::NameTable;

/// A revision as its script declares it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revision {
    /// The value of `revision`.
    pub id: String,
    /// The value of `down_revision`: empty for a base, several ids for a merge.
    pub down_revisions: Vec<String>,
    /// The value of `branch_labels`.
    pub branch_labels: Vec<String>,
    /// The value of `depends_on`: ids or labels.
    pub dependencies: Vec<String>,
}

/// The index of a revision in [`RevisionMap::nodes`].
pub(crate) type Index = usize;

/// Links to other revisions. Nearly every revision has at most one link of each kind.
pub(crate) type Links = SmallVec<[Index; 2]>;

/// A revision's links.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// The index of the revision's declaration; of several declarations with this id, the last one.
    pub(crate) declaration: usize,
    /// The revisions in `down_revision`.
    pub(crate) parents: Links,
    /// The revisions in `depends_on`, with labels resolved.
    pub(crate) dependencies: Links,
    /// The dependencies that no ancestor through parents declares.
    pub(crate) own_dependencies: Links,
    /// The revisions that have this one as a parent.
    pub(crate) children: Links,
    /// The revisions that have this one as a parent or a dependency.
    pub(crate) dependents: Links,
    /// The labels, declared and inherited, by their index in the map's list.
    pub(crate) labels: Vec<usize>,
    /// `true` if `down_revision` has several entries, even if they are equal.
    pub(crate) is_merge_point: bool,
}

impl Node {
    /// Iterates over the parents, then the own dependencies that are not parents: all revisions that an upgrade to
    /// this one needs directly.
    pub(crate) fn requirements(&self) -> impl Iterator<Item = Index> + '_ {
        let is_not_a_parent = |dependency: &&Index| !self.parents.contains(dependency);
        self.parents
            .iter()
            .chain(self.own_dependencies.iter().filter(is_not_a_parent))
            .copied()
    }

    /// Iterates over the parents, then all dependencies that are not parents.
    pub(crate) fn all_requirements(&self) -> impl Iterator<Item = Index> + '_ {
        let is_not_a_parent = |dependency: &&Index| !self.parents.contains(dependency);
        self.parents
            .iter()
            .chain(self.dependencies.iter().filter(is_not_a_parent))
            .copied()
    }
}

/// The graph of all revisions.
///
/// The map keeps the order in which [`RevisionMap::new`] was given the revisions, and uses it for every result whose
/// order doesn't follow from the graph. Alembic uses Python sets instead, so its order differs between processes.
#[derive(Debug, Clone, Default)]
pub struct RevisionMap {
    /// The declarations, in load order.
    pub(crate) declarations: Vec<Revision>,
    /// One node for each id, in the order in which the ids first appeared.
    pub(crate) nodes: Vec<Node>,
    /// The ids and labels.
    pub(crate) names: NameTable,
    /// The labels in the order of their declaration. A search by prefix goes through the ids first.
    pub(crate) labels: Vec<(String, Index)>,
    pub(crate) heads: Vec<Index>,
    pub(crate) real_heads: Vec<Index>,
    pub(crate) bases: Vec<Index>,
    pub(crate) duplicates: Vec<String>,
}

impl RevisionMap {
    /// Returns the ids that were declared more than once. The last declaration of an id counts.
    pub fn duplicates(&self) -> &[String] {
        &self.duplicates
    }

    /// Returns the declarations in load order. An id that was declared several times appears as often.
    pub fn declarations(&self) -> &[Revision] {
        &self.declarations
    }

    /// Returns the number of revisions.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns `true` if the map has no revisions.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the heads: the revisions that are not the parent of another.
    pub fn heads(&self) -> Vec<&str> {
        self.ids(&self.heads)
    }

    /// Returns the real heads: the revisions that are neither a parent nor a dependency of another.
    pub fn real_heads(&self) -> Vec<&str> {
        self.ids(&self.real_heads)
    }

    /// Returns the bases: the revisions without a parent.
    pub fn bases(&self) -> Vec<&str> {
        self.ids(&self.bases)
    }

    /// Returns the revision with this id. Labels and prefixes are not accepted; [`Self::resolve`] accepts them.
    pub fn get(&self, id: &str) -> Option<RevisionEntry<'_>> {
        // The table of names also contains labels.
        let index = self.find_exact(id).filter(|&index| self.id(index) == id)?;
        Some(RevisionEntry { map: self, index })
    }

    pub(crate) fn ids(&self, indexes: &[Index]) -> Vec<&str> {
        indexes.iter().map(|index| self.id(*index)).collect()
    }

    pub(crate) fn id(&self, index: Index) -> &str {
        &self.declarations[self.nodes[index].declaration].id
    }

    /// Returns a label by its index in the map's list.
    pub(crate) fn label(&self, label: usize) -> &str {
        &self.labels[label].0
    }

    /// Returns `true` if a revision has a label, declared or inherited.
    pub(crate) fn has_label(&self, index: Index, label: &str) -> bool {
        let labels = &self.nodes[index].labels;
        labels.iter().any(|&own| self.label(own) == label)
    }

    /// Returns the revision with this id, or the revision that declares this label.
    pub(crate) fn find_exact(&self, name: &str) -> Option<Index> {
        self.names.find(name, &self.declarations, &self.labels)
    }
}

/// A revision in a [`RevisionMap`], with its links.
#[derive(Debug, Clone, Copy)]
pub struct RevisionEntry<'a> {
    map: &'a RevisionMap,
    index: Index,
}

impl<'a> RevisionEntry<'a> {
    /// Returns the revision as its script declares it.
    pub fn revision(self) -> &'a Revision {
        &self.map.declarations[self.node().declaration]
    }

    /// Returns the index of the declaration in [`RevisionMap::declarations`]. If several scripts declare the id, it
    /// is the last one's.
    pub fn position(self) -> usize {
        self.node().declaration
    }

    /// Iterates over the revisions that have this one as a parent.
    pub fn children(self) -> impl ExactSizeIterator<Item = &'a str> {
        let children = self.node().children.iter();
        children.map(move |&child| self.map.id(child))
    }

    /// Iterates over the branch labels, declared and inherited.
    pub fn labels(self) -> impl ExactSizeIterator<Item = &'a str> {
        let labels = self.node().labels.iter();
        labels.map(move |&label| self.map.label(label))
    }

    /// Returns `true` if the revision is neither a parent nor a dependency of another.
    pub fn is_real_head(self) -> bool {
        self.node().dependents.is_empty()
    }

    fn node(self) -> &'a Node {
        &self.map.nodes[self.index]
    }
}
