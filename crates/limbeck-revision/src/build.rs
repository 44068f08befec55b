//! Builds the map: links, heads, labels and dependencies. Refuses graphs with cycles.

use rustc_hash::FxHashMap;

use crate::map::{Index, Links, Node};
use crate::names::NameTable;
use crate::traverse::NodeSet;
use crate::{GraphError, Revision, RevisionMap};

/// The characters that identifiers of targets reserve, in the order in which Alembic's message lists them.
const RESERVED: [char; 4] = ['+', '-', ':', '@'];

impl RevisionMap {
    /// Builds the map from revisions in load order.
    ///
    /// Repeated ids are not an error: the last declaration of an id counts, and [`Self::duplicates`] lists
    /// them.
    ///
    /// # Errors
    /// Returns a [`GraphError`] if a revision refers to a missing one, if a label is used twice, if an id contains
    /// a reserved character, or if the revisions form a cycle.
    pub fn new(mut revisions: Vec<Revision>) -> Result<Self, GraphError> {
        for revision in &mut revisions {
            verify_own_fields(revision)?;
            // Alembic treats `depends_on = ""` as no dependency.
            if matches!(&revision.dependencies[..], [only] if only.is_empty()) {
                revision.dependencies.clear();
            }
        }
        let mut map = Self {
            names: NameTable::with_capacity(revisions.len()),
            nodes: Vec::with_capacity(revisions.len()),
            declarations: revisions,
            ..Self::default()
        };
        let loaded = map.add_nodes();
        map.add_labels(&loaded)?;
        map.link()?;
        map.collect_heads_and_bases(&loaded);
        map.drop_inherited_dependencies();
        map.refuse_cycles()?;
        map.propagate_labels();
        Ok(map)
    }

    /// Adds a node for each id. Returns the node of each declaration.
    fn add_nodes(&mut self) -> Vec<Index> {
        let mut loaded = Vec::with_capacity(self.declarations.len());
        for (position, revision) in self.declarations.iter().enumerate() {
            let new = self.nodes.len();
            let index = match self.names.insert_id(position, new, &self.declarations) {
                None => {
                    self.nodes.push(Node::default());
                    new
                }
                Some(index) => {
                    self.duplicates.push(revision.id.clone());
                    index
                }
            };
            let node = &mut self.nodes[index];
            // A later declaration of the same id replaces this one.
            node.declaration = position;
            node.is_merge_point = revision.down_revisions.len() > 1;
            loaded.push(index);
        }
        loaded
    }

    /// Adds the labels of each declaration. `loaded` are the nodes of the declarations.
    fn add_labels(&mut self, loaded: &[Index]) -> Result<(), GraphError> {
        for (revision, &index) in self.declarations.iter().zip(loaded) {
            for label in &revision.branch_labels {
                self.labels.push((label.clone(), index));
                let new = self.labels.len() - 1;
                let existing = self
                    .names
                    .insert_label(new, &self.declarations, &self.labels);
                if let Some(used_by) = existing {
                    return Err(GraphError::Label {
                        label: label.clone(),
                        revision: revision.id.clone(),
                        used_by: self.id(used_by).to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Resolves the parents and dependencies of each node, and adds the links in the other direction.
    fn link(&mut self) -> Result<(), GraphError> {
        for index in 0..self.nodes.len() {
            let revision = &self.declarations[self.nodes[index].declaration];
            let missing = |name: &String| GraphError::Missing {
                missing: name.clone(),
                referenced_from: revision.id.clone(),
            };
            let mut parents = Links::new();
            for name in &revision.down_revisions {
                let parent = self.find_exact(name).ok_or_else(|| missing(name))?;
                push_unique(&mut parents, parent);
            }
            let mut dependencies = Links::new();
            for name in &revision.dependencies {
                let dependency = self.find_exact(name).ok_or_else(|| missing(name))?;
                push_unique(&mut dependencies, dependency);
            }
            // `down_revision` takes ids only. Alembic raises an exception if it names a label.
            let is_id = |name: &&String| parents.iter().any(|&parent| self.id(parent) == **name);
            if let Some(name) = revision.down_revisions.iter().find(|name| !is_id(name)) {
                return Err(missing(name));
            }
            let node = &mut self.nodes[index];
            node.parents = parents;
            node.dependencies = dependencies;
        }
        for index in 0..self.nodes.len() {
            for position in 0..self.nodes[index].parents.len() {
                let parent = self.nodes[index].parents[position];
                self.nodes[parent].children.push(index);
                self.nodes[parent].dependents.push(index);
            }
            for position in 0..self.nodes[index].dependencies.len() {
                let dependency = self.nodes[index].dependencies[position];
                if !self.nodes[index].parents.contains(&dependency) {
                    self.nodes[dependency].dependents.push(index);
                }
            }
        }
        Ok(())
    }

    /// Collects heads and bases in load order. A declaration that a later one of the same id replaces has no
    /// children, so it counts as a head, and as a base if it has no parents. Alembic refuses `head` then until the
    /// duplicate is gone.
    fn collect_heads_and_bases(&mut self, loaded: &[Index]) {
        for (position, &index) in loaded.iter().enumerate() {
            let node = &self.nodes[index];
            let is_replaced = node.declaration != position;
            if is_replaced || node.children.is_empty() {
                self.heads.push(index);
            }
            if is_replaced || node.dependents.is_empty() {
                self.real_heads.push(index);
            }
            if self.declarations[position].down_revisions.is_empty() {
                self.bases.push(index);
            }
        }
    }

    /// Sets each node's own dependencies: those that no ancestor through parents declares.
    fn drop_inherited_dependencies(&mut self) {
        let mut declaring: FxHashMap<Index, Vec<Index>> = FxHashMap::default();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.own_dependencies.clone_from(&node.dependencies);
            for &dependency in &node.dependencies {
                declaring.entry(dependency).or_default().push(index);
            }
        }
        for (dependency, declaring) in declaring {
            if declaring.len() < 2 {
                continue;
            }
            let children: Vec<Index> = declaring
                .iter()
                .flat_map(|&index| self.nodes[index].children.iter().copied())
                .collect();
            let inheriting = self.descendants_by_parent(&children);
            for index in declaring {
                if inheriting.contains(index) {
                    let own = &mut self.nodes[index].own_dependencies;
                    own.retain(|other| *other != dependency);
                }
            }
        }
    }

    /// Refuses cycles of parents, and cycles of parents and dependencies.
    fn refuse_cycles(&self) -> Result<(), GraphError> {
        let mut in_cycles = self.revisions_in_cycles();
        if in_cycles.is_empty() {
            return Ok(());
        }
        // Alembic's message names the revisions that are on no path from a head to a base.
        let on_no_path = |below_heads: NodeSet, above_bases: NodeSet| {
            let is_on_path =
                |index: Index| below_heads.contains(index) && above_bases.contains(index);
            let mut ids: Vec<String> = (0..self.nodes.len())
                .filter(|&index| !is_on_path(index))
                .map(|index| self.id(index).to_owned())
                .collect();
            ids.sort();
            ids
        };
        let below_heads = self.ancestors_by_parent(&self.heads);
        let above_bases = self.descendants_by_parent(&self.bases);
        let unreached = on_no_path(below_heads, above_bases);
        if !unreached.is_empty() {
            return Err(GraphError::Cycle(unreached));
        }
        let real_bases: Vec<Index> = (0..self.nodes.len())
            .filter(|&index| {
                self.nodes[index].parents.is_empty() && self.nodes[index].dependencies.is_empty()
            })
            .collect();
        let below_heads = self.reachable_set(&self.real_heads, Node::all_requirements);
        let above_bases = self.descendants(&real_bases);
        let unreached = on_no_path(below_heads, above_bases);
        if !unreached.is_empty() {
            return Err(GraphError::DependencyCycle(unreached));
        }
        // Each revision in the cycle is also on a path from a head to a base. Alembic doesn't notice such a cycle
        // and loops forever.
        in_cycles.sort();
        Err(GraphError::DependencyCycle(in_cycles))
    }

    /// Returns the revisions in cycles, and those on a path between two cycles.
    ///
    /// Repeatedly removes the nodes without requirements, then repeatedly those without dependents.
    fn revisions_in_cycles(&self) -> Vec<String> {
        let mut remaining = NodeSet::from_indexes(self.nodes.len(), 0..self.nodes.len());
        self.remove_sinks(&mut remaining, Node::all_requirements, |node| {
            node.dependents.iter().copied()
        });
        if !remaining.is_empty() {
            self.remove_sinks(
                &mut remaining,
                |node| node.dependents.iter().copied(),
                Node::all_requirements,
            );
        }
        remaining
            .iter()
            .map(|index| self.id(index).to_owned())
            .collect()
    }

    /// Removes the nodes without `links` to remaining nodes, until there are none. `back_links` are the same links
    /// in the other direction.
    fn remove_sinks<'a, L, B>(
        &'a self,
        remaining: &mut NodeSet,
        links: impl Fn(&'a Node) -> L,
        back_links: impl Fn(&'a Node) -> B,
    ) where
        L: Iterator<Item = Index> + 'a,
        B: Iterator<Item = Index> + 'a,
    {
        let mut link_counts: Vec<usize> = self
            .nodes
            .iter()
            .map(|node| {
                links(node)
                    .filter(|&index| remaining.contains(index))
                    .count()
            })
            .collect();
        let mut sinks: Vec<Index> = remaining
            .iter()
            .filter(|&index| link_counts[index] == 0)
            .collect();
        while let Some(index) = sinks.pop() {
            remaining.remove(index);
            for other in back_links(&self.nodes[index]).filter(|&other| remaining.contains(other)) {
                link_counts[other] -= 1;
                if link_counts[other] == 0 {
                    sinks.push(other);
                }
            }
        }
    }

    /// Gives each label to all descendants of its revision, and from the descendant visited last back down to the
    /// next branch point or merge point, as Alembic does.
    fn propagate_labels(&mut self) {
        let mut declaring: Vec<Index> = self.labels.iter().map(|(_, index)| *index).collect();
        declaring.sort_unstable();
        declaring.dedup();
        if declaring.is_empty() {
            return;
        }
        let mut label_sets = vec![LabelSet::empty(self.labels.len()); self.nodes.len()];
        for (label, (_, index)) in self.labels.iter().enumerate() {
            label_sets[*index].insert(label);
        }
        for index in declaring {
            let labels = label_sets[index].clone();
            let descendants = self.reachable(&[index], |node| node.children.iter().copied());
            for &descendant in &descendants {
                label_sets[descendant].insert_all(&labels);
            }
            let mut next = descendants.last().copied();
            while let Some(index) = next {
                let node = &self.nodes[index];
                if node.dependents.len() > 1 || node.is_merge_point {
                    break;
                }
                next = node.parents.first().copied();
                label_sets[index].insert_all(&labels);
            }
        }
        for (node, labels) in self.nodes.iter_mut().zip(&label_sets) {
            node.labels = labels.iter().collect();
        }
    }
}

/// A set of labels, by their index in the map's list.
#[derive(Clone)]
struct LabelSet(Vec<u64>);

impl LabelSet {
    fn empty(label_count: usize) -> Self {
        Self(vec![0; label_count.div_ceil(64)])
    }

    fn insert(&mut self, label: usize) {
        self.0[label / 64] |= 1 << (label % 64);
    }

    fn insert_all(&mut self, others: &Self) {
        for (own, other) in self.0.iter_mut().zip(&others.0) {
            *own |= other;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = self.0.len() * 64;
        (0..bits).filter(|bit| self.0[bit / 64] >> (bit % 64) & 1 == 1)
    }
}

/// Refuses an id with reserved characters, and a revision that refers to itself.
fn verify_own_fields(revision: &Revision) -> Result<(), GraphError> {
    let id = &revision.id;
    if revision.down_revisions.contains(id) {
        return Err(GraphError::Loop(id.clone()));
    }
    if revision.dependencies.contains(id) {
        return Err(GraphError::DependencyLoop(id.clone()));
    }
    let characters: Vec<String> = RESERVED
        .iter()
        .filter(|reserved| id.contains(**reserved))
        .map(ToString::to_string)
        .collect();
    if characters.is_empty() {
        Ok(())
    } else {
        Err(GraphError::Identifier {
            characters: characters.join(", "),
            id: id.clone(),
        })
    }
}

/// Adds a link, unless it exists.
fn push_unique(links: &mut Links, index: Index) {
    if !links.contains(&index) {
        links.push(index);
    }
}
