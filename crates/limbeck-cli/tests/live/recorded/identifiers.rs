//! Revision identifiers, unknown version rows, and a history without revisions.

use limbeck_testkit::Sandbox;

use crate::replay::{On, Scenario, branching, replays, step};
use crate::support::{INI, sync_env};

const IDENTIFIERS: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("210_comma", "upgrade a1a1a1a1,e1e1e1e1"),
        step("211_upgrade_base", "upgrade base"),
        step("212_upgrade_label", "upgrade blog"),
        step("213_upgrade_label_head", "upgrade blog@head"),
        step("214_upgrade_label_base", "upgrade blog@base"),
        step("215_upgrade_net_plus1", "upgrade network@+1"),
        step("216_upgrade_rev_at_head", "upgrade a3a3@head"),
        step("217_upgrade_abs_in_branch", "upgrade network@a1a1"),
        step("218_down_branch_base", "downgrade network@base"),
        step("219_down_rel_rev", "downgrade d1d1-2"),
        step("220_down_all", "downgrade base"),
        step("221_upgrade_plus2_from_base", "upgrade +2"),
        step("222_upgrade_blogplus1", "upgrade shop@+1"),
        step("223_unknown_branch", "upgrade nosuch@head"),
        step("224_neg", "upgrade -- -1"),
        step("225_ambiguous_partial", "upgrade f"),
    ],
};

const DEPENDENCIES: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("", "upgrade a1a1"),
        step("227_dep_upgrade", "upgrade e3e3"),
        step("228_current", "current"),
        step("229_dep_continue", "upgrade d1d1"),
        step("230_current", "current"),
        step("231_f2", "upgrade f2f2"),
        step("232_current", "current"),
        step("233_down_f2", "downgrade network@-1"),
        step("234_current", "current"),
        step("235_unknown_in_db_current", "current").after(unknown_row),
        step("236_unknown_in_db_upgrade", "upgrade heads"),
        step("237_unknown_stamp", "stamp heads"),
        step("238_unknown_stamp_purge", "stamp --purge heads"),
        step("239_check_current", "current"),
    ],
};

fn unknown_row(sandbox: &Sandbox) {
    let connection =
        rusqlite::Connection::open(sandbox.path().join("test.db")).expect("the database");
    let sql = "delete from alembic_version; insert into alembic_version values ('deadbeef')";
    connection.execute_batch(sql).expect("a changed row");
}

const EMPTY: Scenario = Scenario {
    project: without_revisions,
    on: On::Sqlite,
    steps: &[
        step("241_empty_history", "history"),
        step("242_empty_heads", "heads"),
        step("243_empty_upgrade", "upgrade head"),
        step("244_empty_current_check", "current -c"),
        step("245_empty_downgrade", "downgrade -- -1"),
        step("246_empty_downgrade_base", "downgrade base"),
        step("247_empty_stamp", "stamp head"),
        step("248_empty_branches", "branches"),
    ],
};

fn without_revisions(sandbox: &Sandbox) {
    sandbox.write("alembic.ini", INI);
    sandbox.write("migrations/env.py", &sync_env(""));
    std::fs::create_dir(sandbox.path().join("migrations/versions")).expect("a folder");
}

/// A misspelt branch in a history without branches.
const MISSPELT: Scenario = Scenario {
    project: |sandbox| {
        without_revisions(sandbox);
        sandbox.write(
            "migrations/versions/a.py",
            &without_labels("a1a1a1a1", "None"),
        );
        sandbox.write(
            "migrations/versions/b.py",
            &without_labels("b1b1b1b1", "'a1a1a1a1'"),
        );
    },
    on: On::Sqlite,
    steps: &[
        step("", "upgrade head"),
        step("", "downgrade typo@base").differs(
            "`downgrade typo@base`, one base without a label",
            255,
            "FAILED: Can't locate revision identified by 'typo'",
        ),
    ],
};

fn without_labels(id: &str, parent: &str) -> String {
    format!(
        "revision = '{id}'\ndown_revision = {parent}\n\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
    )
}

replays! {
    misspelt_branch: MISSPELT;
    identifiers: IDENTIFIERS;
    dependencies_and_unknown_rows: DEPENDENCIES;
    without_a_revision: EMPTY;
}
