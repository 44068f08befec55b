//! What `limbeck-url` says of a URL is what a connection does with it, whichever driver's words it is put in.

use limbeck_url::{Argument, Conversion, DatabaseUrl, Host};

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
fn argument(value: &Argument) -> ConnectArg {
    match value {
        Argument::None => ConnectArg::Null,
        Argument::Bool(flag) => ConnectArg::Bool(*flag),
        Argument::Integer(number) => ConnectArg::Integer(*number),
        Argument::Text(text) => ConnectArg::Text(text.clone()),
        Argument::Map(pairs) => {
            let text =
                |(name, text): &(String, String)| (name.clone(), ConnectArg::Text(text.clone()));
            ConnectArg::Map(pairs.iter().map(text).collect())
        }
        Argument::TlsContext(context) => ConnectArg::Tls(PythonSslContext {
            verify: context.verify,
            check_hostname: context.check_hostname,
            // The context has read the file.
            authorities: context
                .authorities
                .iter()
                .map(|file| file.clone().into_bytes())
                .collect(),
            client: context.certificate.as_ref().map(|certificate| {
                (
                    certificate.into(),
                    context.key.clone().unwrap_or_default().into(),
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
