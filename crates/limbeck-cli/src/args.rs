//! What can be typed: Alembic's options and commands, and limbeck's few own ones.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    branches, check, current, dev, doctor, downgrade, edit, ensure_version, fix, heads, history,
    init, list_templates, merge, revision, run, show, stamp, status, upgrade, url, wait,
};

/// Runs Alembic migrations over a connection of its own, whatever driver the database URL names.
///
/// A drop-in for the `alembic` command: the same files, commands, output and exit codes.
#[derive(Debug, Parser)]
#[command(
    name = "limbeck",
    version,
    infer_long_args = true,
    // As `argparse`: of an option that is given twice the last one counts.
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = false
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options before the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Alternate config file; defaults to the value of `ALEMBIC_CONFIG`, or "alembic.ini". May also
    /// name a pyproject.toml file, and be given twice to name both.
    #[arg(short, long, value_name = "CONFIG")]
    pub(crate) config: Vec<String>,
    /// Name of the section of the .ini file to use for Alembic's configuration.
    #[arg(short, long, default_value = "alembic")]
    pub(crate) name: String,
    /// Additional arguments consumed by custom env.py scripts, e.g. -x setting1=somesetting.
    #[arg(short = 'x', value_name = "X", allow_hyphen_values = true)]
    pub(crate) x: Vec<String>,
    /// Raise a full stack trace on error.
    #[arg(long)]
    pub(crate) raiseerr: bool,
    /// Do not log to standard output.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The Python interpreter (or virtual environment) for what limbeck does not read itself.
    #[arg(long, value_name = "PYTHON", global = true)]
    pub(crate) python: Option<PathBuf>,
    /// How many seconds to wait while another run holds the migration lock.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, global = true)]
    pub(crate) lock_wait: u64,
    /// Write what was done to a file, as one JSON object.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Read values that go before those of the .ini file from a file (`-`: from standard input), as one
    /// JSON object of sections: {"alembic": {"sqlalchemy.url": "…"}}.
    #[arg(long, value_name = "FILE")]
    pub(crate) overrides: Option<PathBuf>,
    /// Read no .ini file.
    #[arg(long)]
    pub(crate) no_ini: bool,
    /// Read no pyproject.toml.
    #[arg(long)]
    pub(crate) no_pyproject: bool,
    /// Run without the migration lock.
    #[arg(long, global = true)]
    pub(crate) no_lock: bool,
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
