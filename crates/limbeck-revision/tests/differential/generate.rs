//! Random graphs and targets.

use std::collections::BTreeSet;

use limbeck_revision::Revision;

/// A small random number generator. The case number is the seed, so a failing case can be repeated.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn of_case(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Returns a graph of 1 to 14 revisions, and at times a repeated declaration or a cycle.
pub(crate) fn graph(random: &mut Random) -> Vec<Revision> {
    let size = 1 + random.below(14);
    let mut revisions: Vec<Revision> = Vec::new();
    for index in 0..size {
        let mut down = BTreeSet::new();
        if index > 0 && !random.chance(12) {
            // Mostly a line, sometimes a branch, sometimes a merge.
            down.insert(if random.chance(65) {
                index - 1
            } else {
                random.below(index)
            });
            if random.chance(15) {
                down.insert(random.below(index));
            }
        }
        let mut dependencies = Vec::new();
        if index > 1 && random.chance(15) {
            let other = random.below(index);
            if !down.contains(&other) {
                dependencies.push(dependency(random, &revisions, other));
            }
        }
        if index > 2 && random.chance(2) {
            let other = random.below(index);
            dependencies.push(dependency(random, &revisions, other));
        }
        let labels = if random.chance(12) {
            vec![format!("label{index}")]
        } else {
            Vec::new()
        };
        let mut down_revisions: Vec<String> = down.into_iter().map(id).collect();
        if !down_revisions.is_empty() && random.chance(2) {
            down_revisions.push(down_revisions[0].clone());
        }
        if index > 2 && random.chance(1) {
            // A dependency on a later revision, which can close a cycle.
            dependencies.push(id(index + 1));
        }
        revisions.push(Revision {
            id: id(index),
            down_revisions,
            branch_labels: labels,
            dependencies,
        });
        if index > 0 && random.chance(1) {
            // A file that was copied without a new id.
            let copy = random.pick(&revisions).clone();
            if copy.branch_labels.is_empty() {
                revisions.push(copy);
            }
        }
    }
    // Alembic loads files by name, not in the order in which they were written.
    if random.chance(50) {
        revisions.sort_by(|a, b| a.id.cmp(&b.id));
    }
    revisions
}

fn id(index: usize) -> String {
    format!("{:c<4}{index:02}", ["aa", "ab", "bc", "bd"][index % 4])
}

/// Returns the id of a revision, or its label if it has one.
fn dependency(random: &mut Random, revisions: &[Revision], index: usize) -> String {
    let id = id(index);
    let label = revisions
        .iter()
        .filter(|revision| revision.id == id)
        .find_map(|revision| revision.branch_labels.first());
    match label {
        Some(label) if random.chance(50) => label.clone(),
        _ => id,
    }
}

/// Returns an id of the graph.
pub(crate) fn any_id(random: &mut Random, revisions: &[Revision]) -> String {
    random.pick(revisions).id.clone()
}

/// Returns a target of `upgrade`, `downgrade` or `stamp`, at times one that Alembic refuses.
pub(crate) fn target(random: &mut Random, revisions: &[Revision]) -> String {
    let labels: Vec<&String> = revisions
        .iter()
        .flat_map(|revision| &revision.branch_labels)
        .collect();
    let branch = |random: &mut Random| {
        if labels.is_empty() || random.chance(30) {
            any_id(random, revisions)
        } else {
            (*random.pick(&labels)).clone()
        }
    };
    match random.below(15) {
        12 => (*random.pick(&[
            "+0", "-0", "@head", "@heads", "@base", "@+1", "@-1", "-9", "+9",
        ]))
        .into(),
        13 => format!(
            "{}{}",
            if random.chance(50) {
                any_id(random, revisions)
            } else {
                branch(random)
            },
            random.pick(&["+0", "-0", "+9", "-9", "@+0", "@-0", "@+9", "@-9"])
        ),
        14 => format!(
            "{}{}",
            random.pick(&["nosuch", "", "aa", "base", "heads", "head"]),
            random.pick(&["", "@head", "@heads", "@base", "@+1", "@-1", "+1", "-1"])
        ),
        0 => "head".into(),
        1 => "heads".into(),
        2 => "base".into(),
        3 => any_id(random, revisions)[..=random.below(5)].to_owned(),
        4 => format!("+{}", 1 + random.below(3)),
        5 => format!("-{}", 1 + random.below(3)),
        6 => format!("{}+{}", any_id(random, revisions), 1 + random.below(2)),
        7 => format!("{}-{}", any_id(random, revisions), 1 + random.below(2)),
        8 => format!("{}@head", branch(random)),
        9 => format!(
            "{}@{}",
            branch(random),
            random.pick(&["base", "+1", "-1", "heads"])
        ),
        10 => branch(random),
        _ => any_id(random, revisions),
    }
}
