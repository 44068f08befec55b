//! `limbeck doctor` on healthy projects and on projects with one fault each.

mod database;
mod history;
mod project;
mod secrets;
mod url;

use std::path::Path;

use limbeck_testkit::{Sandbox, python};
use serde_json::Value;

use crate::support::{limbeck, to_command_output};

/// The output and exit status of `doctor`.
pub(crate) struct Examination {
    status: i32,
    checks: Vec<Value>,
    /// Standard output and standard error, without and with `--json`.
    output: String,
}

/// A project of Alembic's own template, with a URL in its ini.
pub(crate) fn project(template: &str, url: &str) -> Sandbox {
    let python = python();
    let sandbox = Sandbox::new();
    let arguments = ["init", "-t", template, "migrations"];
    sandbox.run(&limbeck(), Some(&python), &arguments).success();
    set_url(&sandbox, url);
    sandbox
}

/// Replaces the URL in the ini, without doubling percent signs.
pub(crate) fn set_url(sandbox: &Sandbox, url: &str) {
    let ini = sandbox.read("alembic.ini");
    let old = ini
        .lines()
        .find(|line| line.starts_with("sqlalchemy.url ="))
        .expect("the template has a URL");
    sandbox.write(
        "alembic.ini",
        &ini.replace(old, &format!("sqlalchemy.url = {url}")),
    );
}

/// Replaces a text in a file, which must contain it.
pub(crate) fn edit(sandbox: &Sandbox, file: &str, old: &str, new: &str) {
    let text = sandbox.read(file);
    assert!(text.contains(old), "{file} has no {old}: {text}");
    sandbox.write(file, &text.replacen(old, new, 1));
}

/// Adds a revision script.
pub(crate) fn revision(sandbox: &Sandbox, id: &str, down: &str) {
    sandbox.write(
        &format!("migrations/versions/{id}_.py"),
        &format!("revision = '{id}'\ndown_revision = {down}\n\ndef upgrade():\n    pass\n\ndef downgrade():\n    pass\n"),
    );
}

/// Runs `doctor` on a project, without and with `--json`.
pub(crate) fn examine(
    sandbox: &Sandbox,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Examination {
    examine_with(sandbox, Some(&python()), arguments, variables)
}

pub(crate) fn examine_with(
    sandbox: &Sandbox,
    python: Option<&Path>,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Examination {
    let run = |more: &[&str]| {
        let mut command = sandbox.command(&limbeck(), python);
        command.arg("doctor").args(arguments).args(more);
        let output = command.envs(variables.iter().copied()).output();
        to_command_output(&output.expect("limbeck starts"))
    };
    let (text, json) = (run(&[]), run(&["--json"]));
    assert_eq!(text.status, json.status, "{}\n{}", text.stdout, json.stdout);
    let object: Value = serde_json::from_str(&json.stdout).expect("one JSON object");
    let checks = object["checks"].as_array().expect("a list").clone();
    assert!(!checks.is_empty(), "{}", json.stdout);
    for severity in ["ok", "note", "warning", "error"] {
        let count = checks
            .iter()
            .filter(|check| check["severity"] == severity)
            .count();
        assert_eq!(object["summary"][severity], count, "{severity}");
    }
    let errors = checks.iter().any(|check| check["severity"] == "error");
    assert_eq!(json.status, i32::from(errors), "{}", text.stdout);
    assert_eq!(json.stderr, "", "nothing but the object");
    Examination {
        status: json.status,
        checks,
        output: format!(
            "{}{}{}{}",
            text.stdout, text.stderr, json.stdout, json.stderr
        ),
    }
}

impl Examination {
    /// Returns the checks with this id, of which there must be one.
    #[track_caller]
    pub(crate) fn all(&self, id: &str) -> Vec<&Value> {
        let found: Vec<_> = self
            .checks
            .iter()
            .filter(|check| check["id"] == id)
            .collect();
        assert!(!found.is_empty(), "no {id}: {}", self.output);
        found
    }

    /// Asserts that a check has this id and severity, and a message with this text.
    #[track_caller]
    pub(crate) fn has(&self, id: &str, severity: &str, text: &str) -> &Value {
        let found = self.all(id);
        let matches = |check: &&Value| {
            check["severity"] == severity
                && check["message"]
                    .as_str()
                    .is_some_and(|message| message.contains(text))
        };
        let matching = found.iter().copied().find(matches);
        matching.unwrap_or_else(|| panic!("no {severity} of {id} with `{text}`: {found:#?}"))
    }

    /// Returns the ids of the checks with these severities.
    pub(crate) fn ids(&self, severities: &[&str]) -> Vec<&str> {
        let matching = self.checks.iter().filter(|check| {
            check["severity"]
                .as_str()
                .is_some_and(|severity| severities.contains(&severity))
        });
        matching.filter_map(|check| check["id"].as_str()).collect()
    }
}

/// Asserts that a check names the line of a file that contains this text.
#[track_caller]
pub(crate) fn assert_at_line(sandbox: &Sandbox, check: &Value, file: &str, text: &str) {
    assert_eq!(check["file"], file, "{check}");
    let content = sandbox.read(file);
    let index = content.lines().position(|line| line.contains(text));
    let line = index.expect("the text is in the file") + 1;
    assert_eq!(check["line"], line, "{check}");
}
