//! Builds the map: links, heads, labels, dependencies, and the proof that there is no circle.

use rustc_hash::FxHashMap;

use crate::map::{Index, Links, Node};
use crate::names::Names;
use crate::traverse::Marks;
use crate::{GraphError, Revision, RevisionMap};

/// What the identifier grammar keeps for itself.
const ILLEGAL: [char; 4] = ['+', '-', ':', '@'];

impl RevisionMap {
    /// Builds the map from revisions in the order in which their files were loaded.
    ///
    /// # Errors
    /// [`GraphError`] names the revisions that don't fit together.
    pub fn new(mut revisions: Vec<Revision>) -> Result<Self, GraphError> {
        for revision in &mut revisions {
            verify(revision)?;
            // `depends_on = ""` is none to Alembic.
            if matches!(&revision.dependencies[..], [only] if only.is_empty()) {
                revision.dependencies.clear();
            }
        }
        let mut map = Self {
            names: Names::with_capacity(revisions.len()),
            nodes: Vec::with_capacity(revisions.len()),
            declared: revisions,
            ..Self::default()
        };
        let loaded = map.load();
        map.declare_labels(&loaded)?;
        map.link()?;
        map.find_ends(&loaded);
        map.leave_out_inherited_dependencies();
        map.find_circles()?;
        map.spread_labels();
        Ok(map)
    }

    /// Gives each id a node, which the last of its declarations has. Returns the node of each declaration.
    fn load(&mut self) -> Vec<Index> {
        let mut loaded = Vec::with_capacity(self.declared.len());
        for (at, revision) in self.declared.iter().enumerate() {
            let new = self.nodes.len();
            let index = match self.names.insert_id(at, new, &self.declared) {
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
            node.declared = at;
            node.is_merge_point = revision.down_revisions.len() > 1;
            loaded.push(index);
        }
        loaded
    }

    fn declare_labels(&mut self, loaded: &[Index]) -> Result<(), GraphError> {
        for (revision, &index) in self.declared.iter().zip(loaded) {
            for label in &revision.branch_labels {
                self.labels.push((label.clone(), index));
                let new = self.labels.len() - 1;
                if let Some(used_by) = self.names.insert_label(new, &self.declared, &self.labels) {
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

    fn link(&mut self) -> Result<(), GraphError> {
        for index in 0..self.nodes.len() {
            let declared = &self.declared[self.nodes[index].declared];
            let missing = |name: &String| GraphError::Missing {
                missing: name.clone(),
                referenced_from: declared.id.clone(),
            };
            let mut parents = Links::new();
            for name in &declared.down_revisions {
                let parent = self.named(name).ok_or_else(|| missing(name))?;
                add(&mut parents, parent);
            }
            let mut dependencies = Links::new();
            for name in &declared.dependencies {
                let dependency = self.named(name).ok_or_else(|| missing(name))?;
                add(&mut dependencies, dependency);
            }
            // Alembic breaks on a label here, too: `down_revision` takes ids.
            let is_id = |name: &&String| parents.iter().any(|&parent| self.id(parent) == **name);
            if let Some(name) = declared.down_revisions.iter().find(|name| !is_id(name)) {
                return Err(missing(name));
            }
            let node = &mut self.nodes[index];
            node.parents = parents;
            node.dependencies = dependencies;
        }
        for index in 0..self.nodes.len() {
            for at in 0..self.nodes[index].parents.len() {
                let parent = self.nodes[index].parents[at];
                self.nodes[parent].children.push(index);
                self.nodes[parent].dependents.push(index);
            }
            for at in 0..self.nodes[index].dependencies.len() {
                let dependency = self.nodes[index].dependencies[at];
                if !self.nodes[index].parents.contains(&dependency) {
                    self.nodes[dependency].dependents.push(index);
                }
            }
        }
        Ok(())
    }

    /// Heads and bases, in the order of loading. A declaration that a later one of the same id has
    /// superseded is nobody's parent: it stays a head, and a base if it was one, so that `head` is
    /// refused until the duplicate is gone.
    fn find_ends(&mut self, loaded: &[Index]) {
        for (at, &index) in loaded.iter().enumerate() {
            let node = &self.nodes[index];
            let is_superseded = node.declared != at;
            if is_superseded || node.children.is_empty() {
                self.heads.push(index);
            }
            if is_superseded || node.dependents.is_empty() {
                self.real_heads.push(index);
            }
            if self.declared[at].down_revisions.is_empty() {
                self.bases.push(index);
            }
        }
    }

    /// A dependency that an ancestor has declared already adds nothing.
    fn leave_out_inherited_dependencies(&mut self) {
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
            let inheriting = self.line_up(&children);
            for index in declaring {
                if inheriting.has(index) {
                    let own = &mut self.nodes[index].own_dependencies;
                    own.retain(|other| *other != dependency);
                }
            }
        }
    }

    /// A history has no circles, neither of parents nor of parents and dependencies.
    fn find_circles(&self) -> Result<(), GraphError> {
        let mut circle = self.in_circles();
        if circle.is_empty() {
            return Ok(());
        }
        // Now for Alembic's words: it names what is on no way from a head to a base.
        let outside = |down: Marks, up: Marks| {
            let mut ids: Vec<String> = (0..self.nodes.len())
                .filter(|&index| !(down.has(index) && up.has(index)))
                .map(|index| self.id(index).to_owned())
                .collect();
            ids.sort();
            ids
        };
        let down = self.mark(&self.heads, |node| node.parents.iter().copied());
        let up = self.mark(&self.bases, |node| node.children.iter().copied());
        let unreached = outside(down, up);
        if !unreached.is_empty() {
            return Err(GraphError::Cycle(unreached));
        }
        let real_bases: Vec<Index> = (0..self.nodes.len())
            .filter(|&index| {
                self.nodes[index].parents.is_empty() && self.nodes[index].dependencies.is_empty()
            })
            .collect();
        let down = self.mark(&self.real_heads, super::map::Node::all_requirements);
        let up = self.mark(&real_bases, |node| node.dependents.iter().copied());
        let unreached = outside(down, up);
        if !unreached.is_empty() {
            return Err(GraphError::DependencyCycle(unreached));
        }
        // A circle whose members have ways to heads and bases of their own, which Alembic walks for ever.
        circle.sort();
        Err(GraphError::DependencyCycle(circle))
    }

    /// What is left when everything that has nothing below it, then what has nothing above it, is taken
    /// away, and so on: the circles, and what lies between two.
    fn in_circles(&self) -> Vec<String> {
        let mut left = Marks::of(self.nodes.len(), 0..self.nodes.len());
        self.peel(&mut left, Node::all_requirements, |node| {
            node.dependents.iter().copied()
        });
        if left.iter().next().is_some() {
            self.peel(
                &mut left,
                |node| node.dependents.iter().copied(),
                Node::all_requirements,
            );
        }
        left.iter().map(|index| self.id(index).to_owned()).collect()
    }

    /// Takes away, again and again, the nodes that none of the others `hold`; `held` leads back.
    fn peel<'a, H, B>(
        &'a self,
        left: &mut Marks,
        hold: impl Fn(&'a Node) -> H,
        held: impl Fn(&'a Node) -> B,
    ) where
        H: Iterator<Item = Index> + 'a,
        B: Iterator<Item = Index> + 'a,
    {
        let mut holds: Vec<usize> = self
            .nodes
            .iter()
            .map(|node| hold(node).filter(|&index| left.has(index)).count())
            .collect();
        let mut free: Vec<Index> = left.iter().filter(|&index| holds[index] == 0).collect();
        while let Some(index) = free.pop() {
            left.set(index, false);
            for other in held(&self.nodes[index]).filter(|&other| left.has(other)) {
                holds[other] -= 1;
                if holds[other] == 0 {
                    free.push(other);
                }
            }
        }
    }

    /// A label goes to all descendants, and from the one visited last back up to the next fork or merge.
    fn spread_labels(&mut self) {
        let mut declaring: Vec<Index> = self.labels.iter().map(|(_, index)| *index).collect();
        declaring.sort_unstable();
        declaring.dedup();
        if declaring.is_empty() {
            return;
        }
        let mut carried = vec![LabelSet::none(self.labels.len()); self.nodes.len()];
        for (label, (_, index)) in self.labels.iter().enumerate() {
            carried[*index].add(label);
        }
        for index in declaring {
            let labels = carried[index].clone();
            let descendants = self.reach(&[index], |node| node.children.iter().copied());
            for &descendant in &descendants {
                carried[descendant].add_all(&labels);
            }
            let mut next = descendants.last().copied();
            while let Some(index) = next {
                let node = &self.nodes[index];
                if node.dependents.len() > 1 || node.is_merge_point {
                    break;
                }
                next = node.parents.first().copied();
                carried[index].add_all(&labels);
            }
        }
        for (node, labels) in self.nodes.iter_mut().zip(&carried) {
            node.labels = labels.iter().collect();
        }
    }
}

/// A set of labels, by their place in the map's list.
#[derive(Clone)]
struct LabelSet(Vec<u64>);

impl LabelSet {
    fn none(length: usize) -> Self {
        Self(vec![0; length.div_ceil(64)])
    }

    fn add(&mut self, label: usize) {
        self.0[label / 64] |= 1 << (label % 64);
    }

    fn add_all(&mut self, others: &Self) {
        for (own, other) in self.0.iter_mut().zip(&others.0) {
            *own |= other;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = self.0.len() * 64;
        (0..bits).filter(|bit| self.0[bit / 64] >> (bit % 64) & 1 == 1)
    }
}

fn verify(revision: &Revision) -> Result<(), GraphError> {
    let id = &revision.id;
    if revision.down_revisions.contains(id) {
        return Err(GraphError::Loop(id.clone()));
    }
    if revision.dependencies.contains(id) {
        return Err(GraphError::DependencyLoop(id.clone()));
    }
    let characters: Vec<String> = ILLEGAL
        .iter()
        .filter(|illegal| id.contains(**illegal))
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

/// Adds a link, once.
fn add(links: &mut Links, index: Index) {
    if !links.contains(&index) {
        links.push(index);
    }
}
