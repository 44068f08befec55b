//! The whole document: head, policy, and the parts that are replaced while it is looked at.

use std::sync::LazyLock;

use limbeck_supervisor::Facts;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Seldom;
use super::application::{application, state, summary};
use super::words::digest;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A retort, drawn with nothing but a data URL; without one the browser would ask for a file.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='6' cy='10' r='5' fill='%23b4561f'/%3E%3Cpath d='M6 5L14 3' stroke='%23b4561f' stroke-width='2.5'/%3E%3C/svg%3E";

/// What the browser may do: apply the one style, run the one script, and ask this server again.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
});

/// What a query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// No revision is left out, however many there are.
    pub(super) whole: bool,
    /// Only the parts that change, by somebody who has this version of the second.
    pub(super) parts: Option<String>,
}

impl Asked {
    pub(super) fn of(query: &str) -> Self {
        let mut asked = Self::default();
        for part in query.split('&') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("all", _) => asked.whole = true,
                ("parts", version) => asked.parts = Some(version.to_owned()),
                _ => {}
            }
        }
        asked
    }
}

/// The document, or what has changed of it.
pub(super) fn draw(name: &str, facts: &Facts, asked: &Asked, seldom: &Seldom) -> Markup {
    let title = format!("{} · {name}", summary(facts).title);
    let now = html! { div id="now" data-title=(title) { (state(facts)) } };
    let aside = html! { div id="aside" { (application(facts)) } };
    let waiting = html! { div id="waiting" { (PreEscaped(&seldom.pending)) } };
    let revisions = html! {
        div id="revisions" data-version=(seldom.version) { (PreEscaped(&seldom.history)) }
    };
    if let Some(seen) = &asked.parts {
        return html! { (now) (aside) @if *seen != seldom.version { (waiting) (revisions) } };
    }
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
                noscript { meta http-equiv="refresh" content="5"; }
            }
            body {
                a.skip href="#revisions" { "Skip to the revisions" }
                header {
                    p.brand { "limbeck" }
                    p.name { (name) }
                    p.stale id="stale" role="alert" hidden { "limbeck no longer answers; this is what it said last." }
                }
                main { (now) div.column { (waiting) (aside) } (revisions) }
                footer { p { "Endpoints: "
                    @for (number, path) in ["/livez", "/readyz", "/startupz", "/health", "/metrics"].iter().enumerate() {
                        @if number > 0 { ", " } a href=(path) { (path) }
                    }
                } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use limbeck_supervisor::{Board, Phase, ProbeRecord, ProcessFacts, StepFacts};

    use super::{Asked, POLICY, SCRIPT, STYLE, Seldom, draw};

    #[test]
    fn what_is_asked_for() {
        for (query, whole, parts) in [
            ("", false, None),
            ("all", true, None),
            ("x=y&all&parts=12", true, Some("12")),
            ("parts", false, Some("")),
        ] {
            let parts = parts.map(str::to_owned);
            assert_eq!(Asked::of(query), Asked { whole, parts }, "{query}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for text in [STYLE, SCRIPT] {
            for word in ["http:", "https:", "//", "@import", "url(", "</"] {
                assert!(!text.contains(word), "{word}");
            }
        }
        for word in ["unsafe", "*", "http"] {
            assert!(!POLICY.contains(word), "{}", *POLICY);
        }
    }

    #[test]
    fn hostile_facts() {
        let hostile = "<script>alert(1)</script>";
        let board = Board::default();
        board.enter(Phase::Migrating);
        board.note(|facts| {
            facts.waiting_for = Some(hostile.into());
            facts.application.probed = true;
            facts.application.processes.push(ProcessFacts::new(hostile));
        });
        board.probed(ProbeRecord {
            at: std::time::SystemTime::now(),
            took: std::time::Duration::from_millis(3),
            failure: Some(format!("{hostile} postgresql://u:hunter2secret@h/d")),
        });
        let drawn = |parts: Option<&str>| {
            let asked = Asked {
                whole: false,
                parts: parts.map(str::to_owned),
            };
            let seldom = Seldom {
                version: "v1".into(),
                history: "REVISIONS".into(),
                ..Seldom::default()
            };
            draw(hostile, &board.facts(), &asked, &seldom).into_string()
        };
        let html = drawn(None);
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(!html.contains("hunter2secret"), "{html}");
        board.note(|facts| {
            facts.step = Some(StepFacts {
                revision: hostile.into(),
                kind: "upgrade".into(),
                number: 2,
                of: 5,
                statements: 3,
                statement: Some("ALTER TABLE <t>".into()),
                since: std::time::Instant::now(),
            });
        });
        let html = drawn(Some("v0"));
        assert!(
            !html.contains("<script") && html.contains("REVISIONS"),
            "{html}"
        );
        assert!(
            html.contains("Step 2 of 5")
                && html.contains("value=\"1\"")
                && html.contains("ALTER TABLE &lt;t&gt;"),
            "{html}"
        );
        let html = drawn(Some("v1"));
        assert!(
            !html.contains("REVISIONS") && html.contains("Step 2 of 5"),
            "{html}"
        );
    }
}
