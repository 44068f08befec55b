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
        // With one open head there is nothing to compare with: its ancestors are then not needed.
        let mut below: Vec<Option<Marks>> = vec![None; open.len()];
        let mut sorted = Vec::with_capacity(left);
        let mut slot = 0;
        while !open.is_empty() {
            let candidate = open[slot];
            if open.len() > 1
                && let Some(above) = (0..open.len()).find(|&other| {
                    other != slot && self.is_below(candidate, open[other], &mut below[other])
                })
            {
                slot = above;
                continue;
            }
            if todo.has(candidate) {
                sorted.push(candidate);
                todo.set(candidate, false);
                left -= 1;
            }
            let node = &self.nodes[candidate];
            let next: Vec<Index> = node
                .requirements()
                .filter(|&index| todo.has(index) && !open.contains(&index))
                .collect();
            match next.split_first() {
                None => {
                    open.remove(slot);
                    below.remove(slot);
                    slot = slot.saturating_sub(1);
                }
                Some((&first, others)) => {
                    open[slot] = first;
                    let straight = node.own_dependencies.is_empty() && node.parents.len() == 1;
                    match &mut below[slot] {
                        Some(marks) if straight => marks.set(candidate, false),
                        marks => *marks = None,
                    }
                    open.extend(others);
                    below.extend(others.iter().map(|_| None));
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

    fn is_below(&self, candidate: Index, head: Index, marks: &mut Option<Marks>) -> bool {
        marks
            .get_or_insert_with(|| self.ancestors(&[head]))
            .has(candidate)
    }
}
