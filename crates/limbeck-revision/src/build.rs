//! Builds the map: links, heads, labels, dependencies, and the proof that there is no circle.

use std::collections::HashMap;

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
            names: HashMap::with_capacity(revisions.len()),
            ..Self::default()
        };
        map.nodes.reserve(revisions.len());
        for revision in revisions {
            verify(&revision)?;
            map.insert(revision);
        }
        map.declare_labels()?;
        map.link()?;
        map.leave_out_inherited_dependencies();
        map.find_circles()?;
        map.spread_labels();
        Ok(map)
    }

    fn insert(&mut self, declared: Revision) {
        let labels = declared.branch_labels.clone();
        let node = Node {
            declared,
            parents: Vec::new(),
            dependencies: Vec::new(),
            own_dependencies: Vec::new(),
            children: Vec::new(),
            dependents: Vec::new(),
            labels,
        };
        if let Some(&index) = self.names.get(&node.declared.id) {
            self.duplicates.push(node.declared.id.clone());
            self.nodes[index] = node;
        } else {
            self.names
                .insert(node.declared.id.clone(), self.nodes.len());
            self.nodes.push(node);
        }
    }

    fn declare_labels(&mut self) -> Result<(), GraphError> {
        for (index, node) in self.nodes.iter().enumerate() {
            for label in &node.declared.branch_labels {
                if let Some(&used_by) = self.names.get(label) {
                    return Err(GraphError::Label {
                        label: label.clone(),
                        revision: node.declared.id.clone(),
                        used_by: self.nodes[used_by].declared.id.clone(),
                    });
                }
                self.names.insert(label.clone(), index);
                self.labels.push((label.clone(), index));
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
        let all = || 0..self.nodes.len();
        self.heads = all()
            .filter(|&index| self.nodes[index].children.is_empty())
            .collect();
        self.real_heads = all()
            .filter(|&index| self.nodes[index].dependents.is_empty())
            .collect();
        self.bases = all()
            .filter(|&index| self.nodes[index].parents.is_empty())
            .collect();
        Ok(())
    }

    fn leave_out_inherited_dependencies(&mut self) {
        for index in 0..self.nodes.len() {
            let mut own = self.nodes[index].dependencies.clone();
            if !own.is_empty() {
                for ancestor in self.reach(&[index], |node| node.parents.iter().copied()) {
                    if ancestor != index {
                        own.retain(|dependency| {
                            !self.nodes[ancestor].dependencies.contains(dependency)
                        });
                    }
                }
            }
            self.nodes[index].own_dependencies = own;
        }
    }

    /// What is on no way from a head to a base is in a circle, or above or below one.
    fn find_circles(&self) -> Result<(), GraphError> {
        if self.nodes.is_empty() {
            return Ok(());
        }
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
        let circle = outside(down, up);
        if !circle.is_empty() {
            return Err(GraphError::Cycle(circle));
        }
        let real_bases: Vec<Index> = (0..self.nodes.len())
            .filter(|&index| {
                self.nodes[index].parents.is_empty() && self.nodes[index].dependencies.is_empty()
            })
            .collect();
        let down = self.mark(&self.real_heads, super::map::Node::all_requirements);
        let up = self.mark(&real_bases, |node| node.dependents.iter().copied());
        let circle = outside(down, up);
        if circle.is_empty() {
            Ok(())
        } else {
            Err(GraphError::DependencyCycle(circle))
        }
    }

    /// A label goes to all descendants, and from the one visited last back up to the next fork or merge.
    fn spread_labels(&mut self) {
        let declaring: Vec<Index> = (0..self.nodes.len())
            .filter(|&index| !self.nodes[index].declared.branch_labels.is_empty())
            .collect();
        for index in declaring {
            let labels = self.nodes[index].labels.clone();
            let descendants = self.reach(&[index], |node| node.children.iter().copied());
            for &descendant in &descendants {
                self.add_labels(descendant, &labels);
            }
            let mut next = descendants.last().copied();
            while let Some(index) = next {
                let node = &self.nodes[index];
                if node.dependents.len() > 1 || node.parents.len() > 1 {
                    break;
                }
                next = node.parents.first().copied();
                self.add_labels(index, &labels);
            }
        }
    }

    fn add_labels(&mut self, index: Index, labels: &[String]) {
        let own = &mut self.nodes[index].labels;
        for label in labels {
            if !own.contains(label) {
                own.push(label.clone());
            }
        }
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
