//! How the run goes: the state in a sentence, the progress, the processes, the probes and the database.

use std::time::Duration;

use limbeck_supervisor::{DatabaseFacts, FAILURES, Facts, Phase, ProbeRecord, ProcessFacts};
use maud::{Markup, html};

use super::words::{ago, clock, count, long, moment, short};
use crate::output::redact::redact;

/// How many of the last probes are listed one by one.
const LISTED: usize = 12;

/// How high the strip of probes is above and below its line, how wide a probe, and how many there are at most.
const STRIP: f64 = 32.0;
const BELOW: f64 = 8.0;
const BAR: usize = 5;
const BARS: usize = 60;

/// How a run is, in one word, and what is shown with it.
pub(super) struct Summary {
    /// `ready`, `busy` or `unready`.
    pub(super) class: &'static str,
    pub(super) title: &'static str,
}

/// How the run is.
pub(super) fn summary(facts: &Facts) -> Summary {
    let (class, title) = match facts.phase {
        Phase::Waiting => ("busy", "Waiting for the database"),
        Phase::Migrating => ("busy", "Migrating"),
        Phase::RollingBack => ("unready", "Undoing the migration"),
        Phase::Stopping => ("unready", "Stopping"),
        Phase::Starting | Phase::Running if facts.obstacles().is_empty() => ("ready", "Ready"),
        Phase::Starting => ("busy", "Starting"),
        Phase::Running if facts.step.is_some() => ("busy", "Migrating"),
        Phase::Running => ("unready", "Not ready"),
    };
    Summary { class, title }
}

/// The state, and why.
pub(super) fn state(facts: &Facts) -> Markup {
    let Summary { class, title } = summary(facts);
    let obstacles = facts.obstacles();
    html! {
        section.state.(class) id="state" aria-labelledby="state-title" {
            (sign(class))
            div {
                div role="status" { h1 id="state-title" { (title) } }
                @if obstacles.is_empty() {
                    p { "The schema is at the wanted revision and the application is well." }
                } @else if facts.step.is_none() {
                    ul.why {
                        @for (what, why) in &obstacles {
                            li { span.what { (what) } " " (redact(why)) }
                        }
                    }
                }
                @if let Some(reason) = &facts.waiting_for {
                    p { "Waits for: " (redact(reason)) }
                }
            }
            p.since { "for " (ago(facts.since)) }
            (progress(facts))
        }
    }
}

/// A sign that has another form for each class, for who can't tell the colours apart.
fn sign(class: &str) -> Markup {
    html! {
        svg.sign width="28" height="28" viewBox="0 0 28 28" aria-hidden="true" focusable="false" {
            @match class {
                "ready" => { circle cx="14" cy="14" r="12" {} path d="M8.5 14.5l4 4 7-8" {} },
                "busy" => { circle cx="14" cy="14" r="12" {} path d="M14 7.5V14l4.5 3" {} },
                _ => { path d="M14 3L26 25H2Z" {} path d="M14 11v7M14 20.8v1.4" {} },
            }
        }
    }
}

fn progress(facts: &Facts) -> Markup {
    let Some(step) = &facts.step else {
        return html! {};
    };
    let done = step.number.saturating_sub(1);
    html! {
        div.progress id="progress" {
            progress max=(step.of.max(1)) value=(done) aria-label="Steps of the migration that are done" {}
            p {
                strong { "Step " (step.number) " of " (step.of) } ": " (step.kind) " " code { (step.revision) }
                ", statement " (step.statements + 1) ", for " (long(step.since.elapsed()))
            }
            @if let Some(statement) = &step.statement {
                p.statement { code { (redact(statement)) } }
            }
        }
    }
}

/// Processes, probes and the database.
pub(super) fn application(facts: &Facts) -> Markup {
    html! {
        section id="application" aria-labelledby="application-title" {
            h2 id="application-title" { "Application" }
            (processes(&facts.application.processes))
        }
        @if facts.application.probed { (probes(facts)) }
        section id="database" aria-labelledby="database-title" {
            h2 id="database-title" { "Database" }
            (database(facts.database.as_ref()))
        }
    }
}

fn processes(processes: &[ProcessFacts]) -> Markup {
    if processes.is_empty() {
        return html! { p.hint { "No process has been started yet." } };
    }
    html! {
        table.processes {
            thead { tr { th scope="col" { "Process" } th scope="col" { "State" } th scope="col" { "Restarts" } } }
            tbody {
                @for (number, process) in processes.iter().enumerate() {
                    tr id=(format!("process-{number}")) {
                        th scope="row" {
                            (process.name)
                            @if let Some(pid) = process.pid { " " span.pid { "pid " (pid) } }
                        }
                        td { (running(process)) }
                        td.number { (process.starts.saturating_sub(1)) }
                    }
                }
            }
        }
    }
}

fn running(process: &ProcessFacts) -> Markup {
    html! {
        @match (process.pid, process.status) {
            (Some(_), before) => {
                span.good { "runs" } " for " (ago(process.since))
                @if let Some(status) = before { span.before { "ended with " (status) " before" } }
            },
            (None, Some(status)) => { span.bad { "ended with " (status) } ", " (ago(process.since)) " ago" },
            (None, None) => span.hint { "not started" },
        }
    }
}

fn probes(facts: &Facts) -> Markup {
    let records = &facts.application.probes;
    let failed = records
        .iter()
        .filter(|record| record.failure.is_some())
        .count();
    let last_failure = records.iter().rev().find_map(|record| {
        let failure = record.failure.as_ref()?;
        Some((record.at, failure))
    });
    html! {
        section id="probes" aria-labelledby="probes-title" {
            h2 id="probes-title" { "Probes" span.count { (records.len()) } }
            @if let Some(last) = records.back() {
                p {
                    @match &last.failure {
                        None => span.good { "well" },
                        Some(_) => span.bad { "failed" },
                    }
                    " in " (short(last.took)) ", " (ago(last.at)) " ago; "
                    (failed) " of the last " (records.len()) " failed"
                }
                (strip(records.iter()))
                @if let Some((at, failure)) = last_failure {
                    p.note { "Last failure at " (time(at)) ": " (redact(failure)) }
                }
                details id="probe-list" {
                    summary { "The last " (count(records.len().min(LISTED), "probe")) }
                    table {
                        thead { tr { th scope="col" { "Time (UTC)" } th scope="col" { "Took" } th scope="col" { "Result" } } }
                        tbody {
                            @for record in records.iter().rev().take(LISTED) { (listed(record)) }
                        }
                    }
                }
            } @else {
                p.hint { "Not probed yet." }
            }
        }
    }
}

fn listed(record: &ProbeRecord) -> Markup {
    html! {
        tr {
            td { (time(record.at)) }
            td.number { (short(record.took)) }
            td {
                @match &record.failure {
                    None => span.good { "well" },
                    Some(failure) => span.bad { (redact(failure)) },
                }
            }
        }
    }
}

/// A bar for each probe, the newest on the right: above the line as long as it took, or below it where it failed.
fn strip<'a>(records: impl ExactSizeIterator<Item = &'a ProbeRecord>) -> Markup {
    let records: Vec<&ProbeRecord> = records.collect();
    let longest = records.iter().map(|record| record.took).max();
    let longest = longest.unwrap_or_default().max(Duration::from_millis(1));
    let left = BARS.saturating_sub(records.len()) * BAR;
    let height = |record: &ProbeRecord| {
        let share = record.took.as_secs_f64() / longest.as_secs_f64();
        (share * STRIP).max(3.0).round()
    };
    let well = records
        .iter()
        .filter(|record| record.failure.is_none())
        .count();
    let name = format!(
        "{} of {} well, the longest took {}",
        well,
        count(records.len(), "probe"),
        short(longest)
    );
    html! {
        svg.strip viewBox=(format!("0 0 {} {}", BARS * BAR, STRIP + BELOW)) preserveAspectRatio="none" role="img" aria-label=(name) {
            @for (number, record) in records.iter().enumerate() {
                @let x = left + number * BAR;
                @match &record.failure {
                    None => rect.well x=(x) y=(STRIP - height(record)) width=(BAR - 1) height=(height(record)) {},
                    Some(_) => rect.failed x=(x) y=(STRIP + 1.0) width=(BAR - 1) height=(BELOW - 1.0) {},
                }
            }
            path.line d=(format!("M0,{STRIP}h{}", BARS * BAR)) {}
        }
    }
}

fn database(database: Option<&DatabaseFacts>) -> Markup {
    let Some(database) = database else {
        return html! { p.hint { "Not asked yet." } };
    };
    html! {
        p {
            @match database.latency {
                Some(latency) => { span.good { "answers" } " in " (short(latency)) },
                None => {
                    span.bad { "no answer" }
                    @if let Some(problem) = &database.problem { ": " (redact(problem)) }
                    ", " (database.failures) " in a row"
                    @if database.failures < FAILURES { " (" (FAILURES) " make it unready)" }
                },
            }
            ", asked " (ago(database.at)) " ago"
        }
    }
}

fn time(at: std::time::SystemTime) -> Markup {
    html! { time datetime=(moment(at)) { (clock(at)) } }
}
