//! Builds the map: links, heads, labels, dependencies, and the proof that there is no circle.

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::map::{Index, Node};
use crate::traverse::Marks;
use crate::{GraphError, Revision, RevisionMap};

/// What the identifier grammar keeps for itself.
const ILLEGAL: [char; 4] = ['+', '-', ':', '@'];

impl RevisionMap {
    /// Builds the map from revisions in the order in which their files were loaded.
    ///
    /// # Errors
    /// [`GraphError`] names the revisions that don't fit together.
    pub fn new(revisions: Vec<Revision>) -> Result<Self, GraphError> {
        let mut map = Self {
            names: FxHashMap::with_capacity_and_hasher(revisions.len(), FxBuildHasher),
            ..Self::default()
        };
        map.nodes.reserve(revisions.len());
        let mut loaded: Vec<Loaded> = Vec::with_capacity(revisions.len());
        for revision in revisions {
            verify(&revision)?;
            let index = map.insert(revision, &mut loaded);
            loaded.push(Loaded {
                index,
                superseded: None,
            });
        }
        map.declare_labels(&loaded)?;
        map.link()?;
        map.find_ends(&loaded);
        map.leave_out_inherited_dependencies();
        map.find_circles()?;
        map.spread_labels();
        Ok(map)
    }

    fn insert(&mut self, declared: Revision, loaded: &mut [Loaded]) -> Index {
        let mut node = Node {
            declared,
            parents: Vec::new(),
            dependencies: Vec::new(),
            own_dependencies: Vec::new(),
            children: Vec::new(),
            dependents: Vec::new(),
            labels: Vec::new(),
        };
        if let Some(&index) = self.names.get(&node.declared.id) {
            self.duplicates.push(node.declared.id.clone());
            std::mem::swap(&mut self.nodes[index], &mut node);
            let before = loaded
                .iter_mut()
                .rfind(|before| before.index == index)
                .map(|before| &mut before.superseded);
            if let Some(superseded) = before {
                *superseded = Some(node.declared);
            }
            index
        } else {
            let index = self.nodes.len();
            self.names.insert(node.declared.id.clone(), index);
            self.nodes.push(node);
            index
        }
    }

    fn declare_labels(&mut self, loaded: &[Loaded]) -> Result<(), GraphError> {
        for Loaded { index, superseded } in loaded {
            let declared = superseded.as_ref().unwrap_or(&self.nodes[*index].declared);
            for label in &declared.branch_labels {
                if let Some(&used_by) = self.names.get(label) {
                    return Err(GraphError::Label {
                        label: label.clone(),
                        revision: declared.id.clone(),
                        used_by: self.nodes[used_by].declared.id.clone(),
                    });
                }
                self.names.insert(label.clone(), *index);
                self.labels.push((label.clone(), *index));
            }
        }
        Ok(())
    }

    fn link(&mut self) -> Result<(), GraphError> {
        for index in 0..self.nodes.len() {
            let declared = &self.nodes[index].declared;
            let find = |name: &String| {
                self.names
                    .get(name)
                    .copied()
                    .ok_or_else(|| GraphError::Missing {
                        missing: name.clone(),
                        referenced_from: declared.id.clone(),
                    })
            };
            let parents = declared
                .down_revisions
                .iter()
                .map(find)
                .collect::<Result<Vec<_>, _>>()?;
            let dependencies = declared
                .dependencies
                .iter()
                .map(find)
                .collect::<Result<Vec<_>, _>>()?;
            for (&parent, name) in parents.iter().zip(&declared.down_revisions) {
                if self.nodes[parent].declared.id != *name {
                    // Alembic breaks on a label here, too: `down_revision` takes ids.
                    return Err(GraphError::Missing {
                        missing: name.clone(),
                        referenced_from: declared.id.clone(),
                    });
                }
            }
            let node = &mut self.nodes[index];
            node.parents = unique(parents);
            node.dependencies = unique(dependencies);
        }
        for index in 0..self.nodes.len() {
            for parent in self.nodes[index].parents.clone() {
                self.nodes[parent].children.push(index);
                self.nodes[parent].dependents.push(index);
            }
            for dependency in self.nodes[index].dependencies.clone() {
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
    fn find_ends(&mut self, loaded: &[Loaded]) {
        for Loaded { index, superseded } in loaded {
            let node = &self.nodes[*index];
            if superseded.is_some() || node.children.is_empty() {
                self.heads.push(*index);
            }
            if superseded.is_some() || node.dependents.is_empty() {
                self.real_heads.push(*index);
            }
            let declared = superseded.as_ref().unwrap_or(&node.declared);
            if declared.down_revisions.is_empty() {
                self.bases.push(*index);
            }
        }
    }

    /// A dependency that an ancestor has declared already adds nothing.
    fn leave_out_inherited_dependencies(&mut self) {
        let mut declaring: FxHashMap<Index, Vec<Index>> = FxHashMap::default();
        for (index, node) in self.nodes.iter().enumerate() {
            for &dependency in &node.dependencies {
                declaring.entry(dependency).or_default().push(index);
            }
        }
        for index in 0..self.nodes.len() {
            self.nodes[index].own_dependencies = self.nodes[index].dependencies.clone();
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
                    own.retain(|&other| other != dependency);
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
                if node.dependents.len() > 1 || node.is_merge_point() {
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

/// One file's declaration.
struct Loaded {
    index: Index,
    /// What it declared, where a later file declares the same id.
    superseded: Option<Revision>,
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

fn unique(indexes: Vec<Index>) -> Vec<Index> {
    let mut seen: Vec<Index> = Vec::with_capacity(indexes.len());
    for index in indexes {
        if !seen.contains(&index) {
            seen.push(index);
        }
    }
    seen
}
