//! Sorts a selection: newest first, each branch as far as possible before the next.

use crate::map::Index;
use crate::traverse::NodeSet;
use crate::{RevisionError, RevisionErrorKind, RevisionMap};

impl RevisionMap {
    /// Sorts `selected`, starting from `heads`.
    ///
    /// # Errors
    /// Returns an error of the kind [`RevisionErrorKind::IncompleteRange`] if the selection has gaps: a member
    /// that can't be reached from the heads through other members.
    pub(crate) fn sort(
        &self,
        selected: &NodeSet,
        heads: &[Index],
    ) -> Result<Vec<Index>, RevisionError> {
        let mut todo = selected.clone();
        let mut left = selected.iter().count();
        let mut open: Vec<Index> = heads
            .iter()
            .copied()
            .filter(|&head| todo.contains(head))
            .collect();
        open.sort_unstable();
        open.dedup();
        let mut search = OpenHeadSearch::new(self, heads);
        let mut sorted = Vec::with_capacity(left);
        let mut slot = 0;
        while !open.is_empty() {
            let candidate = open[slot];
            if open.len() > 1
                && let Some(higher) = search.first_above(candidate, &open)
            {
                slot = higher;
                continue;
            }
            if todo.contains(candidate) {
                sorted.push(candidate);
                todo.remove(candidate);
                left -= 1;
            }
            search.finish(candidate);
            let node = &self.nodes[candidate];
            let next: Vec<Index> = node
                .requirements()
                .filter(|&index| todo.contains(index) && !open.contains(&index))
                .collect();
            match next.split_first() {
                None => {
                    open.remove(slot);
                    slot = slot.saturating_sub(1);
                }
                Some((&first, others)) => {
                    open[slot] = first;
                    open.extend(others);
                }
            }
        }
        if left == 0 {
            return Ok(sorted);
        }
        let missed = todo.iter().next().map_or("", |index| self.id(index));
        Err(RevisionError::new(
            RevisionErrorKind::IncompleteRange {
                revision: missed.to_owned(),
            },
            format!(
                "The range leaves out a revision on the way to '{missed}'; please choose a wider range"
            ),
        ))
    }
}

/// A search for open heads above a candidate, by walking up from the candidate.
///
/// A finished revision has no open head above it, so the walk ends there. In a long history the walk is only as long
/// as the branches are wide.
struct OpenHeadSearch<'a> {
    map: &'a RevisionMap,
    /// The revisions that are not finished and can have an open head above them.
    pending: NodeSet,
    /// The number of the last walk that visited each revision.
    last_visit: Vec<u32>,
    /// The number of the current walk.
    walk: u32,
    todo: Vec<Index>,
}

impl<'a> OpenHeadSearch<'a> {
    fn new(map: &'a RevisionMap, heads: &[Index]) -> Self {
        Self {
            map,
            pending: map.ancestors(heads),
            last_visit: vec![0; map.nodes.len()],
            walk: 0,
            todo: Vec::new(),
        }
    }

    fn finish(&mut self, index: Index) {
        self.pending.remove(index);
    }

    /// Returns the position in `open` of the first head that `candidate` is an ancestor of.
    fn first_above(&mut self, candidate: Index, open: &[Index]) -> Option<usize> {
        self.walk += 1;
        self.todo.push(candidate);
        while let Some(index) = self.todo.pop() {
            for &above in &self.map.nodes[index].dependents {
                if self.pending.contains(above) && self.last_visit[above] != self.walk {
                    self.last_visit[above] = self.walk;
                    self.todo.push(above);
                }
            }
        }
        // The graph has no cycles, so the walk doesn't visit the candidate itself.
        open.iter()
            .position(|&head| self.last_visit[head] == self.walk)
    }
}
