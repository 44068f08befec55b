//! The sections of a run: state, progress, processes, probes and database.

use std::time::Duration;

use limbeck_supervisor::{
    DatabaseHealth, FAILURE_THRESHOLD, Phase, ProbeRecord, ProcessState, StateSnapshot,
};
use maud::{Markup, html};

use super::format::{ago, clock, count, long, moment, short};
use crate::output::redact::redact;

/// The number of probes in the table of the last probes.
const LISTED: usize = 12;

/// The number of characters of an output line that the page shows.
const MAX_SHOWN: usize = 2000;

/// The height of the probe chart above its line.
const CHART_HEIGHT: f64 = 32.0;

/// The height of the probe chart below its line.
const FAILURE_HEIGHT: f64 = 8.0;

/// The width of a bar and its gap.
const BAR: usize = 5;

/// The maximum number of bars.
const BARS: usize = 60;

/// The state of a run in one line.
pub(super) struct Summary {
    /// The CSS class: `ready`, `busy` or `unready`.
    pub(super) class: &'static str,
    /// The heading of the page.
    pub(super) title: &'static str,
}

/// Summarizes the state of a run.
pub(super) fn summary(state: &StateSnapshot) -> Summary {
    let (class, title) = match state.phase {
        Phase::Waiting => ("busy", "Waiting for the database"),
        Phase::Migrating => ("busy", "Migrating"),
        Phase::RollingBack => ("unready", "Rolling back the migration"),
        Phase::Stopping => ("unready", "Stopping"),
        Phase::Starting | Phase::Running if state.is_ready() => {
            if state.warnings().is_empty() {
                ("ready", "Ready")
            } else {
                ("busy", "Ready, with a warning")
            }
        }
        Phase::Starting => ("busy", "Starting"),
        Phase::Running if state.step.is_some() => ("busy", "Migrating"),
        Phase::Running => ("unready", "Not ready"),
    };
    Summary { class, title }
}

/// Renders the state of the run with its reasons and its progress.
pub(super) fn render_state(state: &StateSnapshot) -> Markup {
    let Summary { class, title } = summary(state);
    let mut problems = state.readiness_problems();
    problems.extend(state.warnings());
    html! {
        section.state.(class) id="state" aria-labelledby="state-title" {
            (icon(class))
            div {
                div role="status" { h1 id="state-title" { (title) } }
                @if problems.is_empty() {
                    p { "The schema is at the target revision and the application is healthy." }
                } @else if state.step.is_none() {
                    ul.why {
                        @for problem in &problems {
                            li { span.what { (problem.component) " " (problem.state) } " " (redact(&problem.reason)) }
                        }
                    }
                }
                @if let Some(reason) = &state.waiting_for {
                    p { "Waiting for: " (redact(reason)) }
                }
            }
            p.since { "for " (ago(state.phase_since)) }
            (progress(state))
        }
    }
}

/// Returns an icon with a different shape for each class, readable without colours.
fn icon(class: &str) -> Markup {
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

fn progress(state: &StateSnapshot) -> Markup {
    let Some(step) = &state.step else {
        return html! {};
    };
    let done = step.number.saturating_sub(1);
    html! {
        div.progress id="progress" {
            progress max=(step.total.max(1)) value=(done) aria-label="Completed steps of the migration" {}
            p {
                strong { "Step " (step.number) " of " (step.total) } ": " (step.kind) " " code { (step.revision) }
                ", statement " (step.statements + 1) ", for " (long(step.started_at.elapsed()))
            }
            @if let Some(statement) = &step.running_statement {
                p.statement { code { (redact(statement)) } }
            }
        }
    }
}

/// Renders the processes, the probes and the database.
pub(super) fn render_application(state: &StateSnapshot) -> Markup {
    html! {
        section id="application" aria-labelledby="application-title" {
            h2 id="application-title" { "Application" }
            (processes(&state.application.processes))
            @for (number, process) in state.application.processes.iter().enumerate() {
                (output(number, process))
            }
        }
        @if state.application.has_probe { (probes(state)) }
        section id="database" aria-labelledby="database-title" {
            h2 id="database-title" { "Database" }
            @for name in &state.databases { p { code { (redact(name)) } } }
            (database(state.database.as_ref()))
        }
    }
}

fn processes(processes: &[ProcessState]) -> Markup {
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
                        td { (process_status(process)) }
                        td.number { (process.starts.saturating_sub(1)) }
                    }
                }
            }
        }
    }
}

/// Renders the last lines of a process's output.
fn output(number: usize, process: &ProcessState) -> Markup {
    html! {
        @match &process.output {
            Some(lines) => details id=(format!("output-{number}")) {
                summary { "The last " (count(lines.len(), "line")) " of " (process.name) }
                pre.output tabindex="0" role="region" aria-label=(format!("Output of {}", process.name)) { @for line in lines { (shorten(&redact(line))) "\n" } }
            },
            None if process.starts > 0 => p.hint { "The output of " (process.name) " is where limbeck's own output is: on the terminal, or in its log." },
            None => {},
        }
    }
}

/// Returns the beginning of a line. The line must be redacted before, or a part of a secret might remain.
fn shorten(line: &str) -> String {
    line.chars().take(MAX_SHOWN).collect()
}

fn process_status(process: &ProcessState) -> Markup {
    html! {
        @match (process.pid, process.exit_status) {
            (Some(_), before) => {
                span.good { "running" } " for " (ago(process.since))
                @if let Some(status) = before { span.before { "previous run ended with " (status) } }
            },
            (None, Some(status)) => { span.bad { "ended with " (status) } ", " (ago(process.since)) " ago" },
            (None, None) => span.hint { "not started" },
        }
    }
}

fn probes(state: &StateSnapshot) -> Markup {
    let records = &state.application.probes;
    // The probes before the first success don't count: the application was starting.
    let counted = records.iter().filter(|record| !record.is_startup).count();
    let failed = records.iter().filter_map(ProbeRecord::problem).count();
    let last_failure = records.iter().rev().find_map(|record| {
        let failure = record.problem()?;
        Some((record.at, failure))
    });
    html! {
        section id="probes" aria-labelledby="probes-title" {
            h2 id="probes-title" { "Probes" span.count { (records.len()) } }
            @if let Some(last) = records.back() {
                p {
                    (probe_result(last, "failed"))
                    " in " (short(last.took)) ", " (ago(last.at)) " ago"
                    @if counted > 0 { "; " (failed) " of the last " (counted) " failed" }
                    @if counted < records.len() {
                        "; " (count(records.len() - counted, "probe")) " while the application started"
                    }
                }
                (chart(records.iter()))
                @if let Some((at, failure)) = last_failure {
                    p.note { "Last failure at " (time(at)) ": " (redact(failure)) }
                }
                details id="probe-list" {
                    summary { "The last " (count(records.len().min(LISTED), "probe")) }
                    table {
                        thead { tr { th scope="col" { "Time (UTC)" } th scope="col" { "Took" } th scope="col" { "Result" } } }
                        tbody {
                            @for record in records.iter().rev().take(LISTED) { (probe_row(record)) }
                        }
                    }
                }
            } @else {
                p.hint { "Not probed yet." }
            }
        }
    }
}

fn probe_row(record: &ProbeRecord) -> Markup {
    html! {
        tr {
            td { (time(record.at)) }
            td.number { (short(record.took)) }
            td { (probe_result(record, record.failure.as_deref().unwrap_or_default())) }
        }
    }
}

/// Renders the result of a probe, with the text for a failure.
fn probe_result(record: &ProbeRecord, failure: &str) -> Markup {
    html! {
        @match (&record.failure, record.is_startup) {
            (None, _) => span.good { "passed" },
            (Some(reason), true) => span.hint { "not ready yet: " (redact(reason)) },
            (Some(_), false) => span.bad { (redact(failure)) },
        }
    }
}

/// Renders a bar for each probe, the newest on the right. A success has a bar above the line with its duration as height, a
/// failure a bar below the line.
fn chart<'a>(records: impl ExactSizeIterator<Item = &'a ProbeRecord>) -> Markup {
    let records: Vec<&ProbeRecord> = records.collect();
    let longest = records.iter().map(|record| record.took).max();
    let longest = longest.unwrap_or_default().max(Duration::from_millis(1));
    let left = BARS.saturating_sub(records.len()) * BAR;
    let height = |record: &ProbeRecord| {
        let share = record.took.as_secs_f64() / longest.as_secs_f64();
        (share * CHART_HEIGHT).max(3.0).round()
    };
    let passed = records
        .iter()
        .filter(|record| record.failure.is_none())
        .count();
    let counted = records.iter().filter(|record| !record.is_startup).count();
    let name = format!(
        "{} of {} passed, the longest took {}",
        passed,
        count(counted, "probe"),
        short(longest)
    );
    html! {
        svg.strip viewBox=(format!("0 0 {} {}", BARS * BAR, CHART_HEIGHT + FAILURE_HEIGHT)) preserveAspectRatio="none" role="img" aria-label=(name) {
            @for (number, record) in records.iter().enumerate() {
                @let x = left + number * BAR;
                @match &record.failure {
                    Some(_) if record.is_startup => rect.startup x=(x) y=(CHART_HEIGHT + 1.0) width=(BAR - 1) height=(FAILURE_HEIGHT - 1.0) {},
                    None => rect.passed x=(x) y=(CHART_HEIGHT - height(record)) width=(BAR - 1) height=(height(record)) {},
                    Some(_) => rect.failed x=(x) y=(CHART_HEIGHT + 1.0) width=(BAR - 1) height=(FAILURE_HEIGHT - 1.0) {},
                }
            }
            path.line d=(format!("M0,{CHART_HEIGHT}h{}", BARS * BAR)) {}
        }
    }
}

fn database(database: Option<&DatabaseHealth>) -> Markup {
    let Some(database) = database else {
        return html! { p.hint { "Not checked yet." } };
    };
    html! {
        p {
            @match database.latency {
                Some(latency) => { span.good { "answers" } " in " (short(latency)) },
                None => {
                    span.(if database.failures < FAILURE_THRESHOLD { "wait" } else { "bad" }) { "check failed" }
                    @if let Some(problem) = &database.problem { ": " (redact(problem)) }
                    ", " (database.failures) " in a row"
                    @if database.failures < FAILURE_THRESHOLD { " (unready after " (FAILURE_THRESHOLD) ")" }
                },
            }
            ", checked " (ago(database.checked_at)) " ago"
        }
    }
}

fn time(at: std::time::SystemTime) -> Markup {
    html! { time datetime=(moment(at)) { (clock(at)) } }
}
