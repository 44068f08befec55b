//! A hash table from ids and labels to revisions that holds no copy of their text.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

use crate::Revision;
use crate::map::Index;

/// The names of a map. Their text is in the map's lists of declarations and labels, which each call is given.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameTable {
    table: HashTable<Name>,
}

/// The position of a name in the map's lists, and the revision that the name denotes.
#[derive(Debug, Clone, Copy)]
enum Name {
    /// The id of a declaration.
    Id { declaration: usize, index: Index },
    /// A label, by its index in the map's list.
    Label(usize),
}

impl Name {
    fn text<'a>(&self, declarations: &'a [Revision], labels: &'a [(String, Index)]) -> &'a str {
        match *self {
            Self::Id { declaration, .. } => &declarations[declaration].id,
            Self::Label(label) => &labels[label].0,
        }
    }

    fn index(&self, labels: &[(String, Index)]) -> Index {
        match *self {
            Self::Id { index, .. } => index,
            Self::Label(label) => labels[label].1,
        }
    }
}

impl NameTable {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            table: HashTable::with_capacity(capacity),
        }
    }

    /// Returns the revision that a name denotes.
    pub(crate) fn find(
        &self,
        name: &str,
        declarations: &[Revision],
        labels: &[(String, Index)],
    ) -> Option<Index> {
        let is_equal = |other: &Name| other.text(declarations, labels) == name;
        let found = self.table.find(hash(name), is_equal)?;
        Some(found.index(labels))
    }

    /// Adds the id of a declaration. If an earlier declaration has the same id, returns the revision of that one
    /// and adds nothing.
    pub(crate) fn insert_id(
        &mut self,
        declaration: usize,
        index: Index,
        declarations: &[Revision],
    ) -> Option<Index> {
        self.insert(Name::Id { declaration, index }, declarations, &[])
    }

    /// Adds a label. If an id or another label has the same text, returns the revision that it denotes and adds
    /// nothing.
    pub(crate) fn insert_label(
        &mut self,
        label: usize,
        declarations: &[Revision],
        labels: &[(String, Index)],
    ) -> Option<Index> {
        self.insert(Name::Label(label), declarations, labels)
    }

    fn insert(
        &mut self,
        new: Name,
        declarations: &[Revision],
        labels: &[(String, Index)],
    ) -> Option<Index> {
        let name = new.text(declarations, labels);
        let is_equal = |other: &Name| other.text(declarations, labels) == name;
        let hash_of = |other: &Name| hash(other.text(declarations, labels));
        match self.table.entry(hash(name), is_equal, hash_of) {
            Entry::Occupied(existing) => Some(existing.get().index(labels)),
            Entry::Vacant(vacant) => {
                vacant.insert(new);
                None
            }
        }
    }
}

fn hash(name: &str) -> u64 {
    FxBuildHasher.hash_one(name)
}
