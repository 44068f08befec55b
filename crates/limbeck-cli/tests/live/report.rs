//! Options for programs that start limbeck: `--overrides`, `--report`, `--no-ini` and `--no-pyproject`.

use limbeck_testkit::{Sandbox, python, reference_python};
use serde_json::{Value, json};

use crate::support::{alembic, limbeck};

/// Creates a project with two revisions. The second one fails.
fn project() -> Sandbox {
    let reference = reference_python();
    let sandbox = Sandbox::new();
    let init = ["init", "migrations"];
    sandbox
        .run(&alembic(&reference), Some(&reference), &init)
        .success();
    for (id, down, sql) in [
        ("a1", "None", "create table t (id integer)"),
        ("b2", "'a1'", "select nothing"),
    ] {
        let script = format!(
            "\"\"\"make {id}\"\"\"\nfrom alembic import op\nrevision = '{id}'\ndown_revision = {down}\n\
             def upgrade():\n    op.execute('{sql}')\ndef downgrade():\n    pass\n"
        );
        sandbox.write(&format!("migrations/versions/{id}.py"), &script);
    }
    sandbox
}

fn report(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.read("report.json")).expect("one JSON object")
}

#[test]
fn overrides_precede_files_and_the_report_lists_the_steps() {
    let sandbox = project();
    let python = python();
    let url = json!({"alembic": {"sqlalchemy.url": "sqlite+aiosqlite:///given%%41.db"}});
    sandbox.write("given.json", &url.to_string());
    let options = ["--overrides", "given.json", "--report", "report.json"];
    let run = |arguments: &[&str]| {
        let line = [&options[..], arguments].concat();
        (
            sandbox.run(&limbeck(), Some(&python), &line),
            report(&sandbox),
        )
    };
    let (output, report) = run(&["upgrade", "a1"]);
    output.success();
    let path = sandbox.path().join("migrations/versions/a1.py");
    let step = json!({"revision": "a1", "kind": "upgrade", "path": path.canonicalize().unwrap()});
    assert_eq!(
        report,
        json!({
            "command": "upgrade", "exit_status": 0, "error": null, "heads_before": [], "heads_after": ["a1"],
            "steps": [step], "revisions": [],
        })
    );
    let (output, report) = run(&["current"]);
    assert_eq!(output.success().stdout, "a1\n");
    assert_eq!(
        (&report["heads_after"], &report["revisions"][0]["doc"]),
        (&json!(["a1"]), &json!("make a1"))
    );
    let (output, report) = run(&["upgrade", "head"]);
    assert_eq!((output.status, &report["exit_status"]), (1, &json!(1)));
    assert_eq!(
        (&report["error"]["kind"], &report["error"]["revision"]),
        (&json!("failed"), &json!("b2"))
    );
    assert_eq!(report["heads_after"], json!(["a1"]));
    let (output, report) = run(&["upgrade", "c3"]);
    assert_eq!((output.status, &report["exit_status"]), (255, &json!(255)));
    assert_eq!(
        report["error"]["message"],
        "Can't locate revision identified by 'c3'"
    );
    assert!(!sandbox.path().join("given.db").exists());
}

#[test]
fn runs_without_configuration_files() {
    let sandbox = project();
    let python = python();
    sandbox.write("alembic.ini", "not an ini\n");
    sandbox.write("pyproject.toml", "not a pyproject\n");
    let given =
        json!({"alembic": {"script_location": "migrations", "sqlalchemy.url": "sqlite:///"}});
    sandbox.write("given.json", &given.to_string());
    let options = ["--no-ini", "--no-pyproject", "--overrides", "given.json"];
    for (command, expected) in [(&["heads"][..], "b2 (head)\n"), (&["upgrade", "a1"], "")] {
        let line = [&options[..], command].concat();
        let output = sandbox.run(&limbeck(), Some(&python), &line).success();
        assert_eq!(output.stdout, expected);
    }
}

#[test]
fn rejects_unusable_files() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "given.json",
        "{\"alembic\": {\"sqlalchemy.url\": [\"hunter2\"]}}",
    );
    for (options, expected) in [
        (
            ["--report", "missing/report.json"],
            "could not write the report `missing/report.json`",
        ),
        (
            ["--overrides", "missing.json"],
            "could not read the values for `--overrides` from `missing.json`",
        ),
        (["--overrides", "given.json"], "line 1, column"),
    ] {
        let line = [&options[..], &["heads"]].concat();
        let output = sandbox.run(&limbeck(), None, &line);
        assert_eq!(output.status, 1);
        assert!(output.stderr.contains(expected), "{}", output.stderr);
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
}
