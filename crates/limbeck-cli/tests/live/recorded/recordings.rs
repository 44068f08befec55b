//! The table of all recordings of the real tool: how each is compared.

/// How a recording is covered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// A scenario of this folder replays its command with both and compares.
    Replayed(&'static str),
    /// A test that is no replay compares it.
    Covered(&'static str),
    /// It records no behaviour of a command.
    NotACommand(&'static str),
}

use How::{Covered, NotACommand, Replayed};

/// Texts of statements, which the project's own SQLAlchemy writes; `statements.rs` compares such texts.
const DDL: &str = "texts that the project's own SQLAlchemy writes";

/// Every recording, by the stem of its file.
pub(crate) const RECORDINGS: &[(&str, How)] = &[
    ("001_init", Replayed("templates::from_the_generic_template")),
    (
        "002_init_again",
        Replayed("templates::from_the_generic_template"),
    ),
    (
        "003_list_templates",
        Replayed("templates::from_the_generic_template"),
    ),
    ("004_no_args", Replayed("usage::usage_errors")),
    ("005_help", Covered("usage::help_names_every_command")),
    ("006_help_branches", Covered("usage::help_of_every_command")),
    ("006_help_check", Covered("usage::help_of_every_command")),
    ("006_help_current", Covered("usage::help_of_every_command")),
    (
        "006_help_downgrade",
        Covered("usage::help_of_every_command"),
    ),
    ("006_help_edit", Covered("usage::help_of_every_command")),
    (
        "006_help_ensure_version",
        Covered("usage::help_of_every_command"),
    ),
    ("006_help_heads", Covered("usage::help_of_every_command")),
    ("006_help_history", Covered("usage::help_of_every_command")),
    ("006_help_init", Covered("usage::help_of_every_command")),
    (
        "006_help_list_templates",
        Covered("usage::help_of_every_command"),
    ),
    ("006_help_merge", Covered("usage::help_of_every_command")),
    ("006_help_revision", Covered("usage::help_of_every_command")),
    ("006_help_show", Covered("usage::help_of_every_command")),
    ("006_help_stamp", Covered("usage::help_of_every_command")),
    ("006_help_upgrade", Covered("usage::help_of_every_command")),
    ("007_version", Replayed("usage::usage_errors")),
    ("008_bad_command", Replayed("usage::usage_errors")),
    ("010_revision_a1", Replayed("revisions::first_revisions")),
    ("011_revision_a2", Replayed("revisions::first_revisions")),
    ("020_history", Replayed("listings::looking")),
    ("021_history_v", Replayed("listings::looking")),
    ("022_history_r_range", Replayed("listings::looking")),
    (
        "022b_history_r_range_colon_end",
        Replayed("listings::looking"),
    ),
    ("022c_history_r_start_colon", Replayed("listings::looking")),
    ("022d_history_r_relative", Replayed("listings::looking")),
    ("022e_history_r_nocolon", Replayed("listings::looking")),
    ("022f_history_r_bad_range", Replayed("listings::looking")),
    ("022g_history_r_branch", Replayed("listings::looking")),
    ("022h_history_r_base_head", Replayed("listings::looking")),
    ("023_heads", Replayed("listings::looking")),
    ("024_heads_v", Replayed("listings::looking")),
    ("025_heads_resolve", Replayed("listings::looking")),
    ("026_branches", Replayed("listings::looking")),
    ("027_branches_v", Replayed("listings::looking")),
    ("030_current_empty", Replayed("listings::looking")),
    ("031_current_v_empty", Replayed("listings::looking")),
    (
        "032_current_check_heads_empty",
        Replayed("listings::looking"),
    ),
    ("033_show_head_multi", Replayed("listings::looking")),
    ("034_show_heads", Replayed("listings::looking")),
    ("035_show_rev", Replayed("listings::looking")),
    ("036_show_merge", Replayed("listings::looking")),
    ("037_show_short", Replayed("listings::looking")),
    ("038_show_unknown", Replayed("listings::looking")),
    ("039_show_base", Replayed("listings::looking")),
    ("040_upgrade_head_multi", Replayed("listings::moving")),
    ("041_upgrade_heads", Replayed("listings::moving")),
    ("042_current", Replayed("listings::moving")),
    ("043_current_v", Replayed("listings::moving")),
    ("044_current_check_heads", Replayed("listings::moving")),
    ("045_history_i", Replayed("listings::moving")),
    ("046_history_i_v", Replayed("listings::moving")),
    ("047_history_r_current", Replayed("listings::moving")),
    ("048_history_r_upto_current", Replayed("listings::moving")),
    ("049_show_current", Replayed("listings::moving")),
    ("050_downgrade_minus1_multi", Replayed("listings::moving")),
    ("051_downgrade_net_minus1", Replayed("listings::moving")),
    ("052_downgrade_to_d0", Replayed("listings::moving")),
    ("053_downgrade_merge_minus1", Replayed("listings::moving")),
    ("054_current", Replayed("listings::moving")),
    ("055_downgrade_base_unknown", Replayed("listings::moving")),
    ("056_upgrade_plus1", Replayed("listings::moving")),
    ("057_upgrade_relative_rev", Replayed("listings::moving")),
    ("058_upgrade_plus9", Replayed("listings::moving")),
    ("059_current", Replayed("listings::moving")),
    ("060_upgrade_shop_head", Replayed("listings::moving")),
    ("061_upgrade_range_nosql", Replayed("listings::moving")),
    ("062_downgrade_sql_norange", Replayed("listings::moving")),
    ("063_upgrade_sql", Replayed("listings::as_text")),
    ("064_upgrade_sql_range", Replayed("listings::as_text")),
    ("065_downgrade_sql_range", Replayed("listings::as_text")),
    ("066_downgrade_sql_to_base", Replayed("listings::as_text")),
    ("067_upgrade_already", Replayed("listings::moving")),
    ("068_upgrade_older", Replayed("listings::moving")),
    ("069_downgrade_newer", Replayed("listings::moving")),
    ("070_stamp", Replayed("listings::moving")),
    ("071_current", Replayed("listings::moving")),
    ("072_stamp_two", Replayed("listings::moving")),
    ("073_stamp_purge", Replayed("listings::moving")),
    ("074_current", Replayed("listings::moving")),
    ("075_stamp_base", Replayed("listings::moving")),
    ("076_stamp_head_multi", Replayed("listings::moving")),
    ("077_stamp_sql", Replayed("listings::as_text")),
    ("078_stamp_sql_base", Replayed("listings::as_text")),
    ("079_stamp_purge_sql", Replayed("listings::as_text")),
    ("080_ensure_version", Replayed("listings::moving")),
    ("081_ensure_version_sql", Replayed("listings::as_text")),
    (
        "082_revision_multiheads",
        Replayed("revisions::on_branches"),
    ),
    (
        "083_revision_head_nothead",
        Replayed("revisions::on_branches"),
    ),
    (
        "084_revision_head_splice",
        Replayed("revisions::on_branches"),
    ),
    ("085_revision_bad_revid", Replayed("revisions::on_branches")),
    ("086_revision_sql", Replayed("revisions::on_branches")),
    (
        "087_revision_autogen_sql",
        Replayed("revisions::on_branches"),
    ),
    (
        "088_revision_autogen_notuptodate",
        Replayed("revisions::on_branches"),
    ),
    ("089_check_notuptodate", Replayed("revisions::on_branches")),
    ("090_merge", Replayed("revisions::on_branches")),
    ("091_merge_one", Replayed("revisions::on_branches")),
    ("092_merge_heads", Replayed("revisions::on_branches")),
    ("093_edit_nosuch", Replayed("listings::looking")),
    ("094_quiet", Replayed("revisions::on_branches")),
    ("095_quiet_fail", Replayed("listings::moving")),
    ("096_raiseerr", Replayed("listings::moving")),
    ("097_noconfig", Replayed("listings::looking")),
    ("098_nosection", Replayed("listings::looking")),
    ("099_depends", Replayed("revisions::on_branches")),
    ("100_dup_revision", Replayed("revisions::on_branches")),
    (
        "110_pg_fail_upgrade",
        Replayed("postgres_runs::failing_and_going_on"),
    ),
    (
        "111_pg_fail_stmtlog",
        Replayed("postgres_runs::failing_and_going_on"),
    ),
    (
        "112_pg_upgrade_ok",
        Replayed("postgres_runs::failing_and_going_on"),
    ),
    (
        "113_pg_ok_stmtlog",
        Replayed("postgres_runs::failing_and_going_on"),
    ),
    (
        "114_pg_downgrade",
        Replayed("postgres_runs::failing_and_going_on"),
    ),
    (
        "115_pg_down_stmtlog",
        Replayed("postgres_runs::failing_and_going_on"),
    ),
    (
        "116_pg_upgrade_again_enum_exists",
        Replayed("postgres_runs::failing_and_going_on"),
    ),
    (
        "120_asyncpg_generic_MissingGreenlet",
        Replayed("postgres_runs::synchronous_environment_over_asyncpg"),
    ),
    (
        "121_asyncpg_asynctemplate",
        Replayed("postgres_runs::asynchronous_environment"),
    ),
    (
        "122_asyncpg_stmtlog",
        Replayed("postgres_runs::asynchronous_environment"),
    ),
    (
        "123_async_down",
        Replayed("postgres_runs::asynchronous_environment"),
    ),
    (
        "124_asyncpg_sslmode",
        Replayed("postgres_runs::sslmode_over_asyncpg"),
    ),
    (
        "125_percent_in_url",
        Replayed("configuration::urls_in_the_ini"),
    ),
    (
        "126_default_url",
        Replayed("configuration::urls_in_the_ini"),
    ),
    (
        "130_tpm_autocommit",
        Replayed("postgres_runs::transaction_per_migration"),
    ),
    (
        "131_tpm_autocommit_stmtlog",
        Replayed("postgres_runs::transaction_per_migration"),
    ),
    (
        "132_tpm_autocommit_sql",
        Replayed("postgres_runs::transaction_per_migration"),
    ),
    ("140_concurrent_create", Covered("concurrency::postgresql")),
    ("141_concurrent_data", Covered("concurrency::postgresql")),
    (
        "142_multistmt_psycopg",
        Replayed("postgres_runs::several_commands_in_a_text"),
    ),
    (
        "143_multistmt_asyncpg",
        Replayed("postgres_runs::several_commands_over_asyncpg"),
    ),
    ("150_autogen_1", Replayed("autogenerate::on_postgresql")),
    (
        "150_autogen_1_file",
        Replayed("autogenerate::on_postgresql"),
    ),
    ("151_up", Replayed("autogenerate::on_postgresql")),
    ("152_check_clean", Replayed("autogenerate::on_postgresql")),
    ("153_check_dirty", Replayed("autogenerate::on_postgresql")),
    ("154_autogen_2", Replayed("autogenerate::on_postgresql")),
    (
        "154_autogen_2_file",
        Replayed("autogenerate::on_postgresql"),
    ),
    ("160_sqlite_batch", Replayed("batch::sqlite_batch")),
    (
        "170_init_pyproject",
        Replayed("templates::from_the_pyproject_template"),
    ),
    (
        "171_pyproject",
        Replayed("templates::from_the_pyproject_template"),
    ),
    (
        "171_pyproject_alembic",
        Replayed("templates::from_the_pyproject_template"),
    ),
    (
        "172_init_pyproject_again",
        Replayed("templates::from_the_pyproject_template"),
    ),
    (
        "173_init_async_package",
        Replayed("templates::from_the_pyproject_template"),
    ),
    (
        "174_init_bad_template",
        Replayed("templates::from_the_pyproject_template"),
    ),
    (
        "175_history_pyproject_only",
        Replayed("configuration::selection_of_files"),
    ),
    (
        "176_upgrade_no_ini",
        Replayed("configuration::selection_of_files"),
    ),
    ("177_c_twice", Replayed("configuration::selection_of_files")),
    (
        "178_c_twice_toml",
        Replayed("configuration::selection_of_files"),
    ),
    (
        "179_c_two_ini",
        Replayed("configuration::selection_of_files"),
    ),
    (
        "180_env_config",
        Replayed("configuration::selection_of_files"),
    ),
    ("181_file_template", Replayed("configuration::values")),
    ("182_bad_tz", Replayed("configuration::values")),
    ("183_bad_sep", Replayed("configuration::values")),
    ("184_no_sep", Replayed("configuration::values")),
    (
        "185_rev_two_locations",
        Replayed("configuration::locations"),
    ),
    ("186_rev_version_path", Replayed("configuration::locations")),
    (
        "187_rev_bad_version_path",
        Replayed("configuration::locations"),
    ),
    ("188_interp_missing", Replayed("configuration::locations")),
    ("190_badscript", Replayed("broken_scripts::broken_scripts")),
    ("191_norev", Replayed("broken_scripts::broken_scripts")),
    (
        "192_missing_down",
        Replayed("broken_scripts::broken_scripts"),
    ),
    ("193_selfloop", Replayed("broken_scripts::broken_scripts")),
    ("194_cycle", Replayed("broken_scripts::broken_scripts")),
    (
        "195_no_down_attr",
        Replayed("broken_scripts::broken_scripts"),
    ),
    ("196_dup_label", Replayed("broken_scripts::broken_scripts")),
    ("197_dup_rev", Replayed("broken_scripts::broken_scripts")),
    (
        "200_timings",
        NotACommand("times: scripts/bench compares them"),
    ),
    ("210_comma", Replayed("identifiers::identifiers")),
    ("211_upgrade_base", Replayed("identifiers::identifiers")),
    ("212_upgrade_label", Replayed("identifiers::identifiers")),
    (
        "213_upgrade_label_head",
        Replayed("identifiers::identifiers"),
    ),
    (
        "214_upgrade_label_base",
        Replayed("identifiers::identifiers"),
    ),
    (
        "215_upgrade_net_plus1",
        Replayed("identifiers::identifiers"),
    ),
    (
        "216_upgrade_rev_at_head",
        Replayed("identifiers::identifiers"),
    ),
    (
        "217_upgrade_abs_in_branch",
        Replayed("identifiers::identifiers"),
    ),
    ("218_down_branch_base", Replayed("identifiers::identifiers")),
    ("219_down_rel_rev", Replayed("identifiers::identifiers")),
    ("220_down_all", Replayed("identifiers::identifiers")),
    (
        "221_upgrade_plus2_from_base",
        Replayed("identifiers::identifiers"),
    ),
    (
        "222_upgrade_blogplus1",
        Replayed("identifiers::identifiers"),
    ),
    ("223_unknown_branch", Replayed("identifiers::identifiers")),
    ("224_neg", Replayed("identifiers::identifiers")),
    (
        "225_ambiguous_partial",
        Replayed("identifiers::identifiers"),
    ),
    ("226_colon_in_show", Replayed("listings::looking")),
    (
        "227_dep_upgrade",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "228_current",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "229_dep_continue",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "230_current",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "231_f2",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "232_current",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "233_down_f2",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "234_current",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "235_unknown_in_db_current",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "236_unknown_in_db_upgrade",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "237_unknown_stamp",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "238_unknown_stamp_purge",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    (
        "239_check_current",
        Replayed("identifiers::dependencies_and_unknown_rows"),
    ),
    ("240_tty_init", Replayed("terminal::wrapping")),
    (
        "241_empty_history",
        Replayed("identifiers::without_a_revision"),
    ),
    (
        "242_empty_heads",
        Replayed("identifiers::without_a_revision"),
    ),
    (
        "243_empty_upgrade",
        Replayed("identifiers::without_a_revision"),
    ),
    (
        "244_empty_current_check",
        Replayed("identifiers::without_a_revision"),
    ),
    (
        "245_empty_downgrade",
        Replayed("identifiers::without_a_revision"),
    ),
    (
        "246_empty_downgrade_base",
        Replayed("identifiers::without_a_revision"),
    ),
    (
        "247_empty_stamp",
        Replayed("identifiers::without_a_revision"),
    ),
    (
        "248_empty_branches",
        Replayed("identifiers::without_a_revision"),
    ),
    ("250_tty_wrapping", Replayed("terminal::wrapping")),
    ("260_version_rows_trace", Replayed("rows::after_each_step")),
    ("naming_convention_postgresql", NotACommand(DDL)),
    ("ops1_mariadb", NotACommand(DDL)),
    ("ops1_mysql", NotACommand(DDL)),
    ("ops1_postgresql", NotACommand(DDL)),
    ("ops2_postgresql", NotACommand(DDL)),
    ("quoting_rules", NotACommand(DDL)),
];
