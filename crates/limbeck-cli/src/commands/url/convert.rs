//! `url convert`: converts a URL for another driver.

use limbeck::url::{self, Conversion, Target};

use super::{REFUSED, UrlArgument, json, print_json, refuse};
use crate::context::Context;
use crate::output::message::Message;
use crate::output::notices::print_warning;

/// Convert a database URL for another driver and print it with its password, for use by programs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The driver that will read the URL: postgresql+psycopg2, postgresql+asyncpg, libpq, sqlx, mysql+pymysql, …
    #[arg(long, value_name = "TARGET")]
    to: String,
    /// Print one JSON object: `url`, `connect_args` and warnings, or an error with its kind.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: UrlArgument,
}

pub(crate) fn run(context: &Context, args: &Args) -> u8 {
    let converted = args.to.parse::<Target>().and_then(|_| {
        let url = args.source.read(context)?;
        url::convert_to(url.reveal_clear_text(), &args.to)
    });
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
