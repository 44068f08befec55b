//! The SQL of what is pending: what is known of it, and how it is shown.

use std::collections::HashMap;

use limbeck::migrator::{MigrateError, OfflineSql};
use maud::{Markup, html};

use super::words::{anchor, count};
use crate::output::redact::redact;

/// How much of a revision's SQL is shown.
const LIMIT: usize = 64 * 1024;

/// How many revisions are shown with theirs.
const REVISIONS: usize = 100;

/// What is known of the SQL of pending revisions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sql {
    /// The revisions that it is of, in order.
    of: Vec<String>,
    is_written: bool,
    /// What comes before the first of them.
    before: String,
    texts: HashMap<String, String>,
    /// Why some have none.
    problem: Option<String>,
}

impl Sql {
    /// It is being written for these revisions.
    pub(super) fn being_written(pending: &[(String, String)]) -> Self {
        Self {
            of: pending.iter().map(|(id, _)| id.clone()).collect(),
            ..Self::default()
        }
    }

    /// It was written, for revisions that `of` names; secrets are taken out.
    pub(crate) fn written(of: Vec<String>, sql: OfflineSql) -> Self {
        let texts = sql.steps.into_iter();
        Self {
            of,
            is_written: true,
            before: shown(&sql.before),
            texts: texts
                .map(|step| (step.revision, shown(&step.sql)))
                .collect(),
            problem: sql.problem.as_ref().map(reason),
        }
    }

    /// It can't be written.
    pub(crate) fn missing(of: Vec<String>, why: &str) -> Self {
        Self {
            of,
            is_written: true,
            problem: Some(redact(why)),
            ..Self::default()
        }
    }

    /// Whether it is of these revisions, or of these and others before them that have been applied since.
    pub(super) fn covers(&self, pending: &[(String, String)]) -> bool {
        let ids = pending.iter().map(|(id, _)| id);
        self.of.len() >= pending.len() && self.of[self.of.len() - pending.len()..].iter().eq(ids)
    }

    /// The list of what is pending, the next one first.
    pub(super) fn draw(&self, pending: &[(String, String)], running: Option<&str>) -> Markup {
        let first = pending.first().map(|(id, _)| id);
        let has_sql = |(id, _): &&(String, String)| self.texts.contains_key(id);
        let written = pending.iter().take_while(has_sql).count();
        let is_untouched = first == self.of.first();
        html! {
            section.pending id="pending" aria-labelledby="pending-title" {
                h2 id="pending-title" { "Pending" span.count { (pending.len()) } }
                p.hint { "In the order in which they are applied, with the SQL that each one runs." }
                @if !self.is_written {
                    p.note id="writing" { "The SQL is being written …" }
                }
                @if is_untouched && !self.before.is_empty() {
                    details.sql id="sql" {
                        summary { span.doc { "Before the first one" } }
                        (text(&self.before, "SQL before the first revision"))
                    }
                }
                @for (number, (id, doc)) in pending.iter().take(REVISIONS).enumerate() {
                    @let is_running = running == Some(id.as_str());
                    // From the first one without SQL on.
                    @if let Some(problem) = &self.problem && number == written {
                        p.note.problem id="problem" {
                            "No SQL from here on: " (problem)
                        }
                    }
                    @match self.texts.get(id) {
                        Some(sql) => details.sql.running[is_running] id=(format!("sql-{}", anchor(id))) {
                            summary { (title(id, doc, is_running)) }
                            (text(sql, &format!("SQL of {id}")))
                        },
                        None => div.sql.running[is_running] id=(format!("sql-{}", anchor(id))) {
                            p.summary { (title(id, doc, is_running)) }
                        },
                    }
                }
                @if pending.len() > REVISIONS {
                    p.note { "And " (count(pending.len() - REVISIONS, "more revision")) ": " code { "limbeck upgrade --sql" } " prints all." }
                }
            }
        }
    }
}

fn title(id: &str, doc: &str, is_running: bool) -> Markup {
    html! {
        span.doc { (if doc.is_empty() { "(no message)" } else { doc }) }
        " "
        code { (id) }
        @if is_running { " " span.chip.running { "running" } }
    }
}

fn text(sql: &str, name: &str) -> Markup {
    html! {
        @if sql.is_empty() {
            p.note { "No statement." }
        } @else {
            // It scrolls, and so must be reachable with the keyboard.
            pre tabindex="0" role="region" aria-label=(name) { code { (sql) } }
        }
    }
}

/// A text as it may be shown.
fn shown(sql: &str) -> String {
    let mut text = redact(sql);
    if text.len() > LIMIT {
        let end = (0..=LIMIT).rev().find(|end| text.is_char_boundary(*end));
        let left = text.len() - end.unwrap_or_default();
        text.truncate(end.unwrap_or_default());
        text += &format!("\n-- … and {left} bytes more: `limbeck upgrade --sql` prints all");
    }
    text
}

/// Why a script can't be written: what failed, and where.
fn reason(error: &MigrateError) -> String {
    use limbeck::run::RunError;

    let mut text = error.to_string();
    if let MigrateError::Run(RunError::Failed(failure)) = error {
        if let Some(step) = &failure.step {
            text = format!("{} can't be written without the database", step.revision);
        }
        if let Some(place) = &failure.place {
            let file = place.file.file_name().unwrap_or_default();
            text += &format!(" ({}, line {})", file.to_string_lossy(), place.line);
        }
        if failure.step.is_some() || failure.exception.is_some() {
            let why = failure.exception.as_ref().unwrap_or(&failure.headline);
            text += &format!(": {}", why.lines().next().unwrap_or_default());
        }
    }
    redact(&text)
}

#[cfg(test)]
mod tests {
    use limbeck::migrator::{OfflineSql, StepSql};

    use super::{LIMIT, Sql};

    fn pending(ids: &[&str]) -> Vec<(String, String)> {
        let row = |id: &&str| ((*id).to_owned(), "say <b>\"hi\"</b>".to_owned());
        ids.iter().map(row).collect()
    }

    fn written(ids: &[&str], sql: &str) -> Sql {
        let steps = ids.iter().map(|id| StepSql {
            revision: (*id).to_owned(),
            sql: sql.to_owned(),
        });
        let sql = OfflineSql {
            before: "CREATE TABLE v;".into(),
            steps: steps.collect(),
            problem: None,
        };
        Sql::written(ids.iter().map(|id| (*id).to_owned()).collect(), sql)
    }

    #[test]
    fn what_it_is_of() {
        let sql = written(&["a", "b", "c"], "");
        for (ids, expected) in [
            (&["a", "b", "c"][..], true),
            (&["b", "c"], true),
            (&["c"], true),
            (&["a", "b"], false),
            (&["a", "b", "c", "d"], false),
            (&["x", "c"], false),
        ] {
            assert_eq!(sql.covers(&pending(ids)), expected, "{ids:?}");
        }
        assert!(!Sql::default().covers(&pending(&["a"])));
    }

    #[test]
    fn hostile_texts() {
        let sql = written(
            &["a\"><script>"],
            "select '</code></pre><script>alert(1)</script>'",
        );
        let html = sql.draw(&pending(&["a\"><script>"]), None).into_string();
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;/code&gt;&lt;/pre&gt;"), "{html}");
        assert!(html.contains("Before the first one"), "{html}");
    }

    #[test]
    fn secrets_and_long_texts() {
        let secret = "create role r; -- postgresql://u:hunter2secret@h/d";
        let sql = written(&["a"], &format!("{secret}\n{}", "é".repeat(LIMIT)));
        let html = sql.draw(&pending(&["a"]), Some("a")).into_string();
        assert!(!html.contains("hunter2secret"), "{html}");
        assert!(html.len() < 2 * LIMIT, "{}", html.len());
        assert!(html.contains("bytes more"));
        assert!(html.contains("running"));
        let rest = written(&["z", "a"], "x").draw(&pending(&["a"]), None);
        assert!(!rest.into_string().contains("Before the first one"));
    }
}
