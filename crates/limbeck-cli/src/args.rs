//! The command line: Alembic's options and commands, and limbeck's own.

use clap::{Parser, Subcommand};

use crate::commands::{
    branches, check, current, dev, doctor, downgrade, edit, ensure_version, fix, heads, history,
    init, list_templates, merge, revision, run, show, stamp, status, upgrade, url, wait,
};
use crate::global_options::GlobalOptions;

/// Runs Alembic migrations over its own database connection, with any driver in the database URL.
///
/// A drop-in for the `alembic` command: the same files, commands, output and exit codes.
#[derive(Debug, Parser)]
#[command(
    name = "limbeck",
    version,
    infer_long_args = true,
    // As in `argparse`, the last of several values of an option counts.
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = false
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalOptions,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Alembic's commands, and limbeck's own.
#[derive(Debug, Subcommand)]
#[command(rename_all = "snake_case")]
pub(crate) enum Command {
    Branches(branches::Args),
    Check(check::Args),
    Current(current::Args),
    Dev(dev::Args),
    Doctor(doctor::Args),
    Downgrade(downgrade::Args),
    Edit(edit::Args),
    EnsureVersion(ensure_version::Args),
    Fix(fix::Args),
    Heads(heads::Args),
    History(history::Args),
    Init(init::Args),
    ListTemplates(list_templates::Args),
    Merge(merge::Args),
    Revision(revision::Args),
    Run(run::Args),
    Show(show::Args),
    Stamp(stamp::Args),
    Status(status::Args),
    Upgrade(upgrade::Args),
    Url(url::Args),
    Wait(wait::Args),
}
