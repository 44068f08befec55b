//! The revisions as a list with lanes beside it: what is applied, what is pending, and where the database stands.

use std::collections::HashSet;
use std::ops::Range;

use maud::{Markup, Render, html};

use super::Stable;
use super::fold::{Item, fold};
use super::graph::{Graph, Row, Wire};
use super::words::{anchor, count};

/// How many folded rows are sent along; more are a page of their own.
const FOLDED: usize = 200;

/// How far a lane is from the next, and the first one from the edge.
const LANE: usize = 14;

/// How far a node is below the top of its row, and how far a line takes to change its lane below it.
const NODE: i32 = 17;
const BEND: i32 = 19;

/// Where a revision stands, seen from the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Applied,
    Pending,
    /// Neither: this run is not to apply it.
    Beyond,
    /// The database was not looked at yet.
    Unknown,
}

impl State {
    fn class(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Beyond => "beyond",
            Self::Unknown => "unknown",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Beyond => "not asked for",
            Self::Unknown => "not looked at",
        }
    }
}

/// The graph, seen from a database.
struct View<'a> {
    graph: &'a Graph,
    states: Vec<State>,
    /// Where the database stands, with the steps that have been done.
    current: HashSet<usize>,
    running: Option<usize>,
}

impl<'a> View<'a> {
    fn new(graph: &'a Graph, of: &Stable, pending: &[(String, String)]) -> Self {
        let (mut applied, mut known) = (HashSet::new(), false);
        let waiting: HashSet<usize> = places(graph, pending.iter().map(|(id, _)| id));
        if let Some(schema) = &of.schema {
            known = true;
            applied = graph.applied(schema.current.iter().map(String::as_str));
            let done = &schema.pending[..of.done.min(schema.pending.len())];
            let done = done.iter().map(|(id, _)| id);
            applied.extend(places(graph, done));
        }
        let state = |place: usize| match () {
            () if !known => State::Unknown,
            () if waiting.contains(&place) => State::Pending,
            () if applied.contains(&place) => State::Applied,
            () => State::Beyond,
        };
        // Whatever has been applied and has nothing after it that was.
        let mut current = applied.clone();
        for place in &applied {
            let revision = &graph.rows[*place].revision;
            for before in revision.down.iter().chain(&revision.depends) {
                if let Some(place) = graph.place(before) {
                    current.remove(&place);
                }
            }
        }
        Self {
            graph,
            states: (0..graph.rows.len()).map(state).collect(),
            current,
            running: of.step.as_deref().and_then(|id| graph.place(id)),
        }
    }

    fn matters(&self, place: usize) -> bool {
        let (state, row) = (self.states[place], &self.graph.rows[place]);
        let is_first_pending =
            state == State::Pending && self.states[place + 1..].first() != Some(&State::Pending);
        self.current.contains(&place)
            || self.running == Some(place)
            || row.children == 0
            || is_first_pending
    }

    fn row(&self, place: usize) -> Markup {
        let row = &self.graph.rows[place];
        let id = &row.revision.id;
        let state = self.states[place];
        let is_current = self.current.contains(&place);
        let is_running = self.running == Some(place);
        let doc = &row.revision.doc;
        html! {
            li.row.(state.class()).current[is_current].running[is_running] id=(anchor(id)) {
                (self.wires(place))
                p.doc { (if doc.is_empty() { "(no message)" } else { doc }) }
                p.facts {
                    code { (id) }
                    @if is_running { " " span.chip.running { "running" } }
                    @else if is_current { " " span.chip.current { "current" } }
                    @else if state != State::Applied { " " span.chip.(state.class()) { (state.word()) } }
                    @else { " " span.unseen { (state.word()) } }
                    @if row.children == 0 { " " span.chip { "head" } }
                    @for label in &row.revision.labels { " " span.chip.label { "@" (label) } }
                    (self.relations(place, row))
                }
            }
        }
    }

    /// What the lines show, in words, where it isn't just the row below.
    fn relations(&self, place: usize, row: &Row) -> Markup {
        let below = self.graph.rows.get(place + 1).map(|row| &row.revision.id);
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

    /// The lines of a row. Each goes through the whole height, however high the text makes it.
    fn wires(&self, place: usize) -> Markup {
        let row = &self.graph.rows[place];
        let own = x(row.lane);
        let is_current = self.current.contains(&place);
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

    fn fold(&self, range: Range<usize>, whole: bool) -> Markup {
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
            State::Applied | State::Pending => format!("{number} {} revisions", state.word()),
            State::Beyond | State::Unknown => format!("{number} revisions, {}", state.word()),
        };
        let is_sent = whole || number <= FOLDED;
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
                @if is_sent {
                    details {
                        summary { (summary) }
                        ol { @for place in range { (self.row(place)) } }
                    }
                } @else {
                    a.summary href="?all" { (summary) span.facts { "Show all revisions" } }
                }
            }
        }
    }
}

/// The list of what is pending, and all revisions: the parts of the page that change seldom.
pub(super) fn draw(graph: &Graph, of: &Stable) -> [Markup; 2] {
    let schema = of.schema.as_ref();
    let all_pending = schema.map_or(&[][..], |schema| &schema.pending);
    // What this run has done is in the version rows when its transaction is committed.
    let pending = without_repetition(&all_pending[of.done.min(all_pending.len())..]);
    let pending = &pending[..];
    let view = View::new(graph, of, pending);
    let items = fold(&view.states, |place| view.matters(place));
    let list = html! {
        @if !pending.is_empty() { (of.sql.draw(pending, of.step.as_deref())) }
    };
    let history = html! {
        section.history id="history" aria-labelledby="history-title" {
            h2 id="history-title" { "Revisions" span.count { (graph.rows.len()) } }
            @if graph.rows.is_empty() {
                p.hint { "The revision scripts have not been read yet, or there are none." }
            } @else {
                p.hint { (sentence(&view, pending.len(), schema.is_some())) }
                ol.graph.(format!("lanes-{}", graph.width)) {
                    @for item in items {
                        @match item {
                            Item::Row(place) => (view.row(place)),
                            Item::Fold(range) => (view.fold(range, of.whole)),
                        }
                    }
                }
            }
        }
    };
    [list, history]
}

/// Several databases of one project have each revision pending, or some.
fn without_repetition(pending: &[(String, String)]) -> Vec<(String, String)> {
    let mut seen = HashSet::new();
    let pending = pending.iter().filter(|(id, _)| seen.insert(id));
    pending.cloned().collect()
}

fn sentence(view: &View<'_>, pending: usize, is_known: bool) -> String {
    if !is_known {
        return "Newest first. The database has not been looked at yet.".into();
    }
    let mut current: Vec<usize> = view.current.iter().copied().collect();
    current.sort_unstable();
    let ids: Vec<&str> = current
        .iter()
        .map(|place| view.graph.rows[*place].revision.id.as_str())
        .collect();
    let stands = match ids[..] {
        [] => "The database has none of them".to_owned(),
        _ => format!("The database stands at {}", ids.join(", ")),
    };
    match pending {
        0 => format!("Newest first. {stands}; nothing is pending."),
        _ => format!(
            "Newest first. {stands}; {} pending.",
            count(pending, "revision")
        ),
    }
}

fn places<'a>(graph: &Graph, ids: impl Iterator<Item = &'a String>) -> HashSet<usize> {
    ids.filter_map(|id| graph.place(id)).collect()
}

/// Where a lane is.
fn x(lane: usize) -> usize {
    10 + LANE * lane
}

fn class(wire: &Wire) -> Option<&'static str> {
    wire.is_dependency.then_some("dependency")
}

/// A line down its lane.
fn line(wire: &Wire, top: impl Render, bottom: impl Render) -> Markup {
    let x = x(wire.lane);
    html! { line class=[class(wire)] x1=(x) x2=(x) y1=(top) y2=(bottom) {} }
}

/// A line from one lane to another.
fn bend(from: usize, top: i32, to: usize, bottom: i32) -> String {
    let middle = i32::midpoint(top, bottom);
    format!("M{from},{top}C{from},{middle} {to},{middle} {to},{bottom}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use limbeck_supervisor::SchemaFacts;
    use maud::Markup;

    use super::super::graph::{Graph, Revision};
    use super::super::{Sql, Stable};
    use super::draw;

    fn chain(number: usize) -> Graph {
        let revision = |place: usize| Revision {
            id: format!("r{place}"),
            down: (place > 0)
                .then(|| format!("r{}", place - 1))
                .into_iter()
                .collect(),
            doc: format!("step {place}"),
            ..Revision::default()
        };
        Graph::new((0..number).rev().map(revision).collect())
    }

    fn at(current: &[&str], pending: &[&str]) -> Stable {
        let pending = pending.iter().map(|id| ((*id).to_owned(), String::new()));
        Stable {
            generation: 1,
            schema: Some(SchemaFacts {
                current: current.iter().map(|id| (*id).to_owned()).collect(),
                pending: pending.collect(),
                ..SchemaFacts::default()
            }),
            step: None,
            done: 0,
            sql: Arc::new(Sql::default()),
            whole: false,
        }
    }

    fn text(graph: &Graph, of: &Stable) -> String {
        draw(graph, of).map(Markup::into_string).concat()
    }

    /// The classes of each row, in order.
    fn rows(html: &str) -> Vec<String> {
        let rows = html.split("<li class=\"row ").skip(1);
        rows.map(|row| row.split('"').next().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn what_is_marked() {
        let graph = chain(4);
        let check = |of: &Stable, expected: &[&str]| {
            assert_eq!(rows(&text(&graph, of)), expected);
        };
        let none = Stable {
            schema: None,
            ..at(&[], &[])
        };
        check(&none, &["unknown"; 4]);
        check(
            &at(&["r3"], &[]),
            &["applied current", "applied", "applied", "applied"],
        );
        let mut of = at(&["r0"], &["r1", "r2", "r3"]);
        check(&of, &["pending", "pending", "pending", "applied current"]);
        // A target below the head.
        check(
            &at(&["r0"], &["r1"]),
            &["beyond", "beyond", "pending", "applied current"],
        );
        // In the middle of a run.
        of.done = 1;
        of.step = Some("r2".into());
        check(
            &of,
            &["pending", "pending running", "applied current", "applied"],
        );
        // Two databases that stand at different places: what one of them lacks is pending.
        check(
            &at(&["r3", "r1"], &["r2", "r3", "r3"]),
            &["pending current", "pending", "applied", "applied"],
        );
        // More was done than was pending.
        of.done = 9;
        of.step = None;
        check(&of, &["applied current", "applied", "applied", "applied"]);
    }

    #[test]
    fn a_long_history_is_folded() {
        let graph = chain(3000);
        let of = at(&["r2997"], &["r2998", "r2999"]);
        let html = text(&graph, &of);
        assert!(html.len() < 10_000, "{}", html.len());
        assert!(html.contains("2993 applied revisions"), "{html}");
        assert!(html.contains("href=\"?all\""));
        let whole = Stable { whole: true, ..of };
        let html = text(&graph, &whole);
        assert_eq!(rows(&html).len(), 3000);
        // A fold that is not large comes along, closed.
        let html = text(&chain(100), &at(&["r99"], &[]));
        assert_eq!(rows(&html).len(), 100);
        assert!(html.contains("<details><summary>"), "{html}");
    }

    #[test]
    fn hostile_revisions() {
        let hostile = "\"><script>alert('x')</script>&amp;";
        let graph = Graph::new(vec![Revision {
            id: hostile.into(),
            labels: vec![hostile.into()],
            depends: vec![hostile.into()],
            down: vec![hostile.into(), hostile.into()],
            doc: hostile.into(),
        }]);
        let html = text(&graph, &at(&[hostile], &[hostile]));
        assert!(!html.contains("<script"), "{html}");
        assert!(
            html.contains("&quot;&gt;&lt;script&gt;alert('x')&lt;/script&gt;&amp;amp;"),
            "{html}"
        );
    }
}
