//! The start of a session at one host: transport, start-up message, authentication.

use std::collections::BTreeMap;
use std::io;

use limbeck_url::TlsLevel;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::auth::{Authentication, PasswordBinding};
use super::error::{ConnectFailure, refusal, server_error, socket_error};
use super::host::HostAddress;
use super::options::PostgresOptions;
use super::stream::Stream;
use super::transport::{self, Encryption};
use crate::{ConnectErrorKind, ConnectionDetails};

/// The number and the secret that identify a backend in a request to cancel.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CancelKey {
    pub(super) process_id: i32,
    pub(super) secret: i32,
}

/// A started session.
pub(super) struct StartedSession {
    pub(super) stream: Stream,
    pub(super) host: HostAddress,
    /// The run-time parameters that the server reported.
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) cancel_key: CancelKey,
    pub(super) details: ConnectionDetails,
}

/// Starts a session at a host.
///
/// The attempts are libpq's: `sslmode=allow` tries TLS second, `prefer` tries a plain connection second.
pub(super) async fn start(
    options: &PostgresOptions,
    host: &HostAddress,
) -> Result<StartedSession, ConnectFailure> {
    use Encryption::{Plain, Tls};
    let (first, second) = match options.tls_level {
        _ if host.is_socket() => (Plain, None),
        TlsLevel::Disable => (Plain, None),
        TlsLevel::Allow => (Plain, Some(Tls)),
        TlsLevel::Prefer => (Tls, Some(Plain)),
        TlsLevel::Require | TlsLevel::VerifyCa | TlsLevel::VerifyFull => (Tls, None),
    };
    let failure = match attempt(options, host, first).await {
        Ok(started) => return Ok(started),
        Err(failure) => failure,
    };
    let is_about_tls = matches!(
        failure.error.kind,
        ConnectErrorKind::Tls | ConnectErrorKind::TlsUnverified
    );
    let may_retry = failure.refused_by_server || (is_about_tls && !failure.needs_other_tls);
    match second.filter(|_| may_retry) {
        // The first failure says more than the fallback's.
        Some(second) => attempt(options, host, second).await.map_err(|_| failure),
        None => Err(failure),
    }
}

async fn attempt(
    options: &PostgresOptions,
    host: &HostAddress,
    encryption: Encryption,
) -> Result<StartedSession, ConnectFailure> {
    let broken = |error: io::Error| socket_error(&error, host);
    let mut opened = transport::open(options, host, encryption).await?;
    let mut stream = Stream::new(opened.transport);
    let mut parameters: Vec<(&str, &str)> =
        vec![("user", &options.user), ("database", &options.database)];
    parameters.extend(
        options
            .startup
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    frontend::startup_message(parameters, &mut stream.outgoing).map_err(broken)?;
    stream.flush().await.map_err(broken)?;
    let binding = Authentication {
        options,
        host,
        is_encrypted: opened.tls.is_some(),
        end_point: opened.end_point,
    }
    .run(&mut stream)
    .await?;
    if let Some(tls) = &mut opened.tls {
        tls.channel_binding = binding == PasswordBinding::Bound;
    }
    let mut parameters = BTreeMap::new();
    let mut cancel_key = CancelKey::default();
    loop {
        match stream.read().await.map_err(broken)? {
            Message::ParameterStatus(body) => {
                parameters.insert(
                    body.name().map_err(broken)?.to_owned(),
                    body.value().map_err(broken)?.to_owned(),
                );
            }
            Message::BackendKeyData(body) => {
                cancel_key = CancelKey {
                    process_id: body.process_id(),
                    secret: body.secret_key(),
                };
            }
            Message::ReadyForQuery(_) => {
                return Ok(StartedSession {
                    stream,
                    host: host.clone(),
                    parameters,
                    cancel_key,
                    details: ConnectionDetails {
                        peer: opened.peer,
                        tls: opened.tls,
                        initial_session_id: Some(i64::from(cancel_key.process_id)),
                        is_read_only: None,
                    },
                });
            }
            Message::ErrorResponse(body) => {
                let error = server_error(body.fields()).map_err(broken)?;
                return Err(ConnectFailure::refused(refusal(&error, host)));
            }
            // A migration needs no notice of the start-up.
            _ => {}
        }
    }
}
