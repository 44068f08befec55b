//! `url check`: connects, and reports the server and whether migrations can run.

use limbeck::connection_check::{self, ConnectionCheck, OptionsError, Pooler};
use limbeck::db::{DbError, VersionTable};
use serde_json::json;

use super::{REFUSED, UrlArgument, json, print_json, print_rows, refuse};
use crate::cli_error::CommandResult;
use crate::context::Context;
use crate::output::message::Message;

/// Connect with a database URL, and report the server and whether migrations can run. Changes nothing.
///
/// Exit status: 0 if migrations can run; 1 if limbeck can't connect (`error: could not connect …`; with --json an
/// object with `error`) or migrations can't run (`error: migrations can't run …`; with --json `can_migrate` is false
/// and `obstacles` lists the reasons).
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// The name of the version table, if `env.py` sets one.
    #[arg(long, value_name = "NAME", default_value = "alembic_version")]
    version_table: String,
    /// The schema of the version table, if `env.py` sets one.
    #[arg(long, value_name = "SCHEMA")]
    version_table_schema: Option<String>,
    #[command(flatten)]
    source: UrlArgument,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let options = args
        .source
        .read_for_migrations(context)
        .map_err(OptionsError::from)
        .and_then(|url| {
            connection_check::connect_options(url.reveal_clear_text(), &context.process_environment)
        });
    let options = match options {
        Ok(options) => options,
        Err(OptionsError::Url(error)) if args.json => {
            print_json(context, json::error(&error));
            return Ok(REFUSED);
        }
        Err(OptionsError::Url(error)) => return Ok(refuse(&error)),
        Err(OptionsError::Connect(error)) => return Ok(report_error(context, args, error.into())),
    };
    let table = VersionTable {
        name: args.version_table.clone(),
        schema: args.version_table_schema.clone(),
    };
    let result = context
        .runtime()?
        .block_on(connection_check::check(&options, &table));
    Ok(match result {
        Ok(check) => report(context, args, &check),
        Err(error) => report_error(context, args, error),
    })
}

fn report(context: &Context, args: &Args, check: &ConnectionCheck) -> u8 {
    let obstacles = check.obstacles();
    if args.json {
        print_json(context, json::connection(check));
    } else {
        print_rows(context, rows(check));
        if !obstacles.is_empty() {
            let mut message = Message::new("migrations can't run over this connection");
            message.notes.clone_from(&obstacles);
            message.print();
        }
    }
    if obstacles.is_empty() { 0 } else { REFUSED }
}

fn report_error(context: &Context, args: &Args, error: DbError) -> u8 {
    let (kind, hint) = match &error {
        DbError::Connect(error) => (error.kind.to_string(), error.hint.clone()),
        DbError::Server(_) => ("server".into(), None),
        _ => ("lost".into(), None),
    };
    if args.json {
        let object = json!({"error": {
            "kind": kind, "parameter": null, "message": error.to_string(), "help": hint,
        }});
        print_json(context, object);
        return REFUSED;
    }
    let mut message = Message::from_error(&error);
    message.help.extend(hint);
    message.print();
    REFUSED
}

/// Returns the names and values of the table to print.
fn rows(check: &ConnectionCheck) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("server", format!("{} {}", check.product, check.version));
    let reached = check.reached.map(|address| address.to_string());
    row(
        "address",
        match reached.filter(|reached| *reached != check.address) {
            Some(reached) => format!("{} (answered by {reached})", check.address),
            None => check.address.clone(),
        },
    );
    if let Some(database) = &check.database {
        row("database", database.clone());
    }
    if let Some(user) = &check.user {
        row("user", user.clone());
    }
    match &check.tls {
        Some(tls) => {
            row("TLS", format!("{}, {}", tls.version, tls.cipher));
            row("verified", tls.verified.to_string());
            if check.supports_channel_binding() {
                let bound = if tls.channel_binding { "yes" } else { "no" };
                row("channel binding", bound.into());
            }
        }
        None if check.reached.is_some() || check.user.is_some() => row("TLS", "none".into()),
        None => {}
    }
    if check.user.is_some() {
        row("pooler", pooler(check.pooler).into());
    }
    row(
        "writing",
        match &check.read_only {
            None => "possible".into(),
            Some(why) => format!("not possible: {why}"),
        },
    );
    for (name, granted) in [
        ("rights", Some(true)),
        ("missing rights", Some(false)),
        ("rights not known", None),
    ] {
        let list: Vec<String> = check
            .privileges
            .iter()
            .filter(|check| check.is_granted == granted)
            .map(|check| format!("{} on {}", check.privilege, check.object))
            .collect();
        if !list.is_empty() {
            row(name, list.join("; "));
        }
    }
    match &check.version_table {
        None => row("version table", "none yet".into()),
        Some(table) => {
            let column = table.description.column_type.as_deref();
            row(
                "version table",
                format!(
                    "in `{}`, `version_num` is {}",
                    table.description.schema,
                    column.unwrap_or("missing")
                ),
            );
            row(
                "current revisions",
                match &table.rows {
                    None => "may not be read".into(),
                    Some(rows) if rows.is_empty() => "none".into(),
                    Some(rows) => rows.join(", "),
                },
            );
        }
    }
    let can_run = check.obstacles().is_empty();
    row(
        "migrations",
        if can_run { "can run" } else { "can't run" }.into(),
    );
    if let Some(time) = check.round_trip {
        row(
            "round trip",
            format!("{:.2} ms", time.as_secs_f64() * 1000.0),
        );
    }
    rows
}

fn pooler(pooler: Pooler) -> &'static str {
    match pooler {
        Pooler::None => "none",
        Pooler::Transaction => "yes, by transaction",
        Pooler::Present => "yes, by session or by transaction",
        Pooler::NotKnown => "not known",
    }
}
