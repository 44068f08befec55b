//! `url convert`: converts a URL for another driver.

use limbeck::url::{self, Conversion, ConvertError, Target};

use super::{REFUSED, UrlArgument, json, print_json, refuse};
use crate::context::Context;
use crate::output::message::Message;
use crate::output::notices::print_warning;

/// Convert a database URL for another driver and print it with its password, for use by programs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The driver that will read the URL: postgresql+psycopg2, postgresql+asyncpg, libpq, sqlx, mysql+pymysql, …; `sync` or
    /// `async` for a driver of that kind for the URL's database
    #[arg(long, value_name = "TARGET")]
    to: String,
    /// Print one JSON object: `url`, `connect_args` and warnings, or an error with its kind.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: UrlArgument,
}

pub(crate) fn run(context: &Context, args: &Args) -> u8 {
    let converted = convert(context, args);
    if args.json {
        return match &converted {
            Ok(conversion) => {
                let text = json::conversion(conversion).to_string();
                context.printer.result(&text);
                0
            }
            Err(error) => {
                print_json(context, json::error(error));
                REFUSED
            }
        };
    }
    match converted {
        Ok(conversion) => print(context, args, &conversion),
        Err(error) => refuse(&error),
    }
}

fn convert(context: &Context, args: &Args) -> Result<Conversion, ConvertError> {
    let read = || args.source.read(context);
    match args.to.as_str() {
        "sync" => url::ensure_sync_database_url(read()?.reveal_clear_text()),
        "async" => url::ensure_async_database_url(read()?.reveal_clear_text()),
        target => {
            // Parsed first, so that an unknown target is reported without reading a URL.
            target.parse::<Target>()?;
            url::convert_to(read()?.reveal_clear_text(), target)
        }
    }
}

fn print(context: &Context, args: &Args, conversion: &Conversion) -> u8 {
    for warning in &conversion.warnings {
        print_warning(&warning.message);
    }
    if !conversion.is_complete() {
        Message::new(format!(
            "a URL for {} can't hold all settings of this URL: some need keyword arguments",
            args.to
        ))
        .help("add --json to print the keyword arguments, for `create_engine(url, connect_args=…)`")
        .print();
        return REFUSED;
    }
    context.printer.result(conversion.reveal_url());
    0
}
