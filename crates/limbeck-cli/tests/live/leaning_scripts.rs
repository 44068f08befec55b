//! Scripts that need what the import of another script leaves, and scripts that fail only when they are imported:
//! limbeck imports the scripts that Alembic does, as far as it can be noticed.

use crate::support::{linear, run, run_alembic, sync_env};

/// Revisions `a1`, `b2` and `c3`, of which only `a1` runs. Returns the exit statuses of Alembic and of limbeck, and
/// limbeck's standard error.
fn upgrade_to_first(first: &str, second_top: &str, third_top: &str) -> (i32, i32, String) {
    let mut statuses = Vec::new();
    let mut stderr = String::new();
    for (runs_limbeck, scheme) in [(false, "sqlite"), (true, "sqlite+aiosqlite")] {
        let project = linear(
            &sync_env(""),
            &[
                ("a1", first, "pass"),
                ("b2", "pass", "pass"),
                ("c3", "pass", "pass"),
            ],
        );
        for (id, top) in [("b2", second_top), ("c3", third_top)] {
            let path = project.path().join(format!("migrations/versions/{id}.py"));
            let script = std::fs::read_to_string(&path).expect("the script exists");
            std::fs::write(path, format!("{script}\n\n{top}\n")).expect("the folder is writable");
        }
        let url = format!("{scheme}:///{}", project.path().join("db").display());
        let output = if runs_limbeck {
            run(&project, &url, &["upgrade", "a1"])
        } else {
            run_alembic(&project, &url, &["upgrade", "a1"])
        };
        statuses.push(output.status);
        stderr = output.stderr;
    }
    (statuses[0], statuses[1], stderr)
}

#[test]
fn scripts_see_what_other_scripts_import_and_do() {
    for (first, second_top, third_top) in [
        (
            "import xml\nassert xml.sax.saxutils.escape('&') == '&amp;'",
            "import xml.sax.saxutils",
            "",
        ),
        (
            "import xml\nassert xml.dom.minidom",
            "",
            "from xml.dom import minidom",
        ),
        (
            "import sys\nassert sys.seen == ['b2', 'c3']",
            "import sys\nsys.seen = ['b2']",
            "sys = __import__('sys')\nsys.seen.append('c3')",
        ),
        (
            "import email\nassert email.mime.text",
            "try:\n    import email.mime.text\nexcept ImportError:\n    raise",
            "",
        ),
        (
            "import sys\nassert sys.seen == 1",
            "class Setter:\n    import sys\n    sys.seen = 1",
            "",
        ),
        (
            "import sys\nassert sys.seen == 1",
            "def f(x=setattr(__import__('sys'), 'seen', 1)): pass",
            "",
        ),
    ] {
        let (alembic, limbeck, stderr) = upgrade_to_first(first, second_top, third_top);
        assert_eq!((alembic, limbeck), (0, 0), "{second_top}: {stderr}");
    }
}

#[test]
fn an_import_that_fails_ends_the_run_as_in_alembic() {
    for (top, reason) in [
        ("import no_such_module", "no_such_module"),
        ("from sqlalchemy import NoSuchName", "NoSuchName"),
        ("import sqlalchemy.no_such_module", "no_such_module"),
        ("x = undefined_name", "undefined_name"),
        ("x = sa.NoSuchType", "NoSuchType"),
        ("def f():\n    await g()", "outside async function"),
        ("def f():\n    break", "outside loop"),
    ] {
        let (alembic, limbeck, stderr) = upgrade_to_first("pass", "", top);
        assert_eq!((alembic, limbeck), (1, 1), "{top}: {stderr}");
        assert!(stderr.contains(reason), "{top}: {stderr}");
        assert!(stderr.contains("c3.py"), "{top}: {stderr}");
    }
}
