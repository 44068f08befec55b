//! The section of pending revisions and their SQL.

use std::collections::HashMap;

use limbeck::migrator::{MigrateError, OfflineSql};
use limbeck_supervisor::PendingRevision;
use maud::{Markup, html};

use super::format::{anchor, count};
use crate::output::redact::redact;

/// The maximum length of a revision's SQL on the page, in bytes.
const MAX_SQL: usize = 64 * 1024;

/// The maximum number of pending revisions on the page.
const MAX_REVISIONS: usize = 100;

/// The SQL of pending revisions: requested, written, or not available.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingSql {
    /// The identifiers of the revisions, in order.
    revisions: Vec<String>,
    is_written: bool,
    /// The SQL before the first revision.
    before: String,
    /// The SQL of each revision.
    texts: HashMap<String, String>,
    /// The reason why the SQL of some revisions is missing.
    problem: Option<String>,
}

impl PendingSql {
    /// Returns the state while the SQL is being written.
    pub(super) fn being_written(pending: &[PendingRevision]) -> Self {
        Self {
            revisions: pending.iter().map(|pending| pending.id.clone()).collect(),
            ..Self::default()
        }
    }

    /// Returns the written SQL with secrets masked.
    pub(crate) fn written(revisions: Vec<String>, sql: OfflineSql) -> Self {
        let texts = sql.steps.into_iter();
        Self {
            revisions,
            is_written: true,
            before: displayed(&sql.before),
            texts: texts
                .map(|step| (step.revision, displayed(&step.sql)))
                .collect(),
            problem: sql.error.as_ref().map(describe),
        }
    }

    /// Returns the state if the SQL can't be written.
    pub(crate) fn missing(revisions: Vec<String>, reason: &str) -> Self {
        Self {
            revisions,
            is_written: true,
            problem: Some(redact(reason)),
            ..Self::default()
        }
    }

    /// Returns `true` if the SQL covers the pending revisions. It may also contain earlier ones that were applied since.
    pub(super) fn covers(&self, pending: &[PendingRevision]) -> bool {
        let ids = pending.iter().map(|pending| &pending.id);
        let Some(applied) = self.revisions.len().checked_sub(pending.len()) else {
            return false;
        };
        self.revisions[applied..].iter().eq(ids)
    }

    /// Renders the list of pending revisions, the next one first.
    pub(super) fn render(&self, pending: &[PendingRevision], running: Option<&str>) -> Markup {
        let first = pending.first().map(|pending| &pending.id);
        let has_sql = |pending: &&PendingRevision| self.texts.contains_key(&pending.id);
        let written = pending.iter().take_while(has_sql).count();
        let is_first_pending = first == self.revisions.first();
        html! {
            section.pending id="pending" aria-labelledby="pending-title" {
                h2 id="pending-title" { "Pending" span.count { (pending.len()) } }
                p.hint { "In the order in which limbeck applies them, with the SQL of each revision." }
                @if !self.is_written {
                    p.note id="writing" { "limbeck is writing the SQL …" }
                }
                @if is_first_pending && !self.before.is_empty() {
                    details.sql id="sql" {
                        summary { span.doc { "Before the first revision" } }
                        (text(&self.before, "SQL before the first revision"))
                    }
                }
                @for (number, PendingRevision { id, doc }) in pending.iter().take(MAX_REVISIONS).enumerate() {
                    @let is_running = running == Some(id.as_str());
                    // The note precedes the first revision without SQL.
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
                @if pending.len() > MAX_REVISIONS {
                    p.note { (count(pending.len() - MAX_REVISIONS, "more revision")) ": " code { "limbeck upgrade --sql" } " prints all of them." }
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
            // The block scrolls, so the keyboard must be able to reach it.
            pre tabindex="0" role="region" aria-label=(name) { code { (sql) } }
        }
    }
}

/// Returns SQL with secrets masked, shortened to the maximum length.
fn displayed(sql: &str) -> String {
    let mut text = redact(sql);
    if text.len() > MAX_SQL {
        let end = (0..=MAX_SQL).rev().find(|end| text.is_char_boundary(*end));
        let left = text.len() - end.unwrap_or_default();
        text.truncate(end.unwrap_or_default());
        text += &format!("\n-- … {left} bytes more: `limbeck upgrade --sql` prints all of it");
    }
    text
}

/// Returns why the SQL of a script can't be written: the failure and its location.
fn describe(error: &MigrateError) -> String {
    use limbeck::RunError;

    let mut text = error.to_string();
    if let MigrateError::Run(RunError::Failed(failure)) = error {
        if let Some(step) = &failure.step {
            text = format!("{} can't be written without the database", step.revision);
        }
        if let Some(location) = &failure.location {
            let file = location.file.file_name().unwrap_or_default();
            text += &format!(" ({}, line {})", file.to_string_lossy(), location.line);
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
    use limbeck_supervisor::PendingRevision;

    use super::{MAX_SQL, PendingSql};

    fn pending(ids: &[&str]) -> Vec<PendingRevision> {
        let pending = |id: &&str| PendingRevision {
            id: (*id).to_owned(),
            doc: "say <b>\"hi\"</b>".to_owned(),
        };
        ids.iter().map(pending).collect()
    }

    fn written(ids: &[&str], sql: &str) -> PendingSql {
        let steps = ids.iter().map(|id| StepSql {
            revision: (*id).to_owned(),
            sql: sql.to_owned(),
        });
        let sql = OfflineSql {
            before: "CREATE TABLE v;".into(),
            steps: steps.collect(),
            error: None,
        };
        PendingSql::written(ids.iter().map(|id| (*id).to_owned()).collect(), sql)
    }

    #[test]
    fn covers_the_last_of_its_revisions() {
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
        assert!(!PendingSql::default().covers(&pending(&["a"])));
    }

    #[test]
    fn escapes_hostile_texts() {
        let sql = written(
            &["a\"><script>"],
            "select '</code></pre><script>alert(1)</script>'",
        );
        let html = sql.render(&pending(&["a\"><script>"]), None).into_string();
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&lt;/code&gt;&lt;/pre&gt;"), "{html}");
        assert!(html.contains("Before the first revision"), "{html}");
    }

    #[test]
    fn masks_secrets_and_shortens_long_texts() {
        let secret = "create role r; -- postgresql://u:hunter2secret@h/d";
        let sql = written(&["a"], &format!("{secret}\n{}", "é".repeat(MAX_SQL)));
        let html = sql.render(&pending(&["a"]), Some("a")).into_string();
        assert!(!html.contains("hunter2secret"), "{html}");
        assert!(html.len() < 2 * MAX_SQL, "{}", html.len());
        assert!(html.contains("bytes more"));
        assert!(html.contains("running"));
        let rest = written(&["z", "a"], "x").render(&pending(&["a"]), None);
        assert!(!rest.into_string().contains("Before the first revision"));
    }
}
