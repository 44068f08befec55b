//! Checks of `doctor` on revision scripts.

use limbeck_testkit::Sandbox;

use super::{assert_at_line, examine, project, revision};

fn script(sandbox: &Sandbox, name: &str, text: &str) {
    sandbox.write(&format!("migrations/versions/{name}"), text);
}

#[test]
fn reports_each_fault_of_the_history() {
    let sandbox = project("generic", "sqlite:///app.db");
    revision(&sandbox, "a1", "None");
    revision(&sandbox, "b2", "'a1'");
    revision(&sandbox, "c3", "'a1'");
    let found = examine(&sandbox, &["--offline"], &[]);
    found.has("history.heads", "error", "`b2`, `c3`");
    assert_eq!(found.status, 1);

    // `doctor` reports all problems, not only the first.
    revision(&sandbox, "d4", "('b2', 'gone1')");
    revision(&sandbox, "e5", "'gone2'");
    revision(&sandbox, "f6", "'g7'");
    revision(&sandbox, "g7", "'f6'");
    script(
        &sandbox,
        "copy.py",
        "revision = 'a1'\ndown_revision = None\n",
    );
    let found = examine(&sandbox, &["--offline"], &[]);
    let check = found.has("history.missing", "error", "`gone1`");
    assert_at_line(
        &sandbox,
        check,
        "migrations/versions/d4_.py",
        "down_revision",
    );
    let check = found.has("history.missing", "error", "`gone2`");
    assert_at_line(
        &sandbox,
        check,
        "migrations/versions/e5_.py",
        "down_revision",
    );
    let check = found.has("history.cycle", "error", "f6");
    assert!(check["line"].is_u64(), "{check}");
    found.has("history.duplicate", "error", "`a1_.py`, `copy.py`");
    found.has("history.heads", "note", "not checked");
}

#[test]
fn warns_about_a_missing_folder() {
    let sandbox = project("generic", "sqlite:///app.db");
    super::edit(
        &sandbox,
        "alembic.ini",
        "[alembic]",
        "[alembic]\nversion_locations = %(here)s/gone",
    );
    let found = examine(&sandbox, &["--offline"], &[]);
    found.has("history.scripts", "warning", "/gone`");
    assert_eq!(found.status, 0);
}

#[test]
fn accepts_several_heads_with_labels() {
    let sandbox = project("generic", "sqlite:///app.db");
    for label in ["one", "two"] {
        script(
            &sandbox,
            &format!("{label}.py"),
            &format!("revision = '{label}1'\ndown_revision = None\nbranch_labels = '{label}'\n"),
        );
    }
    let found = examine(&sandbox, &["--offline"], &[]);
    found.has("history.heads", "note", "each has a branch label");
    assert_eq!(found.status, 0);
}

#[test]
fn reports_scripts_that_cannot_be_read() {
    let sandbox = project("generic", "sqlite:///app.db");
    script(&sandbox, "a.py", "revision = 'a1'\n\ndef upgrade(:\n");
    script(
        &sandbox,
        "b.py",
        "import os\nrevision = os.path.basename('x')\ndown_revision = None\n",
    );
    script(&sandbox, "c.py", "revision = 'c3'\n");
    let long = "a".repeat(33);
    revision(&sandbox, &long, "None");
    let found = examine(&sandbox, &["--offline"], &[]);
    let check = found.has("history.scripts", "error", "not valid Python");
    assert_at_line(&sandbox, check, "migrations/versions/a.py", "def upgrade(:");
    let check = found.has("history.static", "note", "computed");
    assert_at_line(&sandbox, check, "migrations/versions/b.py", "basename");
    let check = found.has("history.down-revision", "error", "does not declare");
    assert_eq!(check["file"], "migrations/versions/c.py");
    let check = found.has("history.id-length", "warning", "33 characters");
    assert_at_line(
        &sandbox,
        check,
        &format!("migrations/versions/{long}_.py"),
        "revision",
    );
    found.has("history.heads", "note", "not checked");
}
