//! A conversion as a program reads it.

use limbeck::url::{Argument, Conversion, ConvertError, TlsContext, Warning};
use serde_json::{Map, Value, json};

/// `{"url": …, "connect_args": {…}, "warnings": […]}`.
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

/// `{"error": {"kind": …, "parameter": …, "message": …, "help": …}}`.
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

fn argument(value: &Argument) -> Value {
    match value {
        Argument::None => Value::Null,
        Argument::Bool(flag) => json!(flag),
        Argument::Integer(number) => json!(number),
        Argument::Text(text) => json!(text),
        Argument::Map(pairs) => pairs
            .iter()
            .map(|(key, text)| (key.clone(), json!(text)))
            .collect::<Map<_, _>>()
            .into(),
        Argument::TlsContext(context) => json!({"$sslcontext": tls_context(context)}),
    }
}

/// What `ssl.create_default_context` and `load_cert_chain` are to be called with.
fn tls_context(context: &TlsContext) -> Value {
    json!({
        "cafile": context.authorities,
        "check_hostname": context.check_hostname,
        "verify_mode": if context.verify { "CERT_REQUIRED" } else { "CERT_NONE" },
        "certfile": context.certificate,
        "keyfile": context.key,
        "keypassword": context.key_password.as_ref().map(limbeck::url::Secret::reveal_clear_text),
        "crlfile": context.revoked,
    })
}
