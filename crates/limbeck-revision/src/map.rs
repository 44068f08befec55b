//! The revisions and how they hang together.

use smallvec::SmallVec;

use crate::names::Names;

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

/// Links to others; nearly every revision has one of a kind, or none.
pub(crate) type Links = SmallVec<[Index; 2]>;

/// A revision's links, by index.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// The place of its declaration, which for an id that several files declare is the last one.
    pub(crate) declared: usize,
    /// `down_revision`.
    pub(crate) parents: Links,
    /// `depends_on`, labels resolved.
    pub(crate) dependencies: Links,
    /// Those dependencies that no ancestor has declared already.
    pub(crate) own_dependencies: Links,
    /// Revisions that have this one as a parent.
    pub(crate) children: Links,
    /// Revisions that have this one as a parent or a dependency.
    pub(crate) dependents: Links,
    /// Labels, declared and inherited, by their place in the map's list.
    pub(crate) labels: Vec<usize>,
    /// Several parents; also the same one twice.
    pub(crate) is_merge_point: bool,
}

impl Node {
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
    /// What the files declare, in the order of loading.
    pub(crate) declared: Vec<Revision>,
    /// One for each id, in the order in which the ids were met first.
    pub(crate) nodes: Vec<Node>,
    /// Ids and labels.
    pub(crate) names: Names,
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

    /// What the files declare, in the order of loading; an id that several declare is there as often.
    pub fn declared(&self) -> &[Revision] {
        &self.declared
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

    /// A revision by its id.
    pub fn get(&self, id: &str) -> Option<Member<'_>> {
        // A label names a revision, too, but is not its id.
        let index = self.named(id).filter(|&index| self.id(index) == id)?;
        Some(Member { map: self, index })
    }

    pub(crate) fn ids(&self, indexes: &[Index]) -> Vec<&str> {
        indexes.iter().map(|index| self.id(*index)).collect()
    }

    pub(crate) fn id(&self, index: Index) -> &str {
        &self.declared[self.nodes[index].declared].id
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

    /// The revision of an id or a label.
    pub(crate) fn named(&self, name: &str) -> Option<Index> {
        self.names.find(name, &self.declared, &self.labels)
    }
}

/// A revision in its map.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    map: &'a RevisionMap,
    index: Index,
}

impl<'a> Member<'a> {
    /// What its file declares.
    pub fn revision(self) -> &'a Revision {
        &self.map.declared[self.node().declared]
    }

    /// The place of its declaration in [`RevisionMap::declared`]: the last one, where several files declare
    /// its id.
    pub fn position(self) -> usize {
        self.node().declared
    }

    /// The revisions that have this one as a parent.
    pub fn children(self) -> impl ExactSizeIterator<Item = &'a str> {
        let children = self.node().children.iter();
        children.map(move |&child| self.map.id(child))
    }

    /// Its branch labels, declared and inherited.
    pub fn labels(self) -> impl ExactSizeIterator<Item = &'a str> {
        let labels = self.node().labels.iter();
        labels.map(move |&label| self.map.label(label))
    }

    /// Whether nothing follows it, not even through `depends_on`.
    pub fn is_real_head(self) -> bool {
        self.node().dependents.is_empty()
    }

    fn node(self) -> &'a Node {
        &self.map.nodes[self.index]
    }
}
