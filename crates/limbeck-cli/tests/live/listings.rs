//! Every command on a branching history, beside real Alembic: output, exit status, version rows.

use std::collections::BTreeSet;

use limbeck_testkit::{Sandbox, python, reference_python};

use crate::support::{INI, alembic, limbeck, sync_env};

/// Id, parents, labels, dependencies, first line of the docstring.
type Declared = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const HISTORY: &[Declared] = &[
    ("a1a1a1a1", &[], &[], &[], "create users"),
    ("a2a2a2a2", &["a1a1a1a1"], &[], &[], "add email"),
    ("a3a3a3a3", &["a2a2a2a2"], &[], &[], "add name"),
    ("b1b1b1b1", &["a3a3a3a3"], &["blog"], &[], "blog start"),
    ("b2b2b2b2", &["b1b1b1b1"], &[], &[], "blog two"),
    ("c1c1c1c1", &["a3a3a3a3"], &["shop"], &[], "shop start"),
    ("c2c2c2c2", &["c1c1c1c1"], &[], &[], "shop two"),
    (
        "d0d0d0d0",
        &["b2b2b2b2", "c2c2c2c2"],
        &[],
        &[],
        "merge blog and shop",
    ),
    ("d1d1d1d1", &["d0d0d0d0"], &[], &[], "after merge"),
    ("e1e1e1e1", &[], &["network", "net"], &[], "network base"),
    (
        "e2e2e2e2",
        &["e1e1e1e1"],
        &[],
        &["a2a2a2a2"],
        "network needs a2",
    ),
    (
        "e3e3e3e3",
        &["e2e2e2e2"],
        &[],
        &["a3a3a3a3"],
        "network three",
    ),
    ("f1f1f1f1", &["e3e3e3e3"], &[], &[], "net fork one"),
    (
        "f2f2f2f2",
        &["e3e3e3e3"],
        &[],
        &["d1d1d1d1"],
        "net fork two",
    ),
];

/// One after the other on the same database.
const COMMANDS: &[&str] = &[
    "heads",
    "heads -v",
    "heads --resolve-dependencies",
    "branches",
    "branches -v",
    "history",
    "history -v",
    "history -r a2a2:d0d0",
    "history -r :d0d0",
    "history -r d0d0:",
    "history -r-3:",
    "history -r a1a1+1:b1b1",
    "history -r b1b1b1b1:c1c1c1c1",
    "history -r blog@base:blog@head",
    "history -r base:head",
    "history -r nocolon",
    "show heads",
    "show head",
    "show a1",
    "show d0d0",
    "show zzzzzz",
    "show base",
    "show a1:a2",
    "show -1",
    "current",
    "current -v",
    "current --check-heads",
    "upgrade head",
    "upgrade head --sql",
    "upgrade b1b1 --sql",
    "upgrade a2a2:b1b1 --sql",
    "downgrade a3a3 --sql",
    "downgrade b1b1:a2a2 --sql",
    "stamp a3a3 --sql",
    "ensure_version --sql",
    "upgrade base",
    "upgrade a1a1,a2a2",
    "upgrade +2",
    "current",
    "history -i",
    "upgrade blog",
    "upgrade blog@head",
    "upgrade nosuch@head",
    "upgrade shop@+1",
    "upgrade b2b2@head",
    "upgrade heads",
    "current",
    "current -c",
    "history -r current:",
    "history -r :current",
    "history -i -v",
    "show current",
    "downgrade -1",
    "downgrade net@-1",
    "downgrade d0d0",
    "current",
    "downgrade -1",
    "upgrade +1",
    "upgrade b1b1+1",
    "upgrade +9",
    "upgrade shop@head",
    "upgrade a1a1:b1b1",
    "downgrade nosuch",
    "upgrade heads",
    "upgrade heads",
    "upgrade a1a1",
    "downgrade f2f2f2f2",
    "stamp base",
    "stamp head",
    "stamp a3a3",
    "current",
    "stamp b2b2 c2c2",
    "current",
    "stamp --purge d1d1 e3e3",
    "current",
    "stamp --purge base --sql",
    "stamp heads",
    "current",
    "stamp zzz",
    "downgrade blog@base",
    "downgrade base",
    "current",
    "upgrade e1",
    "upgrade net@+1",
    "downgrade e1e1-1",
    "current",
    "merge -m x a1a1",
    "revision --head a1a1 -m y",
    "revision --rev-id a-b -m z",
    "revision --sql",
    "revision -m w",
    "revision --autogenerate --sql",
    "check",
    "heads --nonsense",
    "nonsense",
    "-n other heads",
    "-c gone.ini heads",
    "-q heads",
    "-q show zzz",
];

/// Orders that are sets in Python, put into one order.
fn in_order(text: &str) -> Vec<String> {
    let sort_list = |list: &str| {
        let items: BTreeSet<&str> = list.split(", ").collect();
        items.into_iter().collect::<Vec<_>>().join(", ")
    };
    text.lines()
        .map(|line| {
            for head in ["Branches into: ", "Branch names: "] {
                if let Some(list) = line.strip_prefix(head) {
                    return format!("{head}{}", sort_list(list));
                }
            }
            let mut sorted = String::new();
            let mut rest = line;
            while let Some((before, after)) = rest.split_once('(') {
                let (inside, after) = after.split_once(')').unwrap_or((after, ""));
                sorted.push_str(&format!("{before}({})", sort_list(inside)));
                rest = after;
            }
            sorted + rest
        })
        .collect()
}

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("alembic.ini", INI);
    sandbox.write("migrations/env.py", &sync_env(""));
    sandbox.write(
        "migrations/script.py.mako",
        "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n",
    );
    for (id, parents, labels, dependencies, doc) in HISTORY {
        let tuple = |items: &[&str]| match items {
            [] => "None".to_owned(),
            [one] => format!("'{one}'"),
            several => format!(
                "({})",
                several
                    .iter()
                    .map(|item| format!("'{item}', "))
                    .collect::<String>()
            ),
        };
        sandbox.write(
            &format!("migrations/versions/{id}_x.py"),
            &format!(
                "\"\"\"{doc}\n\nMore of {id}.\n\nRevises: {}\n\"\"\"\nfrom alembic import op\n\nrevision = '{id}'\ndown_revision = {}\n\
                 branch_labels = {}\ndepends_on = {}\n\n\ndef upgrade():\n    op.execute(\"create table t_{id} (id int)\")\n\n\n\
                 def downgrade():\n    op.execute(\"drop table t_{id}\")\n",
                parents.join(", "),
                tuple(parents),
                tuple(labels),
                tuple(dependencies),
            ),
        );
    }
    sandbox
}

fn rows(path: &std::path::Path) -> BTreeSet<String> {
    let connection = rusqlite::Connection::open(path).expect("the database");
    let Ok(mut statement) = connection.prepare("select version_num from alembic_version") else {
        return BTreeSet::new();
    };
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[test]
fn the_same_as_alembic() {
    let (Some(python), Some(reference)) = (python(), reference_python()) else {
        return;
    };
    let sandbox = project();
    let database = sandbox.path().join("test.db");
    let kept = sandbox.path().join("kept.db");
    let mut problems = Vec::new();
    for command in COMMANDS {
        let arguments: Vec<&str> = command.split(' ').collect();
        let run = |program: &std::path::Path, python: &std::path::Path| {
            let mut command = sandbox.command(program, Some(python));
            let output = command
                .env("DATABASE_URL", "sqlite:///test.db")
                .args(&arguments)
                .output()
                .expect("it starts");
            (crate::support::ran(&output), rows(&database))
        };
        // Both begin from what the real one left.
        let before = database.exists();
        if before {
            std::fs::copy(&database, &kept).expect("a copy");
        }
        let (ours, our_rows) = run(&limbeck(), &python);
        if before {
            std::fs::copy(&kept, &database).expect("a copy");
        } else if database.exists() {
            std::fs::remove_file(&database).expect("it goes");
        }
        let (real, real_rows) = run(&alembic(&reference), &reference);
        let mut problem = |what: &str| {
            problems.push(format!(
                "{command}: {what}\n--- alembic ({})\n{}{}--- limbeck ({})\n{}{}",
                real.status, real.stdout, real.stderr, ours.status, ours.stdout, ours.stderr
            ));
        };
        // Where Alembic ends with a traceback, limbeck refuses with a message: docs/differences.md.
        if real.status == 1 {
            if !matches!(ours.status, 1 | 255) {
                problem("exit status");
            }
            continue;
        }
        if ours.status != real.status {
            problem("exit status");
            continue;
        }
        if ours.status == 2 {
            continue;
        }
        let mut texts = [in_order(&ours.stdout), in_order(&real.stdout)];
        if command.starts_with("current")
            || command.starts_with("branches")
            || command.contains("--sql")
            || *command == "show current"
        {
            for lines in &mut texts {
                lines.sort();
            }
        }
        // Which parent of a merge is updated and which deleted is random, too.
        if texts[0] != texts[1] && !command.ends_with("head --sql") {
            problem("output");
        }
        if our_rows != real_rows {
            problem(&format!(
                "version rows {our_rows:?} instead of {real_rows:?}"
            ));
        }
        let log = |text: &str| -> Vec<String> {
            text.lines()
                .filter(|line| line.starts_with("INFO") || line.starts_with("ERROR"))
                .map(str::to_owned)
                .collect()
        };
        if log(&ours.stderr) != log(&real.stderr) {
            problem("log lines");
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
