//! `revision` and `merge`: the new scripts, and the errors.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, branching, replays, step, stock, template};

const FIRST: Scenario = Scenario {
    project: |sandbox| stock(sandbox, "generic", "alembic"),
    on: On::Sqlite,
    steps: &[
        step(
            "010_revision_a1",
            "revision -m 'create users' --rev-id a1a1a1a1",
        ),
        step(
            "011_revision_a2",
            "revision -m 'Add Email! to users (with unicode é)' --rev-id a2a2a2a2",
        ),
        step("", "-q revision --rev-id a3a3a3a3"),
    ],
};

/// Creates the branching history with the stock template, on a database without version rows.
fn branching_with_template(sandbox: &Sandbox) {
    branching(sandbox);
    sandbox.write(
        "migrations/script.py.mako",
        &template("generic", "script.py.mako"),
    );
}

const BRANCHES: Scenario = Scenario {
    project: branching_with_template,
    on: On::Sqlite,
    steps: &[
        step("", "ensure_version"),
        step("082_revision_multiheads", "revision -m x"),
        step("083_revision_head_nothead", "revision -m x --head a2a2"),
        step(
            "084_revision_head_splice",
            "revision -m spliced --head a2a2 --splice --rev-id 5p11ce000001 --branch-label spl",
        ),
        step("085_revision_bad_revid", "revision -m x --rev-id a-b"),
        step("086_revision_sql", "revision -m x --sql"),
        step("087_revision_autogen_sql", "revision --autogenerate --sql"),
        step(
            "088_revision_autogen_notuptodate",
            "revision --autogenerate --head f1f1",
        ),
        step("089_check_notuptodate", "check"),
        step(
            "090_merge",
            "merge -m 'merge nets' f1f1 f2f2 --rev-id 3e46e0000001",
        ),
        step("091_merge_one", "merge f1f1"),
        step(
            "092_merge_heads",
            "merge heads -m 'merge all' --rev-id 3e46e0000002",
        ),
        step("094_quiet", "-q upgrade heads"),
        step(
            "099_depends",
            "revision -m dep --head base --depends-on a2a2 --depends-on blog --branch-label newb --rev-id 0123456789ab",
        ),
        step(
            "100_dup_revision",
            "revision -m dup --rev-id a1a1a1a1 --head heads",
        ),
    ],
};

replays! {
    first_revisions: FIRST;
    on_branches: BRANCHES;
}
