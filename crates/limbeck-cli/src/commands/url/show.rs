//! `url show`: explains a URL, without its secrets.

use limbeck::url::{ConnectionInfo, RootCertificates, is_secret_name, mask_value};
use serde_json::json;

use super::{UrlArgument, json, print_json, print_rows, refuse};
use crate::context::Context;
use crate::output::notices::print_warning;
use crate::output::redact::redact;

/// Explain a database URL, without its passwords.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: UrlArgument,
}

pub(crate) fn run(context: &Context, args: &Args) -> u8 {
    let url = args.source.read(context);
    let parsed = url.and_then(|url| ConnectionInfo::parse(url.reveal_clear_text()));
    let (info, warnings) = match parsed {
        Ok(read) => read,
        Err(error) if args.json => {
            print_json(context, json::error(&error));
            return super::REFUSED;
        }
        Err(error) => return refuse(&error),
    };
    let rows = rows(&info);
    if args.json {
        let object: serde_json::Map<_, _> = rows
            .into_iter()
            .map(|(name, value)| (redact(&key(&name)), value.into()))
            .collect();
        let warnings: Vec<_> = warnings.iter().map(json::warning).collect();
        print_json(context, json!({"meaning": object, "warnings": warnings}));
        return 0;
    }
    for warning in &warnings {
        print_warning(&warning.message);
    }
    print_rows(context, rows);
    0
}

/// Returns the JSON key of a row.
fn key(name: &str) -> String {
    name.replace("'s", "").replace(' ', "_").to_lowercase()
}

/// Returns the names and values of the table to print.
fn rows(info: &ConnectionInfo) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: Option<String>| {
        rows.extend(value.map(|value| (name.to_owned(), value)));
    };
    let masked = |is_set: bool| is_set.then(|| "***".to_owned());
    row("database system", Some(info.backend.name().into()));
    let hosts: Vec<_> = info.hosts.iter().map(ToString::to_string).collect();
    row("server", (!hosts.is_empty()).then(|| hosts.join(", ")));
    row("user", info.user.clone());
    row("password", masked(info.password.is_some()));
    row("database", info.database.clone());
    let tls = &info.tls;
    let has_tls_settings = tls.level.is_some() || tls.root_certificates.is_some();
    row(
        "TLS",
        has_tls_settings.then(|| tls.effective_level().name().into()),
    );
    let root = tls.root_certificates.as_ref().map(|root| match root {
        RootCertificates::File(path) => path.clone(),
        RootCertificates::System => "the system's".into(),
    });
    row("authorities", root);
    row("client certificate", tls.client_certificate.clone());
    row("client key", tls.client_key.clone());
    row(
        "client key's password",
        masked(tls.client_key_password.is_some()),
    );
    row("revoked certificates", tls.revocation_list.clone());
    row(
        "connecting takes at most",
        info.connect_timeout.map(|seconds| format!("{seconds} s")),
    );
    row(
        "pooler",
        info.transaction_pooler.then(|| "by transaction".into()),
    );
    for (name, value) in &info.settings {
        row(&format!("setting {name}"), Some(value.clone()));
    }
    for (name, value) in &info.parameters {
        // A parameter that limbeck doesn't know may be another driver's secret, or a whole URL.
        let masked = if name.to_ascii_lowercase().contains("key") || is_secret_name(name) {
            "***".into()
        } else {
            mask_value(value)
        };
        row(&format!("parameter {name}"), Some(masked.into_owned()));
    }
    rows
}
