//! `doctor`: what is right about a project, what will fail, and what to do.

use limbeck::doctor::{self, Check, Severity, Subject};
use serde_json::{Map, Value, json};

use crate::context::{Context, Outcome};
use crate::diagnostics::shown;
use crate::redact::redact;

/// The exit status where something will fail.
const WILL_FAIL: u8 = 1;

/// Examine the project as it stands: what is right, what will fail, at which line, and what to do.
///
/// Nothing is written. Exit status: 0 when nothing will fail (there may be warnings), else 1.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object: `checks` and `summary`.
    #[arg(long)]
    json: bool,
    /// Leave the database alone.
    #[arg(long)]
    offline: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let migrator = context.migrator()?;
    let subject = Subject {
        files: migrator.files.clone(),
        section: &context.global.name,
        surroundings: &context.surroundings,
        dotenv: std::fs::read_to_string(".env").ok(),
        interpreter: migrator.interpreter.find(),
        package_folders: migrator.package_folders(),
        offline: args.offline,
    };
    let checks = context.runtime()?.block_on(doctor::examine(subject));
    if args.json {
        context.printer.result(&object(&checks).to_string());
    } else {
        print(context, &checks);
    }
    let fails = checks.iter().any(|check| check.severity == Severity::Error);
    Ok(if fails { WILL_FAIL } else { 0 })
}

fn print(context: &Context, checks: &[Check]) {
    let width = checks.iter().map(|check| check.id.name().len()).max();
    let width = width.unwrap_or_default();
    for check in checks {
        let place = match (&check.file, check.line) {
            (Some(file), Some(line)) => format!("{}:{line}: ", shown(file)),
            (Some(file), None) => format!("{}: ", shown(file)),
            (None, _) => String::new(),
        };
        let line = format!(
            "{:7}  {:width$}  {place}{}",
            check.severity, check.id, check.message
        );
        context.printer.result(&redact(&line));
        if let Some(fix) = check
            .fix
            .as_deref()
            .filter(|_| check.severity != Severity::Ok)
        {
            context
                .printer
                .result(&format!("{:7}  {:width$}  fix: {}", "", "", redact(fix)));
        }
    }
    let counts: Vec<String> = Severity::ALL
        .iter()
        .rev()
        .map(|severity| match (count(checks, *severity), severity) {
            (number, Severity::Ok) => format!("{number} ok"),
            (1, severity) => format!("1 {severity}"),
            (number, severity) => format!("{number} {severity}s"),
        })
        .collect();
    context.printer.result(&counts.join(", "));
}

fn count(checks: &[Check], severity: Severity) -> usize {
    let fitting = checks.iter().filter(|check| check.severity == severity);
    fitting.count()
}

fn object(checks: &[Check]) -> Value {
    let summary: Map<String, Value> = Severity::ALL
        .iter()
        .map(|severity| (severity.to_string(), count(checks, *severity).into()))
        .collect();
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "id": check.id.name(),
                "severity": check.severity.to_string(),
                "message": redact(&check.message),
                "file": check.file.as_deref().map(shown),
                "line": check.line,
                "fix": check.fix.as_deref().map(redact),
            })
        })
        .collect();
    json!({"checks": checks, "summary": summary})
}
