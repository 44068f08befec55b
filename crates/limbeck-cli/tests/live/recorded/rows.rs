//! The version rows after each step of a run.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, branching, replays, step};
use crate::support::sync_env;

/// Creates a project whose `env.py` writes each step and the version rows after it to a file.
fn traced(sandbox: &Sandbox) {
    branching(sandbox);
    let hook = "
def trace(ctx, step, heads, run_args, **_):
    from sqlalchemy import text
    rows = [row[0] for row in ctx.connection.execute(text('select version_num from alembic_version'))]
    with open('trace.txt', 'a') as file:
        print(step.is_upgrade, step.is_stamp, sorted(step.up_revision_ids), sorted(step.down_revision_ids),
              sorted(heads), sorted(rows), file=file)

";
    let env = sync_env(", on_version_apply=trace");
    sandbox.write("migrations/env.py", &format!("{hook}{env}"));
}

const ROWS: Scenario = Scenario {
    project: traced,
    on: On::Sqlite,
    steps: &[
        step("260_version_rows_trace", "upgrade e3e3"),
        step("260_version_rows_trace", "upgrade d1d1"),
        step("260_version_rows_trace", "upgrade heads"),
        step("260_version_rows_trace", "downgrade network@base"),
        step("260_version_rows_trace", "upgrade heads"),
        step("260_version_rows_trace", "downgrade d0d0d0d0"),
        step("260_version_rows_trace", "downgrade a3a3"),
        step("260_version_rows_trace", "upgrade heads"),
        step("260_version_rows_trace", "downgrade base"),
    ],
};

const LABELS: Scenario = Scenario {
    project: traced,
    on: On::Sqlite,
    steps: &[
        step("260_version_rows_trace", "upgrade blog"),
        step("260_version_rows_trace", "upgrade shop"),
        step("260_version_rows_trace", "upgrade d0d0"),
        step("260_version_rows_trace", "downgrade shop@c1c1"),
        step("260_version_rows_trace", "downgrade b1b1"),
        step("260_version_rows_trace", "downgrade base"),
        step("260_version_rows_trace", "stamp heads"),
        step("260_version_rows_trace", "stamp d0d0d0d0"),
        step("260_version_rows_trace", "stamp a1a1a1a1"),
        step("260_version_rows_trace", "stamp base"),
    ],
};

replays! {
    after_each_step: ROWS;
    after_each_step_of_a_branch: LABELS;
}
