//! The options that come before the command.

use std::path::PathBuf;
use std::time::Duration;

use crate::value_parsers::parse_duration;

/// Options before the command.
#[derive(Debug, clap::Args)]
pub(crate) struct GlobalOptions {
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
    /// Python interpreter, or virtual environment, that runs env.py and the revision scripts.
    #[arg(long, value_name = "PYTHON", global = true)]
    pub(crate) python: Option<PathBuf>,
    /// Time to wait for the migration lock while another run holds it.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "600s", global = true)]
    pub(crate) lock_wait: Duration,
    /// Write a report of the run to a file, as one JSON object.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Read settings that override the .ini file from a file (`-` for standard input), as one JSON object
    /// of sections: {"alembic": {"sqlalchemy.url": "…"}}.
    #[arg(long, value_name = "FILE")]
    pub(crate) overrides: Option<PathBuf>,
    /// Do not read an .ini file.
    #[arg(long)]
    pub(crate) no_ini: bool,
    /// Do not read pyproject.toml.
    #[arg(long)]
    pub(crate) no_pyproject: bool,
    /// Run without the migration lock.
    #[arg(long, global = true)]
    pub(crate) no_lock: bool,
}
