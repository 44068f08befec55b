//! Listings, upgrades and downgrades of a branching history, in the order of the recordings.

use crate::replay::{On, Scenario, branching, replays, step};

/// The row of `docs/differences.md` about editors.
const EDITOR_FAILS: &str = "`edit` with an editor that fails";

const LISTING: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("020_history", "history"),
        step("021_history_v", "history -v"),
        step("022_history_r_range", "history -r a2:b2"),
        step("022b_history_r_range_colon_end", "history -r :a3"),
        step("022c_history_r_start_colon", "history -r a3:").differs(
            "`history -r` over a range that leaves out its dependencies",
            255,
            "FAILED: The range leaves out a revision on the way to 'a3a3a3a3'",
        ),
        step("022d_history_r_relative", "history -r -3:"),
        step("", "history -r-3:"),
        step("022e_history_r_nocolon", "history -r a3"),
        step("022f_history_r_bad_range", "history -r b2:c2"),
        step("022g_history_r_branch", "history -r shop@base:shop@head"),
        step("022h_history_r_base_head", "history -r base:head"),
        step("", "history -r d0d0:").differs(
            "`history -r` over a range that leaves out its dependencies",
            255,
            "FAILED: The range leaves out a revision on the way to 'd0d0d0d0'",
        ),
        step("", "history -r a1a1+1:b1b1"),
        step("", "history -r b1b1b1b1:c1c1c1c1"),
        step("", "history -r blog@base:blog@head"),
        step("023_heads", "heads"),
        step("024_heads_v", "heads -v"),
        step("025_heads_resolve", "heads --resolve-dependencies"),
        step("026_branches", "branches"),
        step("027_branches_v", "branches -v"),
        step("030_current_empty", "current"),
        step("031_current_v_empty", "current -v"),
        step("032_current_check_heads_empty", "current --check-heads"),
        step("033_show_head_multi", "show head"),
        step("034_show_heads", "show heads"),
        step("035_show_rev", "show a3a3"),
        step("036_show_merge", "show d0d0d0d0"),
        step("037_show_short", "show a3"),
        step("038_show_unknown", "show zzzz9999"),
        step("039_show_base", "show base"),
        step("", "show -1"),
        step("226_colon_in_show", "show a1a1:a3a3"),
        step("093_edit_nosuch", "edit zzzz"),
        step("", "edit b1b1").with(&[("EDITOR", "/bin/cat")]),
        step("", "edit heads").with(&[("VISUAL", "cat")]),
        step("", "edit base"),
        step("", "edit current"),
        step("", "edit a1a1").with(&[("EDITOR", "no-such-editor"), ("VISUAL", "cat")]),
        step("", "edit a1a1").with(&[("EDITOR", "false")]).differs(
            EDITOR_FAILS,
            255,
            "Error executing editor (`",
        ),
        step("", "edit a1a1").with(&[("EDITOR", "/no/such"), ("VISUAL", "no"), ("PATH", "/none")]),
        step("", "edit a1a1")
            .with(&[("EDITOR", "migrations/env.py")])
            .differs(EDITOR_FAILS, 255, "Error executing editor (`"),
        step("098_nosection", "-n other history"),
        step("097_noconfig", "-c nosuch.ini history"),
        step("", "-n other heads"),
        step("", "-c gone.ini heads"),
        step("", "-q heads"),
        step("", "-q show zzz"),
        step("", "heads --nonsense"),
    ],
};

const MOVING: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("040_upgrade_head_multi", "upgrade head"),
        step("041_upgrade_heads", "upgrade heads"),
        step("042_current", "current"),
        step("043_current_v", "current -v"),
        step("044_current_check_heads", "current --check-heads"),
        step("045_history_i", "history -i"),
        step("046_history_i_v", "history -i -v"),
        step("047_history_r_current", "history -r current:"),
        step("048_history_r_upto_current", "history -r :current"),
        step("049_show_current", "show current"),
        step("", "-q show current"),
        step("050_downgrade_minus1_multi", "downgrade -1"),
        step("051_downgrade_net_minus1", "downgrade network@-1"),
        step("052_downgrade_to_d0", "downgrade d0d0d0d0"),
        step("053_downgrade_merge_minus1", "downgrade blog@-1"),
        step("054_current", "current"),
        step("055_downgrade_base_unknown", "downgrade zzz"),
        step("056_upgrade_plus1", "upgrade +1"),
        step("057_upgrade_relative_rev", "upgrade c1c1+1"),
        step("058_upgrade_plus9", "upgrade +9"),
        step("059_current", "current"),
        step("060_upgrade_shop_head", "upgrade shop@head"),
    ],
};

/// Starts from the version rows that the recordings before left.
const STAMPING: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("", "stamp --purge d1d1 f1f1"),
        step("061_upgrade_range_nosql", "upgrade a1:a2"),
        step("062_downgrade_sql_norange", "downgrade base --sql"),
        step("067_upgrade_already", "upgrade c2c2c2c2"),
        step("068_upgrade_older", "upgrade a1a1"),
        step("069_downgrade_newer", "downgrade d1d1"),
        step("070_stamp", "stamp heads"),
        step("071_current", "current"),
        step("072_stamp_two", "stamp b2b2 c2c2").differs(
            "an exception in a script, in `env.py` or in the database",
            1,
            "KeyError: 'f2f2f2f2'",
        ),
        step("073_stamp_purge", "stamp --purge b2b2 c2c2"),
        step("074_current", "current"),
        step("075_stamp_base", "stamp base"),
        step("076_stamp_head_multi", "stamp head"),
        step("080_ensure_version", "ensure_version"),
        step("095_quiet_fail", "-q upgrade zzzz"),
        step("096_raiseerr", "--raiseerr upgrade zzzz"),
        step("", "upgrade a2a2-2").differs(
            "`upgrade rev-N` that ends at the base",
            255,
            "FAILED: Relative revision -2 didn't produce 2 migrations",
        ),
    ],
};

const AS_TEXT: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("063_upgrade_sql", "upgrade a3a3a3a3 --sql"),
        step("064_upgrade_sql_range", "upgrade b1b1:d1d1 --sql"),
        step("065_downgrade_sql_range", "downgrade d1d1:a3a3 --sql"),
        step("066_downgrade_sql_to_base", "downgrade a3a3:base --sql"),
        step("077_stamp_sql", "stamp --sql a1a1:a3a3"),
        step("078_stamp_sql_base", "stamp --sql d1d1:base"),
        step("079_stamp_purge_sql", "stamp --purge --sql heads"),
        step("081_ensure_version_sql", "ensure_version --sql"),
        step("", "upgrade head --sql"),
        step("", "upgrade heads --sql"),
        step("", "stamp a3a3 --sql"),
        step("", "stamp --purge base --sql"),
        step("", "downgrade a3a3 --sql"),
    ],
};

/// Steps without a recording.
const BEYOND: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("", "upgrade blog@head"),
        step("", "upgrade shop@+1"),
        step("", "upgrade b2b2@head"),
        step("", "downgrade b2b2"),
        step("", "upgrade b1b1+1"),
        step("", "upgrade +1"),
        step("", "upgrade heads"),
        step("", "downgrade net@-1").differs(
            "`downgrade label@-N` with several rows on that branch",
            255,
            "FAILED: Not a valid downgrade target from current heads",
        ),
        step("", "current -c"),
        step("", "upgrade heads"),
        step("", "downgrade f2f2f2f2"),
    ],
};

const STAMPING_BEYOND: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("", "upgrade heads"),
        step("", "stamp base"),
        step("", "stamp a3a3"),
        step("", "stamp b2b2 c2c2"),
        step("", "current"),
        step("", "stamp --purge d1d1 e3e3"),
        step("", "current"),
        step("", "stamp heads"),
        step("", "stamp zzz"),
        step("", "stamp --purge a1a1 b2b2"),
        step("", "stamp a3a3").differs(
            "`stamp` of a revision with rows above and below it",
            255,
            "FAILED: The version table has rows above and below revision",
        ),
        step("", "stamp --purge d1d1 e3e3"),
        step("", "downgrade blog@base"),
        step("", "downgrade base"),
        step("", "upgrade e1"),
        step("", "upgrade net@+1"),
        step("", "downgrade e1e1-1"),
    ],
};

replays! {
    listing: LISTING;
    moving: MOVING;
    stamping: STAMPING;
    as_text: AS_TEXT;
    beyond_the_recordings: BEYOND;
    stamping_beyond_the_recordings: STAMPING_BEYOND;
}
