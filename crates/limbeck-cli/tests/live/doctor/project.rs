//! Checks of `doctor` on the configuration, `env.py` and the interpreter.

use std::process::Command;

use limbeck_testkit::{Sandbox, all_pythons, python};

use super::{assert_at_line, edit, examine, examine_with, project, revision};
use crate::support::{limbeck, run_alembic};

const URL: &str = "sqlite:///app.db";
const ENV: &str = "migrations/env.py";

/// Creates a healthy project and changes it.
fn changed(change: impl Fn(&Sandbox)) -> Sandbox {
    let sandbox = project("generic", URL);
    change(&sandbox);
    sandbox
}

#[test]
fn reports_no_problem_in_a_healthy_project() {
    let python = python();
    let sandbox = project("generic", URL);
    revision(&sandbox, "a1", "None");
    revision(&sandbox, "b2", "'a1'");
    sandbox
        .run(&limbeck(), Some(&python), &["upgrade", "head"])
        .success();
    let digest = |sandbox: &Sandbox| {
        let output = Command::new("sh")
            .args(["-c", "find . -type f | sort | xargs md5sum"])
            .current_dir(sandbox.path())
            .output();
        String::from_utf8_lossy(&output.expect("sh runs").stdout).into_owned()
    };
    let before = digest(&sandbox);
    let found = examine(&sandbox, &[], &[]);
    assert_eq!(
        found.ids(&["note", "warning", "error"]),
        Vec::<&str>::new(),
        "{}",
        found.output
    );
    assert_eq!(found.status, 0);
    found.has("database.state", "ok", "at head");
    found.has("database.rows", "ok", "`b2`");
    found.has("env.shape", "ok", "stock synchronous");
    assert_eq!(digest(&sandbox), before, "nothing is written");
    // Each id occurs once, except the one for asynchronous projects.
    assert_eq!(found.checks.len(), 39, "{}", found.output);
}

#[test]
fn checks_the_configuration() {
    let missing = Sandbox::new();
    let found = examine(&missing, &["--offline"], &[]);
    found.has("config.file", "error", "there is no `alembic.ini`");
    found.has("env.file", "note", "not checked: ");

    let cases: [(&str, &str, &str, &str, &str, &str); 5] = [
        (
            "[alembic]",
            "[alembic]\nnothing",
            "config.file",
            "error",
            "key = value",
            "nothing",
        ),
        (
            "script_location = %(here)s/migrations",
            "script_location = gone",
            "config.script-location",
            "error",
            "`gone`",
            "script_location = gone",
        ),
        (
            "script_location = %(here)s/migrations",
            "",
            "config.script-location",
            "error",
            "No 'script_location' key",
            "",
        ),
        (
            "prepend_sys_path = .",
            "prepend_sys_path = src",
            "config.prepend-sys-path",
            "warning",
            "`src`",
            "prepend_sys_path = src",
        ),
        (
            "[alembic]",
            "[alembic]\nfile_note = 100%",
            "config.percent",
            "error",
            "`file_note`",
            "file_note",
        ),
    ];
    for (old, new, id, severity, text, line) in cases {
        let sandbox = changed(|sandbox| edit(sandbox, "alembic.ini", old, new));
        let found = examine(&sandbox, &["--offline"], &[]);
        let check = found.has(id, severity, text);
        if !line.is_empty() {
            assert_at_line(&sandbox, check, "alembic.ini", line);
        }
        assert_eq!(found.status, i32::from(severity == "error"), "{new}");
    }
    let sandbox = changed(|sandbox| sandbox.write("pyproject.toml", "[tool.alembic\n"));
    let found = examine(&sandbox, &["--offline"], &[]);
    assert_eq!(
        found.has("config.file", "error", "")["file"],
        "pyproject.toml"
    );
}

#[test]
fn checks_env_py() {
    let url = "postgresql+asyncpg://app:p%40w@localhost/shop?ssl=require";
    let before = "config = context.config";
    let from_variable = "import os\nconfig = context.config\nurl = os.environ['DATABASE_URL']\n";
    let cases: [(&str, &str, &str, &str, &str); 7] = [
        (
            "config.set_main_option('sqlalchemy.url', url.replace('+asyncpg', '+psycopg2'))",
            "env.replaced-driver",
            "error",
            "`ssl`",
            "replace('+",
        ),
        (
            "url = url.replace('+asyncpg', '')",
            "env.replaced-driver",
            "error",
            "`ssl`",
            "replace('+",
        ),
        (
            "url = url.replace('+aiomysql', '')",
            "env.replaced-driver",
            "warning",
            "`+aiomysql`",
            "replace('+",
        ),
        (
            "config.set_main_option('sqlalchemy.url', url)",
            "env.percent",
            "error",
            "percent sign",
            "set_main_option",
        ),
        (
            "text = str(engine.url)",
            "env.url-as-text",
            "error",
            "`***`",
            "str(",
        ),
        (
            "config.set_main_option('sqlalchemy.url', url.replace('%', '%%'))",
            "env.percent",
            "ok",
            "",
            "",
        ),
        (
            "this is no Python",
            "env.file",
            "error",
            "not valid Python",
            "this is no",
        ),
    ];
    for (line, id, severity, text, location) in cases {
        let new = format!("{from_variable}{line}\n");
        let sandbox = changed(|sandbox| edit(sandbox, ENV, before, &new));
        let found = examine(&sandbox, &["--offline"], &[("DATABASE_URL", url)]);
        let check = found.has(id, severity, text);
        if !location.is_empty() {
            assert_at_line(&sandbox, check, ENV, location);
        }
    }
    let sandbox = changed(|sandbox| {
        std::fs::remove_file(sandbox.path().join(ENV)).expect("the file is removed");
    });
    let found = examine(&sandbox, &["--offline"], &[]);
    assert_eq!(found.has("env.file", "error", "can't be read")["file"], ENV);
    found.has("env.shape", "note", "not checked");
    found.has("history.heads", "note", "no revisions");
}

/// Each error that `doctor` reports for `env.py` is an error of real Alembic with a real driver, too.
#[test]
fn errors_in_env_py_fail_in_real_alembic() {
    let url = "postgresql+asyncpg://app:p%40w@127.0.0.1:1/shop?ssl=require";
    let url_of_env = "os.environ['DATABASE_URL'].replace('+asyncpg', '+psycopg2')";
    for (line, id, expected) in [
        (
            format!("config.set_main_option('sqlalchemy.url', {url_of_env})"),
            "env.percent",
            "invalid interpolation syntax",
        ),
        (
            format!("config.set_main_option('sqlalchemy.url', {url_of_env}.replace('%', '%%'))"),
            "env.replaced-driver",
            "invalid connection option \"ssl\"",
        ),
        (
            "from sqlalchemy.engine import make_url\ntext = str(make_url(os.environ['DATABASE_URL']))\nraise SystemExit(text)"
                .into(),
            "env.url-as-text",
            "postgresql+asyncpg://app:***@",
        ),
    ] {
        let sandbox = changed(|sandbox| {
            let new = format!("import os\nconfig = context.config\n{line}");
            edit(sandbox, ENV, "config = context.config", &new);
        });
        let found = examine(&sandbox, &["--offline"], &[("DATABASE_URL", url)]);
        found.has(id, "error", "");
        let output = run_alembic(&sandbox, url, &["upgrade", "head"]);
        assert_eq!(output.status, 1, "{}", output.stderr);
        assert!(output.stderr.contains(expected), "{expected}: {}", output.stderr);
    }
}

#[test]
fn checks_the_interpreter() {
    let sandbox = project("generic", "postgresql+asyncpg://u@localhost/d");
    let found = examine(&sandbox, &["--offline"], &[]);
    found.has("python.interpreter", "ok", "because of VIRTUAL_ENV");
    found.has("python.alembic", "ok", "SQLAlchemy ");
    found.has("python.drivers", "ok", "none but `sqlite3`");
    let check = found.has(
        "python.plain-alembic",
        "warning",
        "`asyncpg` is not installed",
    );
    assert!(
        check["fix"]
            .as_str()
            .expect("a text")
            .contains("pip install asyncpg")
    );

    let found = examine(&sandbox, &["--offline", "--python", "/nowhere/python"], &[]);
    found.has("python.interpreter", "error", "`/nowhere/python`");
    found.has("python.alembic", "note", "not checked");

    // An empty environment, in a project with a module named like one of the standard library.
    let python = python();
    let made = Command::new(&python)
        .args(["-m", "venv", "--without-pip"])
        .arg(sandbox.path().join(".venv"))
        .status();
    assert!(made.expect("venv runs").success());
    sandbox.write("json.py", "raise SystemExit('imported')\n");
    let found = examine_with(&sandbox, None, &["--offline"], &[]);
    found.has("python.interpreter", "ok", "because of .venv");
    found.has(
        "python.alembic",
        "error",
        "Alembic is not installed; SQLAlchemy is not installed",
    );
    assert_eq!(found.status, 1);

    let found = examine_with(
        &sandbox,
        None,
        &["--offline", "--python", "/bin/false"],
        &[],
    );
    found.has("python.interpreter", "error", "could not list its packages");
}

#[test]
fn lists_the_drivers_of_an_environment() {
    let reference = limbeck_testkit::reference_python();
    let sandbox = project("async", "postgresql+asyncpg://u@localhost/d");
    let found = examine_with(&sandbox, Some(&reference), &["--offline"], &[]);
    for driver in [
        "asyncpg ",
        "psycopg2",
        "PyMySQL ",
        "aiosqlite ",
        "greenlet ",
    ] {
        found.has("python.drivers", "ok", driver);
    }
    found.has("python.plain-alembic", "ok", "`asyncpg`");
}

#[test]
fn notes_an_engine_setting_that_needs_python() {
    let sandbox = changed(|sandbox| {
        edit(
            sandbox,
            "alembic.ini",
            "sqlalchemy.url",
            "sqlalchemy.echo = true\nsqlalchemy.url",
        );
    });
    let found = examine(&sandbox, &["--offline"], &[]);
    found.has("env.shape", "note", "`sqlalchemy.echo`");
}

/// The templates of each Alembic are healthy projects; whether `str(url)` hides the password depends on SQLAlchemy.
#[test]
fn accepts_the_templates_of_every_alembic() {
    for python in all_pythons() {
        for (template, url) in [
            ("generic", "sqlite:///app.db"),
            ("async", "sqlite+aiosqlite:///app.db"),
        ] {
            let sandbox = Sandbox::new();
            let arguments = ["init", "-t", template, "migrations"];
            sandbox.run(&limbeck(), Some(&python), &arguments).success();
            super::set_url(&sandbox, url);
            revision(&sandbox, "a1", "None");
            sandbox
                .run(&limbeck(), Some(&python), &["upgrade", "head"])
                .success();
            let found = examine_with(&sandbox, Some(&python), &[], &[]);
            assert_eq!(
                found.ids(&["error", "note"]),
                Vec::<&str>::new(),
                "{}",
                found.output
            );
            found.has("env.shape", "ok", "stock");
            edit(
                &sandbox,
                ENV,
                "config = context.config",
                "config = context.config\nurl = str(engine.url)",
            );
            let found = examine_with(&sandbox, Some(&python), &["--offline"], &[]);
            let old = found.all("python.alembic")[0]["message"]
                .to_string()
                .contains("SQLAlchemy 1.");
            let severity = if old { "warning" } else { "error" };
            found.has("env.url-as-text", severity, "`***`");
        }
    }
}
