//! Finds what an id or a label denotes, without a copy of either.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

use crate::Revision;
use crate::map::Index;

/// Ids and labels; what they are is kept by the map, which each call is given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    table: HashTable<Name>,
}

/// Where a name stands, and what it denotes.
#[derive(Debug, Clone, Copy)]
enum Name {
    /// The id of a declaration.
    Id { declared: usize, index: Index },
    /// A label by its place in the map's list.
    Label(usize),
}

impl Name {
    fn text<'a>(&self, declared: &'a [Revision], labels: &'a [(String, Index)]) -> &'a str {
        match *self {
            Self::Id { declared: at, .. } => &declared[at].id,
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

impl Names {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            table: HashTable::with_capacity(capacity),
        }
    }

    pub(crate) fn find(
        &self,
        name: &str,
        declared: &[Revision],
        labels: &[(String, Index)],
    ) -> Option<Index> {
        let is_it = |other: &Name| other.text(declared, labels) == name;
        let found = self.table.find(hash(name), is_it)?;
        Some(found.index(labels))
    }

    /// Adds the id of a declaration, unless an earlier one has it: then that one's revision comes back.
    pub(crate) fn insert_id(
        &mut self,
        at: usize,
        index: Index,
        declared: &[Revision],
    ) -> Option<Index> {
        self.insert(
            Name::Id {
                declared: at,
                index,
            },
            declared,
            &[],
        )
    }

    /// Adds a label, unless something has that name already: then its revision comes back.
    pub(crate) fn insert_label(
        &mut self,
        label: usize,
        declared: &[Revision],
        labels: &[(String, Index)],
    ) -> Option<Index> {
        self.insert(Name::Label(label), declared, labels)
    }

    fn insert(
        &mut self,
        new: Name,
        declared: &[Revision],
        labels: &[(String, Index)],
    ) -> Option<Index> {
        let name = new.text(declared, labels);
        let is_it = |other: &Name| other.text(declared, labels) == name;
        let hash_of = |other: &Name| hash(other.text(declared, labels));
        match self.table.entry(hash(name), is_it, hash_of) {
            Entry::Occupied(there) => Some(there.get().index(labels)),
            Entry::Vacant(free) => {
                free.insert(new);
                None
            }
        }
    }
}

fn hash(name: &str) -> u64 {
    FxBuildHasher.hash_one(name)
}
