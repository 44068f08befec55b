//! The HTML document: head, content security policy, and the parts that the script updates.

use std::sync::LazyLock;

use limbeck_supervisor::StateSnapshot;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::RevisionSections;
use super::application::{render_application, render_state, summary};
use super::format::digest;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The icon, a retort. It is a data URL because the browser would otherwise request `/favicon.ico`.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='6' cy='10' r='5' fill='%23b4561f'/%3E%3Cpath d='M6 5L14 3' stroke='%23b4561f' stroke-width='2.5'/%3E%3C/svg%3E";

/// The content security policy: only this style and this script, and requests only to this server.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
});

/// The query of a request for the page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PageQuery {
    /// `true` if the list contains all revisions, however many there are.
    pub(super) show_all: bool,
    /// The client's version of the revision sections. If set, the response contains only the parts that change.
    pub(super) known_version: Option<String>,
}

impl PageQuery {
    /// Parses a query and ignores unknown parameters.
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for part in query.split('&') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("all", _) => parsed.show_all = true,
                ("parts", version) => parsed.known_version = Some(version.to_owned()),
                _ => {}
            }
        }
        parsed
    }
}

/// Renders the document, or its changed parts if the query has a known version.
pub(super) fn render(
    name: &str,
    state: &StateSnapshot,
    query: &PageQuery,
    sections: &RevisionSections,
) -> Markup {
    let title = format!("{} · {name}", summary(state).title);
    let now = html! { div id="now" data-title=(title) { (render_state(state)) } };
    let aside = html! { div id="aside" { (render_application(state)) } };
    let waiting = html! { div id="waiting" { (PreEscaped(&sections.pending)) } };
    let revisions = html! {
        div id="revisions" data-version=(sections.version) { (PreEscaped(&sections.history)) }
    };
    if let Some(known) = &query.known_version {
        return html! { (now) (aside) @if *known != sections.version { (waiting) (revisions) } };
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
                    p.stale id="stale" role="alert" hidden { "limbeck no longer responds; the page shows the last known state." }
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
    use limbeck_supervisor::{Phase, ProbeRecord, ProcessState, SharedState, StepState};

    use super::{POLICY, PageQuery, RevisionSections, SCRIPT, STYLE, render};

    #[test]
    fn parses_queries() {
        for (query, show_all, known_version) in [
            ("", false, None),
            ("all", true, None),
            ("x=y&all&parts=12", true, Some("12")),
            ("parts", false, Some("")),
        ] {
            let expected = PageQuery {
                show_all,
                known_version: known_version.map(str::to_owned),
            };
            assert_eq!(PageQuery::parse(query), expected, "{query}");
        }
    }

    #[test]
    fn requests_nothing_from_other_servers() {
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
    fn escapes_hostile_state_and_masks_secrets() {
        let hostile = "<script>alert(1)</script>";
        let state = SharedState::default();
        state.enter_phase(Phase::Migrating);
        state.update(|state| {
            state.waiting_for = Some(hostile.into());
            state.application.has_probe = true;
            state.application.processes.push(ProcessState::new(hostile));
        });
        state.record_probe(ProbeRecord {
            at: std::time::SystemTime::now(),
            took: std::time::Duration::from_millis(3),
            is_startup: false,
            failure: Some(format!("{hostile} postgresql://u:hunter2secret@h/d")),
        });
        let rendered = |known_version: Option<&str>| {
            let query = PageQuery {
                show_all: false,
                known_version: known_version.map(str::to_owned),
            };
            let sections = RevisionSections {
                version: "v1".into(),
                history: "REVISIONS".into(),
                ..RevisionSections::default()
            };
            render(hostile, &state.snapshot(), &query, &sections).into_string()
        };
        let html = rendered(None);
        assert_eq!(html.matches("<script").count(), 1, "{html}");
        assert!(!html.contains("hunter2secret"), "{html}");
        state.update(|state| {
            state.step = Some(StepState {
                revision: hostile.into(),
                kind: "upgrade".into(),
                number: 2,
                total: 5,
                statements: 3,
                running_statement: Some("ALTER TABLE <t>".into()),
                started_at: std::time::Instant::now(),
            });
        });
        let html = rendered(Some("v0"));
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
        let html = rendered(Some("v1"));
        assert!(
            !html.contains("REVISIONS") && html.contains("Step 2 of 5"),
            "{html}"
        );
    }
}
