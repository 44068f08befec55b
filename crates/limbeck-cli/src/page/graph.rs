//! The revisions as they stand under each other, newest first, with a lane for each line between them.

use std::collections::{HashMap, HashSet};

use limbeck::project::Project;
use limbeck::revision::HistoryEnd;
use limbeck::run::Refusal;

/// How many lanes are drawn apart; further ones lie on the last.
pub(super) const LANES: usize = 8;

/// A revision, as its script declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) id: String,
    pub(super) down: Vec<String>,
    pub(super) depends: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) doc: String,
}

/// A line that crosses a row, ends or begins there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wire {
    pub(super) lane: usize,
    /// Whether it leads to what a revision depends on, and not to the one before it.
    pub(super) is_dependency: bool,
}

/// A revision and the lines around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) revision: Revision,
    pub(super) lane: usize,
    /// Lines from above that end here.
    pub(super) ending: Vec<Wire>,
    /// Lines that pass.
    pub(super) passing: Vec<Wire>,
    /// Lines that begin here and go down.
    pub(super) beginning: Vec<Wire>,
    /// How many revisions come after it.
    pub(super) children: usize,
}

/// All revisions of a project.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub(super) rows: Vec<Row>,
    /// How many lanes there are, of those that are drawn apart.
    pub(super) width: usize,
    places: HashMap<String, usize>,
}

impl Graph {
    /// Of a project.
    pub(super) fn of(project: &Project) -> Result<Self, Refusal> {
        let ids = project.history(HistoryEnd::Name("base"), HistoryEnd::Name("heads"))?;
        let revisions = ids.into_iter().map(|id| {
            let (member, script) = project.script(id)?;
            let declared = member.revision();
            Ok(Revision {
                id: id.to_owned(),
                down: declared.down_revisions.clone(),
                depends: declared.dependencies.clone(),
                labels: declared.branch_labels.clone(),
                doc: script.doc().to_owned(),
            })
        });
        Ok(Self::new(revisions.collect::<Result<_, Refusal>>()?))
    }

    /// Of revisions, each of which stands before those that it comes after.
    pub(super) fn new(revisions: Vec<Revision>) -> Self {
        let places: HashMap<String, usize> = revisions
            .iter()
            .enumerate()
            .map(|(place, revision)| (revision.id.clone(), place))
            .collect();
        let mut rows: Vec<Row> = revisions
            .into_iter()
            .map(|revision| Row {
                revision,
                ..Row::default()
            })
            .collect();
        let mut children = vec![0; rows.len()];
        for row in &rows {
            for down in &row.revision.down {
                if let Some(place) = places.get(down) {
                    children[*place] += 1;
                }
            }
        }
        let mut lanes = Lanes::default();
        for (place, row) in rows.iter_mut().enumerate() {
            row.children = children[place];
            // What a script names may be part of an identifier or a label: no line leads there.
            let below = |ids: &[String]| -> Vec<usize> {
                let found = ids.iter().filter_map(|id| places.get(id).copied());
                found.filter(|below| *below > place).collect()
            };
            let (down, depends) = (below(&row.revision.down), below(&row.revision.depends));
            lanes.lay(place, row, &down, &depends);
        }
        Self {
            rows,
            width: lanes.0.len().clamp(1, LANES),
            places,
        }
    }

    /// Where a revision stands.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// What a database has whose version rows these are: their places, and those of all that comes before.
    pub(super) fn applied<'a>(&self, rows: impl Iterator<Item = &'a str>) -> HashSet<usize> {
        let mut open: Vec<usize> = rows.filter_map(|id| self.place(id)).collect();
        let mut found = HashSet::new();
        while let Some(place) = open.pop() {
            if found.insert(place) {
                let revision = &self.rows[place].revision;
                let before = revision.down.iter().chain(&revision.depends);
                open.extend(before.filter_map(|id| self.place(id)));
            }
        }
        found
    }
}

/// What each lane leads to, from one row to the next.
#[derive(Default)]
struct Lanes(Vec<Option<(usize, bool)>>);

impl Lanes {
    /// Draws a row and goes on to the next.
    fn lay(&mut self, place: usize, row: &mut Row, down: &[usize], depends: &[usize]) {
        let wires = |lanes: &Self, ends_here: bool| {
            let open = lanes.0.iter().enumerate();
            open.filter_map(|(lane, target)| {
                let (target, is_dependency) = (*target)?;
                ((target == place) == ends_here).then_some(Wire {
                    lane,
                    is_dependency,
                })
            })
            .collect::<Vec<_>>()
        };
        row.ending = wires(self, true);
        row.passing = wires(self, false);
        let own = row.ending.iter().find(|wire| !wire.is_dependency);
        row.lane = own
            .or(row.ending.first())
            .map_or_else(|| self.free(), |wire| wire.lane);
        for wire in &row.ending {
            self.0[wire.lane] = None;
        }
        for (number, (target, is_dependency)) in down
            .iter()
            .map(|target| (*target, false))
            .chain(depends.iter().map(|target| (*target, true)))
            .enumerate()
        {
            // The line of a branch stays apart until the branch ends; what else leads to the same place joins it.
            let there = self
                .0
                .iter()
                .position(|open| number > 0 && *open == Some((target, is_dependency)));
            let lane = match there {
                Some(lane) => lane,
                None if number == 0 => row.lane,
                None => self.free(),
            };
            self.0[lane] = Some((target, is_dependency));
            row.beginning.push(Wire {
                lane,
                is_dependency,
            });
        }
        while self.0.last().is_some_and(Option::is_none) && self.0.len() > LANES {
            self.0.pop();
        }
        for wires in [&mut row.ending, &mut row.passing, &mut row.beginning] {
            for wire in wires.iter_mut() {
                wire.lane = wire.lane.min(LANES - 1);
            }
            wires.dedup();
        }
        row.lane = row.lane.min(LANES - 1);
    }

    /// The first lane that leads nowhere.
    fn free(&mut self) -> usize {
        let free = self.0.iter().position(Option::is_none);
        free.unwrap_or_else(|| {
            self.0.push(None);
            self.0.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, LANES, Revision, Wire};

    fn revision(text: &str) -> Revision {
        let mut parts = text.split(' ');
        let list = |text: Option<&str>| -> Vec<String> {
            let text = text.unwrap_or_default();
            text.split(',')
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Revision {
            id: parts.next().unwrap_or_default().into(),
            down: list(parts.next()),
            depends: list(parts.next()),
            ..Revision::default()
        }
    }

    /// The node's lane, and the lanes that end, pass and begin; a dependency's with a `~`.
    fn drawn(graph: &Graph) -> Vec<String> {
        let lanes = |wires: &[Wire]| -> String {
            let lane = |wire: &Wire| {
                let sign = if wire.is_dependency { "~" } else { "" };
                format!("{sign}{}", wire.lane)
            };
            wires.iter().map(lane).collect::<Vec<_>>().join("+")
        };
        let row = |row: &super::Row| {
            let (ending, passing) = (lanes(&row.ending), lanes(&row.passing));
            let beginning = lanes(&row.beginning);
            format!(
                "{} {}: {ending}/{passing}/{beginning}",
                row.revision.id, row.lane
            )
        };
        graph.rows.iter().map(row).collect()
    }

    #[test]
    fn lanes() {
        let check = |revisions: &[&str], width: usize, expected: &[&str]| {
            let graph = Graph::new(revisions.iter().map(|text| revision(text)).collect());
            assert_eq!(drawn(&graph), expected, "{revisions:?}");
            assert_eq!(graph.width, width, "{revisions:?}");
        };
        check(&[], 1, &[]);
        check(&["b a", "a"], 1, &["b 0: //0", "a 0: 0//"]);
        // A branch and its merge.
        check(
            &["m b,c", "c a", "b a", "a"],
            2,
            &["m 0: //0+1", "c 1: 1/0/1", "b 0: 0/1/0", "a 0: 0+1//"],
        );
        // Two heads, and a base of its own.
        check(
            &["x y", "b a", "y", "a"],
            2,
            &["x 0: //0", "b 1: /0/1", "y 0: 0/1/", "a 1: 1//"],
        );
        // A lane that is free is taken again.
        check(&["x", "b a", "a"], 1, &["x 0: //", "b 0: //0", "a 0: 0//"]);
        check(
            &["b a d", "d", "a"],
            2,
            &["b 0: //0+~1", "d 1: ~1/0/", "a 0: 0//"],
        );
        // Names that no revision has, and one that stands above.
        check(&["b a,nowhere label", "a b"], 1, &["b 0: //0", "a 0: 0//"]);
    }

    #[test]
    fn more_lanes_than_are_drawn() {
        let mut revisions: Vec<Revision> = (0..100)
            .map(|number| revision(&format!("h{number} a")))
            .collect();
        revisions.push(revision("a"));
        let graph = Graph::new(revisions);
        assert_eq!(graph.width, LANES);
        let most = graph.rows.iter().map(|row| row.passing.len()).max();
        assert_eq!(most, Some(LANES));
        assert!(graph.rows.iter().all(|row| row.lane < LANES));
    }

    #[test]
    fn what_a_database_has() {
        let texts = ["m b,c", "d a x", "x", "c a", "b a", "a"];
        let graph = Graph::new(texts.map(revision).into());
        for (rows, expected) in [
            (&[][..], &[][..]),
            (&["m"], &["m", "c", "b", "a"]),
            (&["d"], &["d", "x", "a"]),
            (&["b", "x", "unknown"], &["x", "b", "a"]),
        ] {
            let applied = graph.applied(rows.iter().copied());
            let mut places: Vec<usize> = applied.into_iter().collect();
            places.sort_unstable();
            let ids: Vec<&str> = places
                .into_iter()
                .map(|place| graph.rows[place].revision.id.as_str())
                .collect();
            assert_eq!(ids, expected, "{rows:?}");
        }
    }
}
