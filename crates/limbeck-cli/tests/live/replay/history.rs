//! The history of the recordings: 14 revisions with branches, labels, dependencies and a merge.

use limbeck_testkit::Sandbox;

use crate::support::{INI, sync_env};

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

/// Creates the project with the branching history. `env.py` reads `DATABASE_URL`.
pub(crate) fn branching(sandbox: &Sandbox) {
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
}
