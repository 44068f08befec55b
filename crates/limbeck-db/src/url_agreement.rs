//! Tests that a connection uses a URL as `limbeck-url` reads it, in every driver's form.

use limbeck_url::{ArgumentValue, Conversion, DatabaseUrl, Host};

use crate::{ConnectArg, ConnectArgs, ConnectOptions, ProcessEnvironment, PythonSslContext};

#[path = "../../limbeck-url/tests/random/mod.rs"]
pub(crate) mod random;

/// Returns the connection options for a URL and the arguments that a project passes to its driver.
pub(crate) fn options(conversion: &Conversion) -> ConnectOptions {
    let url = DatabaseUrl::parse(conversion.reveal_url()).expect("a SQLAlchemy URL");
    let arguments: ConnectArgs = conversion
        .connect_args
        .iter()
        .map(|(name, value)| (name.clone(), argument(value)))
        .collect();
    let process_environment = ProcessEnvironment {
        user: Some("somebody".into()),
        ..ProcessEnvironment::default()
    };
    ConnectOptions::from_url(&url, &arguments, &process_environment)
        .unwrap_or_else(|error| panic!("{conversion:?}: {error}"))
}

/// Converts an argument as the worker does.
fn argument(value: &ArgumentValue) -> ConnectArg {
    match value {
        ArgumentValue::None => ConnectArg::Null,
        ArgumentValue::Bool(flag) => ConnectArg::Bool(*flag),
        ArgumentValue::Integer(number) => ConnectArg::Integer(*number),
        ArgumentValue::Text(text) => ConnectArg::Text(text.clone()),
        ArgumentValue::Map(pairs) => {
            let text =
                |(name, text): &(String, String)| (name.clone(), ConnectArg::Text(text.clone()));
            ConnectArg::Map(pairs.iter().map(text).collect())
        }
        ArgumentValue::TlsContext(context) => ConnectArg::Tls(PythonSslContext {
            verify: context.verify_certificate,
            check_hostname: context.check_hostname,
            // A real context holds the file's content.
            authorities: context
                .root_certificates
                .iter()
                .map(|file| file.clone().into_bytes())
                .collect(),
            client: context.client_certificate.as_ref().map(|certificate| {
                (
                    certificate.into(),
                    context.client_key.clone().unwrap_or_default().into(),
                )
            }),
        }),
    }
}

/// Returns names and ports, with the default port for a host without one.
pub(crate) fn host_ports(hosts: &[Host], port: u16) -> Vec<(String, u16)> {
    let pair = |host: &Host| {
        (
            host.name.clone().unwrap_or_default(),
            host.port.unwrap_or(port),
        )
    };
    hosts.iter().map(pair).collect()
}
