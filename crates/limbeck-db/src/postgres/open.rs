//! The choice of a host: opens a session at the first one that fits `target_session_attrs`.

use std::io;
use std::time::Duration;

use super::error::{ConnectFailure, socket_error};
use super::host::HostAddress;
use super::options::{PostgresOptions, SessionAttributes};
use super::session::PostgresSession;
use super::startup::{StartedSession, start};
use crate::{ConnectError, ConnectErrorKind, DbError, Value};

/// The shortest limit of an attempt. libpq waits at least as long, so that a slow handshake can end.
const MINIMUM_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens a session at the first host that fits.
pub(crate) async fn open(options: &PostgresOptions) -> Result<PostgresSession, DbError> {
    let mut first_error = None;
    let passes: &[SessionAttributes] = match options.session_attributes {
        SessionAttributes::PreferStandby => &[SessionAttributes::Standby, SessionAttributes::Any],
        ref other => std::slice::from_ref(other),
    };
    for attributes in passes {
        for host in &options.hosts {
            match start_within_timeout(options, host).await {
                Ok(started) => {
                    let mut session = PostgresSession::new(started, options);
                    session.use_iso_dates().await?;
                    let Some(found) = mismatch(&mut session, *attributes).await? else {
                        return Ok(session);
                    };
                    first_error.get_or_insert(ConnectError {
                        kind: ConnectErrorKind::SessionAttributes,
                        message: format!("the server at {host} is {found}"),
                        hint: Some("`target_session_attrs` asks for another kind of server".into()),
                    });
                    // Another host is tried next, so an error of this session has no consequence.
                    let _ = session.close().await;
                }
                Err(failure) if failure.try_next_host => {
                    first_error.get_or_insert(failure.error);
                }
                Err(failure) => return Err(failure.error.into()),
            }
        }
    }
    let error = first_error.unwrap_or_else(|| ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: "the URL has no host to connect to".into(),
        hint: None,
    });
    Err(error.into())
}

async fn start_within_timeout(
    options: &PostgresOptions,
    host: &HostAddress,
) -> Result<StartedSession, ConnectFailure> {
    let Some(timeout) = options.timeout else {
        return start(options, host).await;
    };
    let limit = timeout.max(MINIMUM_TIMEOUT);
    tokio::time::timeout(limit, start(options, host))
        .await
        .unwrap_or_else(|_| {
            let timed_out = io::ErrorKind::TimedOut.into();
            Err(ConnectFailure::unreachable(socket_error(&timed_out, host)))
        })
}

/// Returns the kind of the server if it lacks the attributes.
async fn mismatch(
    session: &mut PostgresSession,
    attributes: SessionAttributes,
) -> Result<Option<&'static str>, DbError> {
    use SessionAttributes::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
    let (query, mismatching, kind) = match attributes {
        Any | PreferStandby => return Ok(None),
        ReadWrite => ("SHOW transaction_read_only", "on", "read-only"),
        ReadOnly => ("SHOW transaction_read_only", "off", "read-write"),
        Primary => ("SELECT pg_catalog.pg_is_in_recovery()", "t", "a standby"),
        Standby => ("SELECT pg_catalog.pg_is_in_recovery()", "f", "a primary"),
    };
    let outcome = session.execute(query).await?;
    let answer = outcome.first_value();
    Ok((answer == Some(&Value::Text(mismatching.into()))).then_some(kind))
}
