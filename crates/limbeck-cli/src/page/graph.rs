//! The layout of the revision graph: revisions newest first, with a lane for each line between them.

use std::collections::HashMap;

use limbeck::CommandError;
use limbeck::project::Project;
use limbeck::revision::HistoryEnd;

/// The number of lanes that are drawn side by side. Further lanes share the last one.
pub(super) const MAX_LANES: usize = 8;

/// A revision as its script declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Revision {
    /// The identifier.
    pub(super) id: String,
    /// The identifiers of the revisions before this one.
    pub(super) down: Vec<String>,
    /// The identifiers of the revisions in `depends_on`, with labels resolved.
    pub(super) depends: Vec<String>,
    /// The branch labels.
    pub(super) labels: Vec<String>,
    /// The first line of the script's documentation.
    pub(super) doc: String,
}

/// A line that passes through a row, or ends or starts at its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wire {
    pub(super) lane: usize,
    /// `true` if the line leads to a dependency, not to the previous revision.
    pub(super) is_dependency: bool,
}

/// A revision and the lines in its row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) revision: Revision,
    pub(super) lane: usize,
    /// The lines from above that end at the node.
    pub(super) ending: Vec<Wire>,
    /// The lines that pass the node.
    pub(super) passing: Vec<Wire>,
    /// The lines that start at the node and go down.
    pub(super) beginning: Vec<Wire>,
    /// The number of revisions that directly follow this one.
    pub(super) children: usize,
}

/// All revisions of a project with their layout.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    /// The rows, newest first.
    pub(super) rows: Vec<Row>,
    /// The number of lanes that are drawn side by side.
    pub(super) width: usize,
    row_of: HashMap<String, usize>,
}

impl Graph {
    /// Lays out the revisions of a project.
    ///
    /// # Errors
    /// Returns the error of a history that can't be listed.
    pub(super) fn of_project(project: &Project) -> Result<Self, CommandError> {
        let ids = project.history(HistoryEnd::Name("base"), HistoryEnd::Name("heads"))?;
        let revisions = ids.into_iter().map(|id| {
            let (member, script) = project.script(id)?;
            let declared = member.revision();
            Ok(Revision {
                id: id.to_owned(),
                down: declared.down_revisions.clone(),
                depends: declared
                    .dependencies
                    .iter()
                    .flat_map(|name| resolve_dependency(project, name))
                    .collect(),
                labels: declared.branch_labels.clone(),
                doc: script.doc().to_owned(),
            })
        });
        Ok(Self::new(revisions.collect::<Result<_, CommandError>>()?))
    }

    /// Lays out revisions that are sorted newest first.
    pub(super) fn new(revisions: Vec<Revision>) -> Self {
        let row_of: HashMap<String, usize> = revisions
            .iter()
            .enumerate()
            .map(|(row, revision)| (revision.id.clone(), row))
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
                if let Some(down) = row_of.get(down) {
                    children[*down] += 1;
                }
            }
        }
        let mut lanes = Lanes::default();
        for (number, row) in rows.iter_mut().enumerate() {
            row.children = children[number];
            // An unknown name, or one of a row above, gets no line.
            let rows_below = |ids: &[String]| -> Vec<usize> {
                let found = ids.iter().filter_map(|id| row_of.get(id).copied());
                found.filter(|below| *below > number).collect()
            };
            let down = rows_below(&row.revision.down);
            let depends = rows_below(&row.revision.depends);
            lanes.add_row(number, row, &down, &depends);
        }
        Self {
            rows,
            width: lanes.0.len().clamp(1, MAX_LANES),
            row_of,
        }
    }

    /// Returns the row of a revision.
    pub(super) fn row_of(&self, id: &str) -> Option<usize> {
        self.row_of.get(id).copied()
    }
}

/// Returns the identifiers that a name in `depends_on` denotes, or the name itself if it is unknown.
fn resolve_dependency(project: &Project, name: &str) -> Vec<String> {
    match project.resolve(name) {
        Ok(ids) => ids.into_iter().map(str::to_owned).collect(),
        Err(_) => vec![name.to_owned()],
    }
}

/// The target row of each lane and whether its line is a dependency, while the rows are laid out from top to bottom.
#[derive(Default)]
struct Lanes(Vec<Option<(usize, bool)>>);

impl Lanes {
    /// Sets the lanes and lines of the next row.
    fn add_row(&mut self, number: usize, row: &mut Row, down: &[usize], depends: &[usize]) {
        let wires = |lanes: &Self, ends_here: bool| {
            let open = lanes.0.iter().enumerate();
            open.filter_map(|(lane, target)| {
                let (target, is_dependency) = (*target)?;
                ((target == number) == ends_here).then_some(Wire {
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
            .map_or_else(|| self.free_lane(), |wire| wire.lane);
        for wire in &row.ending {
            self.0[wire.lane] = None;
        }
        for (place, (target, is_dependency)) in down
            .iter()
            .map(|target| (*target, false))
            .chain(depends.iter().map(|target| (*target, true)))
            .enumerate()
        {
            // The first line keeps the row's lane, so that a branch stays in its lane until it ends. Further lines join
            // a lane with the same target.
            let shared = self
                .0
                .iter()
                .position(|open| place > 0 && *open == Some((target, is_dependency)));
            let lane = match shared {
                Some(lane) => lane,
                None if place == 0 => row.lane,
                None => self.free_lane(),
            };
            self.0[lane] = Some((target, is_dependency));
            row.beginning.push(Wire {
                lane,
                is_dependency,
            });
        }
        while self.0.last().is_some_and(Option::is_none) && self.0.len() > MAX_LANES {
            self.0.pop();
        }
        for wires in [&mut row.ending, &mut row.passing, &mut row.beginning] {
            for wire in wires.iter_mut() {
                wire.lane = wire.lane.min(MAX_LANES - 1);
            }
            wires.dedup();
        }
        row.lane = row.lane.min(MAX_LANES - 1);
    }

    /// Returns the first lane without a target, a new one if necessary.
    fn free_lane(&mut self) -> usize {
        let free = self.0.iter().position(Option::is_none);
        free.unwrap_or_else(|| {
            self.0.push(None);
            self.0.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, MAX_LANES, Revision, Wire};

    /// Parses `ID DOWN,… DEPENDS,…`.
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

    /// Formats each row as its identifier, the node's lane, and the lanes that end, pass and start, with `~` for a dependency.
    fn format_rows(graph: &Graph) -> Vec<String> {
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
    fn assigns_lanes_to_branches_merges_and_dependencies() {
        let check = |revisions: &[&str], width: usize, expected: &[&str]| {
            let graph = Graph::new(revisions.iter().map(|text| revision(text)).collect());
            assert_eq!(format_rows(&graph), expected, "{revisions:?}");
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
        // Two heads with separate bases.
        check(
            &["x y", "b a", "y", "a"],
            2,
            &["x 0: //0", "b 1: /0/1", "y 0: 0/1/", "a 1: 1//"],
        );
        // A free lane is used again.
        check(&["x", "b a", "a"], 1, &["x 0: //", "b 0: //0", "a 0: 0//"]);
        check(
            &["b a d", "d", "a"],
            2,
            &["b 0: //0+~1", "d 1: ~1/0/", "a 0: 0//"],
        );
        // Names of no revision, and the name of a revision above.
        check(&["b a,nowhere label", "a b"], 1, &["b 0: //0", "a 0: 0//"]);
    }

    #[test]
    fn limits_the_number_of_lanes() {
        let mut revisions: Vec<Revision> = (0..100)
            .map(|number| revision(&format!("h{number} a")))
            .collect();
        revisions.push(revision("a"));
        let graph = Graph::new(revisions);
        assert_eq!(graph.width, MAX_LANES);
        let most = graph.rows.iter().map(|row| row.passing.len()).max();
        assert_eq!(most, Some(MAX_LANES));
        assert!(graph.rows.iter().all(|row| row.lane < MAX_LANES));
    }
}
