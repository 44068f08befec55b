//! The order of a selection: newest first, each branch as far as it goes before the next.

use crate::map::Index;
use crate::traverse::Marks;
use crate::{RevisionError, RevisionMap};

impl RevisionMap {
    /// Sorts `selected`, beginning from `heads`.
    ///
    /// # Errors
    /// When the selection can't be walked from the heads through its own members: it has gaps.
    pub(crate) fn sort(
        &self,
        selected: &Marks,
        heads: &[Index],
    ) -> Result<Vec<Index>, RevisionError> {
        let mut todo = selected.clone();
        let mut left = selected.iter().count();
        let mut open: Vec<Index> = heads
            .iter()
            .copied()
            .filter(|&head| todo.has(head))
            .collect();
        open.sort_unstable();
        open.dedup();
        let mut above = Above::new(self, heads);
        let mut sorted = Vec::with_capacity(left);
        let mut slot = 0;
        while !open.is_empty() {
            let candidate = open[slot];
            if open.len() > 1
                && let Some(higher) = above.first_open(candidate, &open)
            {
                slot = higher;
                continue;
            }
            if todo.has(candidate) {
                sorted.push(candidate);
                todo.set(candidate, false);
                left -= 1;
            }
            above.done(candidate);
            let node = &self.nodes[candidate];
            let next: Vec<Index> = node
                .requirements()
                .filter(|&index| todo.has(index) && !open.contains(&index))
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
        Err(RevisionError::other(format!(
            "The range leaves out what '{missed}' is reached through; please choose a range that includes its dependencies"
        )))
    }
}

/// Finds the open heads above a candidate by walking up from it. What is done has no open head above it,
/// so the walk ends there: in a long history it stays as short as the branches are wide.
struct Above<'a> {
    map: &'a RevisionMap,
    /// What can have an open head above it, and is not done.
    pending: Marks,
    /// The walk in which a node was seen last.
    seen: Vec<u32>,
    walk: u32,
    todo: Vec<Index>,
}

impl<'a> Above<'a> {
    fn new(map: &'a RevisionMap, heads: &[Index]) -> Self {
        Self {
            map,
            pending: map.ancestors(heads),
            seen: vec![0; map.nodes.len()],
            walk: 0,
            todo: Vec::new(),
        }
    }

    fn done(&mut self, index: Index) {
        self.pending.set(index, false);
    }

    /// The slot of the first open head that `candidate` is an ancestor of.
    fn first_open(&mut self, candidate: Index, open: &[Index]) -> Option<usize> {
        self.walk += 1;
        self.todo.push(candidate);
        while let Some(index) = self.todo.pop() {
            for &above in &self.map.nodes[index].dependents {
                if self.pending.has(above) && self.seen[above] != self.walk {
                    self.seen[above] = self.walk;
                    self.todo.push(above);
                }
            }
        }
        // The graph has no circles, so the candidate itself was not seen.
        open.iter().position(|&head| self.seen[head] == self.walk)
    }
}
