//! Scripts that can't be read, and inconsistent histories.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, replays, step, stock};

fn project(sandbox: &Sandbox) {
    stock(sandbox, "generic", "mig");
}

/// Replaces the scripts with one or two others.
fn scripts(sandbox: &Sandbox, scripts: &[&str]) {
    for (name, text) in ["z.py", "y.py"].into_iter().zip(
        scripts
            .iter()
            .chain(&["revision = 'y0'\ndown_revision = None\n"]),
    ) {
        sandbox.write(&format!("mig/versions/{name}"), text);
    }
}

const BROKEN: Scenario = Scenario {
    project,
    on: On::Sqlite,
    steps: &[
        step("190_badscript", "heads")
            .after(|sandbox| scripts(sandbox, &["raise ValueError('x')\n"]))
            .differs("an exception in a script", 1, "ValueError: x"),
        step("191_norev", "heads").after(|sandbox| scripts(sandbox, &["down_revision = None\n"])),
        step("192_missing_down", "heads")
            .after(|sandbox| scripts(sandbox, &["revision = 'a'\ndown_revision = 'zz'\n"]))
            .differs("a parent or a dependency that isn't there", 1, "`zz`"),
        step("193_selfloop", "heads")
            .after(|sandbox| scripts(sandbox, &["revision = 'a'\ndown_revision = 'a'\n"]))
            .differs(
                "a self-loop, a circle, a label used twice",
                1,
                "Self-loop is detected in revisions (a)",
            ),
        step("194_cycle", "heads")
            .after(|sandbox| {
                scripts(
                    sandbox,
                    &[
                        "revision = 'a'\ndown_revision = 'b'\n",
                        "revision = 'b'\ndown_revision = 'a'\n",
                    ],
                );
            })
            .differs(
                "a self-loop, a circle, a label used twice",
                1,
                "Cycle is detected in revisions (a, b)",
            ),
        step("195_no_down_attr", "heads")
            .after(|sandbox| scripts(sandbox, &["revision = 'a'\n"]))
            .differs("a script without `down_revision`", 1, "z.py"),
        step("196_dup_label", "heads")
            .after(|sandbox| {
                scripts(
                    sandbox,
                    &[
                        "revision = 'a'\ndown_revision = None\nbranch_labels = 'q'\n",
                        "revision = 'b'\ndown_revision = None\nbranch_labels = 'q'\n",
                    ],
                );
            })
            .differs(
                "a self-loop, a circle, a label used twice",
                1,
                "Branch name 'q' in revision a already used by revision",
            ),
        step("197_dup_rev", "heads")
            .after(|sandbox| {
                scripts(
                    sandbox,
                    &[
                        "revision = 'a'\ndown_revision = None\nbranch_labels = 'q'\n",
                        "revision = 'a'\ndown_revision = None\nbranch_labels = 'q'\n",
                    ],
                );
            })
            .differs(
                "a self-loop, a circle, a label used twice",
                1,
                "Branch name 'q' in revision a already used by revision",
            ),
        step("", "heads").after(|sandbox| {
            scripts(
                sandbox,
                &[
                    "revision = 'a'\ndown_revision = None\n",
                    "revision = 'a'\ndown_revision = None\n",
                ],
            );
        }),
    ],
};

replays! {
    broken_scripts: BROKEN;
}
