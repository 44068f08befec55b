//! `url`: explains, converts and tries database URLs.

mod check;
mod convert;
mod json;
mod show;

use std::io::Read;

use clap::Subcommand;
use limbeck::doctor;
use limbeck::url::{ConvertError, ErrorKind, Secret};
use serde_json::Value;

use crate::cli_error::CommandResult;
use crate::context::Context;
use crate::output::message::Message;
use crate::output::redact::{self, redact, redact_json};

/// The exit status if a URL can't be read or converted, or migrations can't run over it.
const REFUSED: u8 = 1;

/// Explain, convert and try database URLs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// The source of the URL.
#[derive(Debug, clap::Args)]
struct UrlArgument {
    /// The database URL, libpq URI or libpq connection string; `-` for standard input. Without it, limbeck reads the
    /// application's URL from the environment or `.env`: `DATABASE_URL` and similar, or parts such as `POSTGRES_HOST`.
    #[arg(allow_hyphen_values = true)]
    url: Option<String>,
}

impl UrlArgument {
    /// Returns the URL of the argument, or else the application's URL.
    fn read(&self, context: &Context) -> Result<Secret, ConvertError> {
        self.read_or(|| {
            let provider = context.project_environment().provider()?;
            let url = provider.application_url().clone();
            Ok((url, provider.application_source().to_string()))
        })
    }

    /// Returns the URL of the argument, or else the URL that the project's migrations use.
    fn read_for_migrations(&self, context: &Context) -> Result<Secret, ConvertError> {
        self.read_or(|| {
            let migrator = context.migrator().ok();
            let urls = migrator.map(|migrator| doctor::migration_urls(&migrator));
            let found = match urls.into_iter().flatten().next() {
                Some(found) => found,
                None => context.project_environment().migration_url()?,
            };
            Ok((found.text, found.source))
        })
    }

    /// Returns the URL of the argument, or else the one that `find` returns with its source.
    fn read_or(
        &self,
        find: impl FnOnce() -> Result<(Secret, String), ConvertError>,
    ) -> Result<Secret, ConvertError> {
        match self.url.as_deref() {
            Some("-") => {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .map_err(|error| {
                        let why = format!("could not read a URL from standard input: {error}");
                        ConvertError::new(ErrorKind::InvalidUrl, why)
                    })?;
                let url = text.trim_end_matches(['\r', '\n']);
                redact::remember(url);
                Ok(Secret::new(url))
            }
            Some(url) => Ok(Secret::new(url)),
            None => {
                let (url, source) = find()?;
                anstream::eprintln!("limbeck: using the URL from {}", redact(&source));
                Ok(url)
            }
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Convert(convert::Args),
    Show(show::Args),
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    match &args.command {
        Command::Check(args) => check::run(context, args),
        Command::Convert(args) => Ok(convert::run(context, args)),
        Command::Show(args) => Ok(show::run(context, args)),
    }
}

/// Prints a JSON value without secrets.
fn print_json(context: &Context, mut value: Value) {
    redact_json(&mut value);
    context.printer.result(&value.to_string());
}

/// Prints names and values in two columns, without secrets: a password with an unencoded `@` reaches into the host's name.
fn print_rows(context: &Context, rows: Vec<(String, String)>) {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, value)| (redact(&name), redact(&value)))
        .collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    for (name, value) in rows {
        context.printer.result(&format!("{name:width$}  {value}"));
    }
}

fn refuse(error: &ConvertError) -> u8 {
    let mut message = Message::new(error.to_string());
    message.help.extend(error.help.clone());
    message.print();
    REFUSED
}
