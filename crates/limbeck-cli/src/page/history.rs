//! The revision list: applied, pending and current revisions with the lines between them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use limbeck::revision::RevisionMap;
use limbeck_supervisor::{AppliedRevision, PendingRevision};
use maud::{Markup, Render, html};

use super::RevisionInputs;
use super::fold::{Item, fold};
use super::format::{anchor, clock, count, moment, short};
use super::graph::{Graph, Row, Wire};

/// The maximum number of folded rows that the page contains. A longer fold links to the full list.
const MAX_FOLDED: usize = 200;

/// The distance between two lanes.
const LANE: usize = 14;

/// The distance of a node from the top of its row.
const NODE: i32 = 17;

/// The height of the bend below a node where a line changes its lane.
const BEND: i32 = 19;

/// The state of a revision in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RevisionState {
    Applied,
    Pending,
    /// Neither applied nor needed for the target.
    Beyond,
    /// The version table has not been read yet.
    Unknown,
}

impl RevisionState {
    fn class(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Beyond => "beyond",
            Self::Unknown => "unknown",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Beyond => "beyond the target",
            Self::Unknown => "state unknown",
        }
    }
}

/// The graph with the state of each revision.
struct View<'a> {
    graph: &'a Graph,
    states: Vec<RevisionState>,
    /// The rows of the current revisions, completed steps included.
    current: HashSet<usize>,
    /// The row of the running step.
    running: Option<usize>,
    /// The revisions that this run has applied, by row.
    applied_here: HashMap<usize, &'a AppliedRevision>,
}

impl<'a> View<'a> {
    fn new(
        map: &RevisionMap,
        graph: &'a Graph,
        inputs: &'a RevisionInputs,
        pending: &[PendingRevision],
    ) -> Self {
        let pending = rows_of(graph, pending.iter().map(|pending| pending.id.as_str()));
        let (mut applied, mut current) = (HashSet::new(), HashSet::new());
        if let Some(schema) = &inputs.schema {
            let done = &schema.pending[..inputs.steps_done.min(schema.pending.len())];
            let done = done.iter().map(|step| &step.id);
            let mut version_rows: Vec<String> =
                schema.current.iter().chain(done).cloned().collect();
            let found = map.applied(&version_rows);
            // A newer release may have written rows that these scripts don't have.
            version_rows.retain(|row| !found.unknown_rows.contains(row));
            applied = rows_of(graph, found.ids);
            current = rows_of(graph, map.current(&version_rows).unwrap_or_default());
        }
        let state = |row: usize| match () {
            () if inputs.schema.is_none() => RevisionState::Unknown,
            () if pending.contains(&row) => RevisionState::Pending,
            () if applied.contains(&row) => RevisionState::Applied,
            () => RevisionState::Beyond,
        };
        Self {
            graph,
            states: (0..graph.rows.len()).map(state).collect(),
            current,
            running: inputs.step.as_deref().and_then(|id| graph.row_of(id)),
            applied_here: inputs
                .applied
                .iter()
                .filter_map(|applied| Some((graph.row_of(&applied.id)?, applied)))
                .collect(),
        }
    }

    /// Returns `true` if a row stays visible when the list is folded.
    fn is_important(&self, number: usize) -> bool {
        let (state, row) = (self.states[number], &self.graph.rows[number]);
        let is_first_pending = state == RevisionState::Pending
            && self.states[number + 1..].first() != Some(&RevisionState::Pending);
        self.current.contains(&number)
            || self.running == Some(number)
            || row.children == 0
            || is_first_pending
    }

    fn render_row(&self, number: usize) -> Markup {
        let row = &self.graph.rows[number];
        let id = &row.revision.id;
        let state = self.states[number];
        let is_current = self.current.contains(&number);
        let is_running = self.running == Some(number);
        let doc = &row.revision.doc;
        html! {
            li.row.(state.class()).current[is_current].running[is_running] id=(anchor(id)) {
                (self.render_wires(number))
                p.doc { (if doc.is_empty() { "(no message)" } else { doc }) }
                p.facts {
                    code { (id) }
                    @if is_running { " " span.chip.running { "running" } }
                    @else if is_current { " " span.chip.current { "current" } }
                    @else if state != RevisionState::Applied { " " span.chip.(state.class()) { (state.label()) } }
                    @else { " " span.unseen { (state.label()) } }
                    @if row.children == 0 { " " span.chip { "head" } }
                    @for label in &row.revision.labels { " " span.chip.label { "@" (label) } }
                    @if state == RevisionState::Applied && let Some(applied) = self.applied_here.get(&number) {
                        span.relation {
                            "applied at " time datetime=(moment(applied.at)) { (clock(applied.at)) }
                            " UTC in " (short(applied.took))
                        }
                    }
                    (self.render_relations(number, row))
                }
            }
        }
    }

    /// Renders in words what the lines show, unless the only line leads to the row below.
    fn render_relations(&self, number: usize, row: &Row) -> Markup {
        let below = self.graph.rows.get(number + 1).map(|row| &row.revision.id);
        let down = &row.revision.down;
        let link = |id: &String| {
            html! { " " a href=(format!("#{}", anchor(id))) { (id) } }
        };
        html! {
            @match &down[..] {
                [] => span.relation { "first" },
                [only] if Some(only) == below => {},
                [only] => span.relation { "after" (link(only)) },
                several => span.relation { "merges" @for id in several { (link(id)) } },
            }
            @if row.children > 1 { span.relation { "branches into " (row.children) } }
            @if !row.revision.depends.is_empty() {
                span.relation { "depends on" @for id in &row.revision.depends { (link(id)) } }
            }
        }
    }

    /// Renders the lines of a row. They span its whole height, which depends on the text.
    fn render_wires(&self, number: usize) -> Markup {
        let row = &self.graph.rows[number];
        let own = x(row.lane);
        let is_current = self.current.contains(&number);
        html! {
            svg.wires width=(self.width()) height="100%" aria-hidden="true" focusable="false" {
                @for wire in &row.passing { (line(wire, "-1", "100%")) }
                @for wire in &row.ending {
                    @if wire.lane == row.lane { (line(wire, "-1", NODE)) }
                    @else { path class=[class(wire)] d=(bend(x(wire.lane), -1, own, NODE)) {} }
                }
                @for wire in &row.beginning {
                    @if wire.lane == row.lane { (line(wire, NODE, "100%")) }
                    @else {
                        path class=[class(wire)] d=(bend(own, NODE, x(wire.lane), NODE + BEND)) {}
                        (line(wire, NODE + BEND, "100%"))
                    }
                }
                @if is_current { circle.halo cx=(own) cy=(NODE) r="8" {} }
                circle.node cx=(own) cy=(NODE) r="5" {}
            }
        }
    }

    fn width(&self) -> usize {
        x(self.graph.width)
    }

    fn render_fold(&self, range: Range<usize>, show_all: bool) -> Markup {
        let number = range.len();
        let first = &self.graph.rows[range.start];
        let last = &self.graph.rows[range.end - 1];
        let (newest, oldest) = (&first.revision.id, &last.revision.id);
        let state = self.states[range.start];
        let above: Vec<Wire> = first.ending.iter().chain(&first.passing).copied().collect();
        let below: Vec<Wire> = last
            .passing
            .iter()
            .chain(&last.beginning)
            .copied()
            .collect();
        let title = match state {
            RevisionState::Applied | RevisionState::Pending => {
                format!("{number} {} revisions", state.label())
            }
            RevisionState::Beyond | RevisionState::Unknown => {
                format!("{number} revisions, {}", state.label())
            }
        };
        let has_rows = show_all || number <= MAX_FOLDED;
        let summary = html! {
            svg.wires width=(self.width()) height="100%" aria-hidden="true" focusable="false" {
                @for wire in &above { line.folded x1=(x(wire.lane)) x2=(x(wire.lane)) y1="0" y2="50%" {} }
                @for wire in &below { line.folded x1=(x(wire.lane)) x2=(x(wire.lane)) y1="50%" y2="100%" {} }
            }
            span.doc { (title) }
            span.facts { code { (newest) } " down to " code { (oldest) } }
        };
        html! {
            li.fold.(state.class()) id=(format!("fold-{}", anchor(newest))) {
                @if has_rows {
                    details {
                        summary { (summary) }
                        ol { @for row in range { (self.render_row(row)) } }
                    }
                } @else {
                    a.summary href="?all" { (summary) span.facts { "Show all revisions" } }
                }
            }
        }
    }
}

fn rows_of<'a>(graph: &Graph, ids: impl IntoIterator<Item = &'a str>) -> HashSet<usize> {
    let rows = ids.into_iter().filter_map(|id| graph.row_of(id));
    rows.collect()
}

/// Renders the section of pending revisions and the one of all revisions.
pub(super) fn render(map: &RevisionMap, graph: &Graph, inputs: &RevisionInputs) -> [Markup; 2] {
    let schema = inputs.schema.as_ref();
    let all_pending = schema.map_or(&[][..], |schema| &schema.pending);
    // The version rows contain a completed step only after its transaction is committed.
    let pending = deduplicate(&all_pending[inputs.steps_done.min(all_pending.len())..]);
    let pending = &pending[..];
    let view = View::new(map, graph, inputs, pending);
    let items = fold(&view.states, |row| view.is_important(row));
    let list = html! {
        @if !pending.is_empty() { (inputs.sql.render(pending, inputs.step.as_deref())) }
    };
    let history = html! {
        section.history id="history" aria-labelledby="history-title" {
            h2 id="history-title" { "Revisions" span.count { (graph.rows.len()) } }
            @if graph.rows.is_empty() {
                p.hint { "The project has no revision scripts, or limbeck has not read them yet." }
            } @else {
                p.hint { (summary(&view, pending.len(), schema.is_some())) }
                ol.graph.(format!("lanes-{}", graph.width)) {
                    @for item in items {
                        @match item {
                            Item::Row(row) => (view.render_row(row)),
                            Item::Fold(range) => (view.render_fold(range, inputs.show_all)),
                        }
                    }
                }
            }
        }
    };
    [list, history]
}

/// Returns each pending revision once: several databases of a project may have the same ones pending.
fn deduplicate(pending: &[PendingRevision]) -> Vec<PendingRevision> {
    let mut seen = HashSet::new();
    let pending = pending.iter().filter(|pending| seen.insert(&pending.id));
    pending.cloned().collect()
}

fn summary(view: &View<'_>, pending: usize, is_known: bool) -> String {
    if !is_known {
        return "Newest first. The version table has not been read yet.".into();
    }
    let mut current: Vec<usize> = view.current.iter().copied().collect();
    current.sort_unstable();
    let ids: Vec<&str> = current
        .iter()
        .map(|row| view.graph.rows[*row].revision.id.as_str())
        .collect();
    let position = match ids[..] {
        [] => "No revision is applied".to_owned(),
        _ => format!("The database is at {}", ids.join(", ")),
    };
    match pending {
        0 => format!("Newest first. {position}; nothing is pending."),
        _ => format!(
            "Newest first. {position}; {} pending.",
            count(pending, "revision")
        ),
    }
}

/// Returns the x coordinate of a lane.
fn x(lane: usize) -> usize {
    10 + LANE * lane
}

fn class(wire: &Wire) -> Option<&'static str> {
    wire.is_dependency.then_some("dependency")
}

/// Renders a vertical line in the wire's lane.
fn line(wire: &Wire, top: impl Render, bottom: impl Render) -> Markup {
    let x = x(wire.lane);
    html! { line class=[class(wire)] x1=(x) x2=(x) y1=(top) y2=(bottom) {} }
}

/// Returns the path of a curve from one lane to another.
fn bend(from: usize, top: i32, to: usize, bottom: i32) -> String {
    let middle = i32::midpoint(top, bottom);
    format!("M{from},{top}C{from},{middle} {to},{middle} {to},{bottom}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use limbeck::revision::{Revision as Declared, RevisionMap};
    use limbeck_supervisor::{PendingRevision, SchemaState};
    use maud::Markup;

    use super::super::graph::{Graph, GraphRevision};
    use super::super::{PendingSql, RevisionInputs};
    use super::render;

    /// A revision map and the graph of the same revisions.
    struct History {
        map: RevisionMap,
        graph: Graph,
    }

    impl History {
        /// Creates a history from revisions, newest first. `depends` may contain labels.
        fn new(revisions: Vec<GraphRevision>) -> Self {
            let declared = revisions.iter().map(|revision| Declared {
                id: revision.id.clone(),
                down_revisions: revision.down.clone(),
                branch_labels: revision.labels.clone(),
                dependencies: revision.depends.clone(),
            });
            Self {
                map: RevisionMap::new(declared.collect()).expect("a valid history"),
                graph: Graph::new(revisions),
            }
        }

        fn text(&self, inputs: &RevisionInputs) -> String {
            let sections = render(&self.map, &self.graph, inputs);
            sections.map(Markup::into_string).concat()
        }
    }

    /// Parses `ID DOWN,… DEPENDS,… LABEL,…`.
    fn revision(text: &str) -> GraphRevision {
        let mut parts = text.split(' ');
        let mut list = || -> Vec<String> {
            let names = parts.next().unwrap_or_default().split(',');
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        GraphRevision {
            id: list().concat(),
            down: list(),
            depends: list(),
            labels: list(),
            doc: String::new(),
        }
    }

    fn chain(number: usize) -> History {
        let revision = |place: usize| GraphRevision {
            id: format!("r{place}"),
            down: (place > 0)
                .then(|| format!("r{}", place - 1))
                .into_iter()
                .collect(),
            doc: format!("step {place}"),
            ..GraphRevision::default()
        };
        History::new((0..number).rev().map(revision).collect())
    }

    fn at(current: &[&str], pending: &[&str]) -> RevisionInputs {
        let pending = pending.iter().map(|id| PendingRevision {
            id: (*id).to_owned(),
            doc: String::new(),
        });
        RevisionInputs {
            generation: 1,
            schema: Some(SchemaState {
                current: current.iter().map(|id| (*id).to_owned()).collect(),
                pending: pending.collect(),
                ..SchemaState::default()
            }),
            step: None,
            steps_done: 0,
            applied: Vec::new(),
            sql: Arc::new(PendingSql::default()),
            show_all: false,
        }
    }

    /// Returns the classes of each row, in order.
    fn row_classes(html: &str) -> Vec<String> {
        let rows = html.split("<li class=\"row ").skip(1);
        rows.map(|row| row.split('"').next().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn marks_applied_pending_current_and_running_revisions() {
        let history = chain(4);
        let check = |inputs: &RevisionInputs, expected: &[&str]| {
            assert_eq!(row_classes(&history.text(inputs)), expected);
        };
        let unknown = RevisionInputs {
            schema: None,
            ..at(&[], &[])
        };
        check(&unknown, &["unknown"; 4]);
        check(
            &at(&["r3"], &[]),
            &["applied current", "applied", "applied", "applied"],
        );
        let mut inputs = at(&["r0"], &["r1", "r2", "r3"]);
        check(
            &inputs,
            &["pending", "pending", "pending", "applied current"],
        );
        // A target below the head.
        check(
            &at(&["r0"], &["r1"]),
            &["beyond", "beyond", "pending", "applied current"],
        );
        // In the middle of a run.
        inputs.steps_done = 1;
        inputs.step = Some("r2".into());
        check(
            &inputs,
            &["pending", "pending running", "applied current", "applied"],
        );
        // Two databases at different revisions: a revision that one of them lacks is pending.
        check(
            &at(&["r3", "r1"], &["r2", "r3", "r3"]),
            &["pending current", "pending", "applied", "applied"],
        );
        // More completed steps than pending revisions.
        inputs.steps_done = 9;
        inputs.step = None;
        check(
            &inputs,
            &["applied current", "applied", "applied", "applied"],
        );
    }

    #[test]
    fn marks_revisions_that_version_rows_imply() {
        // `e` depends on the label of `y`, `d` on the identifier of `x`.
        let texts = [
            "m b,c",
            "e a extra",
            "d a x",
            "z y",
            "y   extra",
            "x",
            "c a",
            "b a",
            "a",
        ];
        let history = History::new(texts.map(revision).into());
        for (rows, applied, current) in [
            (&[][..], &[][..], &[][..]),
            (&["m"], &["m", "c", "b", "a"], &["m"]),
            (&["d"], &["d", "x", "a"], &["d", "x"]),
            (&["e"], &["e", "y", "a"], &["e", "y"]),
            (&["e", "z"], &["e", "z", "y", "a"], &["e", "z"]),
            (&["b", "x", "unknown"], &["x", "b", "a"], &["x", "b"]),
        ] {
            let classes = row_classes(&history.text(&at(rows, &[])));
            let with = |class: &str| -> Vec<&str> {
                let marked = texts
                    .iter()
                    .zip(&classes)
                    .filter(|(_, classes)| classes.split(' ').any(|found| found == class));
                marked.map(|(text, _)| &text[..1]).collect()
            };
            assert_eq!(with("applied"), applied, "{rows:?}");
            assert_eq!(with("current"), current, "{rows:?}");
        }
    }

    #[test]
    fn folds_a_long_history() {
        let history = chain(3000);
        let inputs = at(&["r2997"], &["r2998", "r2999"]);
        let html = history.text(&inputs);
        assert!(html.len() < 10_000, "{}", html.len());
        assert!(html.contains("2993 applied revisions"), "{html}");
        assert!(html.contains("href=\"?all\""));
        let all = RevisionInputs {
            show_all: true,
            ..inputs
        };
        let html = history.text(&all);
        assert_eq!(row_classes(&html).len(), 3000);
        // The page contains the rows of a short fold, closed.
        let html = chain(100).text(&at(&["r99"], &[]));
        assert_eq!(row_classes(&html).len(), 100);
        assert!(html.contains("<details><summary>"), "{html}");
    }

    #[test]
    fn escapes_hostile_revisions() {
        let hostile = "\"><script>alert('x')</script>&amp;";
        let history = History {
            map: History::new(vec![revision("a")]).map,
            graph: Graph::new(vec![GraphRevision {
                id: hostile.into(),
                labels: vec![hostile.into()],
                depends: vec![hostile.into()],
                down: vec![hostile.into(), hostile.into()],
                doc: hostile.into(),
            }]),
        };
        let html = history.text(&at(&[hostile], &[hostile]));
        assert!(!html.contains("<script"), "{html}");
        assert!(
            html.contains("&quot;&gt;&lt;script&gt;alert('x')&lt;/script&gt;&amp;amp;"),
            "{html}"
        );
    }
}
