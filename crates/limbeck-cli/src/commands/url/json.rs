//! The JSON output of the `url` commands.

use limbeck::connection_check::{ConnectionCheck, PrivilegeCheck};
use limbeck::url::{ArgumentValue, Conversion, ConvertError, TlsContext, Warning};
use serde_json::{Map, Value, json};

/// Returns `{"url": …, "connect_args": {…}, "warnings": […]}`.
pub(super) fn conversion(conversion: &Conversion) -> Value {
    let arguments: Map<String, Value> = conversion
        .connect_args
        .iter()
        .map(|(name, value)| (name.clone(), argument(value)))
        .collect();
    json!({
        "url": conversion.reveal_url(),
        "connect_args": arguments,
        "warnings": conversion.warnings.iter().map(warning).collect::<Vec<_>>(),
    })
}

/// Returns `{"error": {"kind": …, "parameter": …, "message": …, "help": …}}`.
pub(super) fn error(error: &ConvertError) -> Value {
    json!({"error": {
        "kind": error.kind.to_string(),
        "parameter": error.parameter,
        "message": error.message,
        "help": error.help,
    }})
}

pub(super) fn warning(warning: &Warning) -> Value {
    json!({"parameter": warning.parameter, "message": warning.message})
}

/// Returns the result of a connection check.
pub(super) fn connection(check: &ConnectionCheck) -> Value {
    let obstacles = check.obstacles();
    json!({
        "server": {
            "product": check.product,
            "version": check.version,
            "address": check.address,
            "reached": check.reached.map(|address| address.to_string()),
        },
        "database": check.database,
        "user": check.user,
        "tls": check.tls.as_ref().map(|tls| json!({
            "version": tls.version,
            "cipher": tls.cipher,
            "verified": tls.verified.to_string().replace(' ', "_"),
            "channel_binding": check.supports_channel_binding().then_some(tls.channel_binding),
        })),
        "pooler": check.pooler.to_string(),
        "read_only": check.read_only,
        "rights": check.privileges.iter().map(privilege).collect::<Vec<_>>(),
        "version_table": check.version_table.as_ref().map(|table| json!({
            "schema": table.description.schema,
            "column_type": table.description.column_type,
            "width": table.description.width,
            "rows": table.rows,
        })),
        "round_trip_ms": check.round_trip.map(|time| time.as_secs_f64() * 1000.0),
        "can_migrate": obstacles.is_empty(),
        "obstacles": obstacles,
    })
}

fn privilege(check: &PrivilegeCheck) -> Value {
    json!({
        "right": check.privilege,
        "on": check.object,
        "granted": check.is_granted,
        "needed": check.is_required,
    })
}

fn argument(value: &ArgumentValue) -> Value {
    match value {
        ArgumentValue::None => Value::Null,
        ArgumentValue::Bool(flag) => json!(flag),
        ArgumentValue::Integer(number) => json!(number),
        ArgumentValue::Text(text) => json!(text),
        ArgumentValue::Map(pairs) => pairs
            .iter()
            .map(|(key, text)| (key.clone(), json!(text)))
            .collect::<Map<_, _>>()
            .into(),
        ArgumentValue::TlsContext(context) => json!({"$sslcontext": tls_context(context)}),
    }
}

/// Returns the arguments for `ssl.create_default_context` and `load_cert_chain`.
fn tls_context(context: &TlsContext) -> Value {
    json!({
        "cafile": context.root_certificates,
        "check_hostname": context.check_hostname,
        "verify_mode": if context.verify_certificate { "CERT_REQUIRED" } else { "CERT_NONE" },
        "certfile": context.client_certificate,
        "keyfile": context.client_key,
        "keypassword": context.client_key_password.as_ref().map(limbeck::url::Secret::reveal_clear_text),
        "crlfile": context.revocation_list,
    })
}
