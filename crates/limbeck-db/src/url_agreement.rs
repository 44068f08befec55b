//! What `limbeck-url` says of a URL is what a connection does with it, whichever driver's words it is put in.

use limbeck_url::{ArgumentValue, Conversion, DatabaseUrl, Host};

use crate::{ConnectArg, ConnectArgs, ConnectOptions, ProcessEnvironment, PythonSslContext};

#[path = "../../limbeck-url/tests/random/mod.rs"]
pub(crate) mod random;

/// The options of a connection with the URL and the arguments that a project gives its driver.
pub(crate) fn options(conversion: &Conversion) -> ConnectOptions {
    let url = DatabaseUrl::parse(conversion.reveal_url()).expect("a URL of SQLAlchemy's");
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

/// An argument as the worker hands it over.
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
            // The context has read the file.
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

/// Hosts and ports, the default one where none is said.
pub(crate) fn places(hosts: &[Host], port: u16) -> Vec<(String, u16)> {
    let place = |host: &Host| {
        (
            host.name.clone().unwrap_or_default(),
            host.port.unwrap_or(port),
        )
    };
    hosts.iter().map(place).collect()
}
