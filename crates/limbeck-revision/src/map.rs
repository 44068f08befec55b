//! The revisions and how they hang together.

use rustc_hash::FxHashMap;

/// A revision as its file declares it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revision {
    /// `revision`.
    pub id: String,
    /// `down_revision`: none for a base, several for a merge.
    pub down_revisions: Vec<String>,
    /// `branch_labels`.
    pub branch_labels: Vec<String>,
    /// `depends_on`: ids or labels.
    pub dependencies: Vec<String>,
}

/// A revision's place in the map.
pub(crate) type Index = usize;

/// A revision and its links, by index.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) declared: Revision,
    /// `down_revision`.
    pub(crate) parents: Vec<Index>,
    /// `depends_on`, labels resolved.
    pub(crate) dependencies: Vec<Index>,
    /// Those dependencies that no ancestor has declared already.
    pub(crate) own_dependencies: Vec<Index>,
    /// Revisions that have this one as a parent.
    pub(crate) children: Vec<Index>,
    /// Revisions that have this one as a parent or a dependency.
    pub(crate) dependents: Vec<Index>,
    /// Labels, declared and inherited, by their place in the map's list.
    pub(crate) labels: Vec<usize>,
}

impl Node {
    /// Several parents; also the same one twice.
    pub(crate) fn is_merge_point(&self) -> bool {
        self.declared.down_revisions.len() > 1
    }

    /// Parents, then the dependencies that add something: what an upgrade needs first.
    pub(crate) fn requirements(&self) -> impl Iterator<Item = Index> + '_ {
        let repeated = |dependency: &&Index| !self.parents.contains(dependency);
        self.parents
            .iter()
            .chain(self.own_dependencies.iter().filter(repeated))
            .copied()
    }

    /// Parents and all dependencies.
    pub(crate) fn all_requirements(&self) -> impl Iterator<Item = Index> + '_ {
        let repeated = |dependency: &&Index| !self.parents.contains(dependency);
        self.parents
            .iter()
            .chain(self.dependencies.iter().filter(repeated))
            .copied()
    }
}

/// The graph of all revisions, in the order in which they were loaded: that order breaks every tie.
#[derive(Debug, Clone, Default)]
pub struct RevisionMap {
    pub(crate) nodes: Vec<Node>,
    /// Ids and labels.
    pub(crate) names: FxHashMap<String, Index>,
    /// Labels in the order of their declaration, behind the ids where prefixes are looked up.
    pub(crate) labels: Vec<(String, Index)>,
    pub(crate) heads: Vec<Index>,
    pub(crate) real_heads: Vec<Index>,
    pub(crate) bases: Vec<Index>,
    pub(crate) duplicates: Vec<String>,
}

impl RevisionMap {
    /// Ids that were declared more than once; the last declaration counts.
    pub fn duplicates(&self) -> &[String] {
        &self.duplicates
    }

    /// How many revisions there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The revisions that are nobody's parent.
    pub fn heads(&self) -> Vec<&str> {
        self.ids(&self.heads)
    }

    /// The revisions that are nobody's parent and nobody's dependency.
    pub fn real_heads(&self) -> Vec<&str> {
        self.ids(&self.real_heads)
    }

    /// The revisions without a parent.
    pub fn bases(&self) -> Vec<&str> {
        self.ids(&self.bases)
    }

    /// What a revision's file declares.
    pub fn revision(&self, id: &str) -> Option<&Revision> {
        Some(&self.node_of(id)?.declared)
    }

    /// The revisions that have this one as a parent.
    pub fn children(&self, id: &str) -> Vec<&str> {
        self.node_of(id)
            .map(|node| self.ids(&node.children))
            .unwrap_or_default()
    }

    /// A revision's branch labels, declared and inherited.
    pub fn labels(&self, id: &str) -> Vec<&str> {
        self.node_of(id)
            .map(|node| node.labels.iter().map(|&label| self.label(label)).collect())
            .unwrap_or_default()
    }

    /// A revision's place among the different ids, in the order of loading.
    pub fn position(&self, id: &str) -> Option<usize> {
        let index = *self.names.get(id)?;
        (self.id(index) == id).then_some(index)
    }

    /// Whether nothing follows the revision, not even through `depends_on`.
    pub fn is_real_head(&self, id: &str) -> bool {
        self.node_of(id)
            .is_some_and(|node| node.dependents.is_empty())
    }

    pub(crate) fn ids(&self, indexes: &[Index]) -> Vec<&str> {
        indexes.iter().map(|index| self.id(*index)).collect()
    }

    pub(crate) fn id(&self, index: Index) -> &str {
        &self.nodes[index].declared.id
    }

    /// A label by its place in the map's list.
    pub(crate) fn label(&self, label: usize) -> &str {
        &self.labels[label].0
    }

    /// Whether a revision carries a label.
    pub(crate) fn has_label(&self, index: Index, label: &str) -> bool {
        let carried = &self.nodes[index].labels;
        carried.iter().any(|&own| self.label(own) == label)
    }

    fn node_of(&self, id: &str) -> Option<&Node> {
        // A label names a revision, too, but is not its id.
        self.position(id).map(|index| &self.nodes[index])
    }
}
