//! `doctor`: checks a project and reports what will fail, with fixes.

use limbeck::doctor::{self, Check, Input, Severity};
use serde_json::{Map, Value, json};

use crate::cli_error::CommandResult;
use crate::context::Context;
use crate::output::paths::display_path;
use crate::output::redact::redact;

/// The exit status if a check reports an error.
const WILL_FAIL: u8 = 1;

/// Check the project: report what works, what will fail and at which line, and how to fix it.
///
/// Changes nothing. Exit status: 0 if no check reports an error (warnings are allowed), else 1.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object: `checks` and `summary`.
    #[arg(long)]
    json: bool,
    /// Do not connect to the database.
    #[arg(long)]
    offline: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let migrator = context.migrator()?;
    let input = Input {
        files: migrator.files.clone(),
        section: &context.global.name,
        process_environment: &context.process_environment,
        interpreter: migrator.interpreter.find(),
        package_folders: migrator.package_folders(),
        offline: args.offline,
    };
    let checks = context.runtime()?.block_on(doctor::check_project(input));
    if args.json {
        context.printer.result(&to_json(&checks).to_string());
    } else {
        print(context, &checks);
    }
    let has_errors = checks.iter().any(|check| check.severity == Severity::Error);
    Ok(if has_errors { WILL_FAIL } else { 0 })
}

fn print(context: &Context, checks: &[Check]) {
    let width = checks.iter().map(|check| check.id.name().len()).max();
    let width = width.unwrap_or_default();
    for check in checks {
        let location = match (&check.file, check.line) {
            (Some(file), Some(line)) => format!("{}:{line}: ", display_path(file)),
            (Some(file), None) => format!("{}: ", display_path(file)),
            (None, _) => String::new(),
        };
        let line = format!(
            "{:7}  {:width$}  {location}{}",
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
    checks
        .iter()
        .filter(|check| check.severity == severity)
        .count()
}

fn to_json(checks: &[Check]) -> Value {
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
                "file": check.file.as_deref().map(|file| redact(&display_path(file))),
                "line": check.line,
                "fix": check.fix.as_deref().map(redact),
            })
        })
        .collect();
    json!({"checks": checks, "summary": summary})
}
