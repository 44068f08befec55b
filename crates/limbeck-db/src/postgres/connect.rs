//! From a list of places to a session that answers: sockets, TLS, start-up.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use limbeck_url::TlsLevel;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::auth::Authentication;
use super::error::{refusal, server_error, unreachable};
use super::options::{HostAddress, PostgresOptions, SessionAttributes};
use super::session::PostgresSession;
use super::stream::{Stream, Transport};
use crate::tls::{Verification, handshake_error, server_end_point, summary, tls_error};
use crate::{
    ConnectError, ConnectErrorKind, ConnectionDetails, DbError, Product, ServerInfo, TlsSummary,
    TransactionStatus,
};

/// A failed attempt, and whether another one, with or without TLS, may fare better.
#[derive(Debug)]
pub(super) struct ConnectFailure {
    error: ConnectError,
    by_server: bool,
    /// No server took the connection, so another place may be tried. libpq goes no further where one
    /// did and then refused: a password is not carried from host to host.
    try_next_host: bool,
    /// libpq might have had TLS here, so limbeck does not go on without.
    is_final: bool,
}

impl ConnectFailure {
    /// The server itself refused to start the session.
    pub(super) fn refused(error: ConnectError) -> Self {
        Self {
            try_next_host: error.kind == ConnectErrorKind::StartingUp,
            error,
            by_server: true,
            is_final: false,
        }
    }

    /// There is no server to talk to.
    fn unreachable(error: ConnectError) -> Self {
        Self {
            error,
            by_server: false,
            try_next_host: true,
            is_final: false,
        }
    }
}

impl From<ConnectError> for ConnectFailure {
    fn from(error: ConnectError) -> Self {
        Self {
            error,
            by_server: false,
            try_next_host: false,
            is_final: false,
        }
    }
}

/// A started session's parts.
pub(super) struct Started {
    pub(super) stream: Stream,
    pub(super) target: HostAddress,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) key: (i32, i32),
    pub(super) link: ConnectionDetails,
}

/// Opens a session at the first place that will do.
pub(super) async fn open(options: &PostgresOptions) -> Result<PostgresSession, DbError> {
    let mut first_error = None;
    let passes: &[SessionAttributes] = match options.session {
        SessionAttributes::PreferStandby => &[SessionAttributes::Standby, SessionAttributes::Any],
        ref other => std::slice::from_ref(other),
    };
    for wanted in passes {
        for target in &options.targets {
            match start_within_timeout(options, target).await {
                Ok(started) => {
                    let mut session = session_of(started, options);
                    session.settle().await?;
                    match unsuitable(&mut session, *wanted).await? {
                        None => return Ok(session),
                        Some(what) => {
                            first_error.get_or_insert(ConnectError {
                                kind: ConnectErrorKind::SessionAttributes,
                                message: format!("the server at {target} is {what}"),
                                hint: Some(
                                    "`target_session_attrs` asks for another kind of server".into(),
                                ),
                            });
                            // It is not the one we look for; how it takes our leave is of no matter.
                            let _ = session.close().await;
                        }
                    }
                }
                Err(attempt) if attempt.try_next_host => {
                    first_error.get_or_insert(attempt.error);
                }
                Err(attempt) => return Err(attempt.error.into()),
            }
        }
    }
    let error = first_error.unwrap_or_else(|| ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: "there is no host to connect to".into(),
        hint: None,
    });
    Err(error.into())
}

async fn start_within_timeout(
    options: &PostgresOptions,
    target: &HostAddress,
) -> Result<Started, ConnectFailure> {
    // libpq takes at least two seconds, so that a slow handshake is not cut.
    let limit = options
        .timeout
        .map(|timeout| timeout.max(Duration::from_secs(2)));
    match limit {
        None => start(options, target).await,
        Some(limit) => match tokio::time::timeout(limit, start(options, target)).await {
            Ok(result) => result,
            Err(_) => Err(ConnectFailure::unreachable(unreachable(
                &io::ErrorKind::TimedOut.into(),
                target,
            ))),
        },
    }
}

/// libpq's order of attempts: `allow` tries TLS second, `prefer` tries plain second.
async fn start(options: &PostgresOptions, target: &HostAddress) -> Result<Started, ConnectFailure> {
    let socket = target.is_socket();
    let attempts: &[bool] = match options.ssl {
        _ if socket => &[false],
        TlsLevel::Disable => &[false],
        TlsLevel::Allow => &[false, true],
        TlsLevel::Prefer => &[true, false],
        TlsLevel::Require | TlsLevel::VerifyCa | TlsLevel::VerifyFull => &[true],
    };
    let mut first: Option<ConnectFailure> = None;
    for (index, &encrypted) in attempts.iter().enumerate() {
        match attempt(options, target, encrypted).await {
            Ok(started) => return Ok(started),
            Err(failed) => {
                let last = index + 1 == attempts.len();
                let about_tls = matches!(
                    failed.error.kind,
                    ConnectErrorKind::Tls | ConnectErrorKind::TlsUnverified
                );
                let again = failed.by_server || (about_tls && !failed.is_final);
                if last || !again {
                    return Err(first.unwrap_or(failed));
                }
                first.get_or_insert(failed);
            }
        }
    }
    let nothing = unreachable(&io::ErrorKind::Other.into(), target);
    Err(first.unwrap_or_else(|| nothing.into()))
}

async fn attempt(
    options: &PostgresOptions,
    target: &HostAddress,
    encrypted: bool,
) -> Result<Started, ConnectFailure> {
    let mut way = if target.is_socket() {
        Way::plain(
            unix_socket(target)
                .await
                .map_err(ConnectFailure::unreachable)?,
            None,
        )
    } else {
        let socket = tcp_socket(target)
            .await
            .map_err(ConnectFailure::unreachable)?;
        if encrypted {
            encrypt(options, target, socket).await?
        } else {
            let peer = socket.peer_addr().ok();
            Way::plain(Box::new(socket), peer)
        }
    };
    let mut stream = Stream::new(way.transport);
    let mut parameters: Vec<(&str, &str)> =
        vec![("user", &options.user), ("database", &options.database)];
    parameters.extend(
        options
            .startup
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    frontend::startup_message(parameters, &mut stream.outgoing)
        .map_err(|error| unreachable(&error, target))?;
    stream
        .flush()
        .await
        .map_err(|error| unreachable(&error, target))?;
    let bound = Authentication {
        options,
        target,
        encrypted: way.tls.is_some(),
        end_point: way.end_point,
    }
    .run(&mut stream)
    .await?;
    if let Some(tls) = &mut way.tls {
        tls.channel_binding = bound;
    }
    let mut parameters = BTreeMap::new();
    let mut key = (0, 0);
    loop {
        let message = stream
            .read()
            .await
            .map_err(|error| unreachable(&error, target))?;
        let broken = |error: io::Error| unreachable(&error, target);
        match message {
            Message::ParameterStatus(body) => {
                parameters.insert(
                    body.name().map_err(broken)?.to_owned(),
                    body.value().map_err(broken)?.to_owned(),
                );
            }
            Message::BackendKeyData(body) => key = (body.process_id(), body.secret_key()),
            Message::ReadyForQuery(_) => {
                return Ok(Started {
                    stream,
                    target: target.clone(),
                    parameters,
                    key,
                    link: ConnectionDetails {
                        peer: way.peer,
                        tls: way.tls,
                        initial_session_id: Some(i64::from(key.0)),
                        is_read_only: None,
                    },
                });
            }
            Message::ErrorResponse(body) => {
                let error = server_error(body.fields()).map_err(broken)?;
                return Err(ConnectFailure::refused(refusal(&error, target)));
            }
            // Notices at start-up say nothing that a migration needs.
            _ => {}
        }
    }
}

#[cfg(unix)]
async fn unix_socket(target: &HostAddress) -> Result<Box<dyn Transport>, ConnectError> {
    let path = format!("{}/.s.PGSQL.{}", target.host, target.port);
    let socket = match path.strip_prefix('@') {
        None => UnixStream::connect(path).await,
        Some(name) => abstract_socket(name),
    };
    Ok(Box::new(
        socket.map_err(|error| unreachable(&error, target))?,
    ))
}

/// A socket of Linux without a file.
#[cfg(target_os = "linux")]
fn abstract_socket(name: &str) -> io::Result<UnixStream> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net;
    let address = net::SocketAddr::from_abstract_name(name)?;
    let socket = net::UnixStream::connect_addr(&address)?;
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn abstract_socket(_: &str) -> io::Result<UnixStream> {
    let why = "only Linux has abstract sockets";
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}

async fn tcp_socket(target: &HostAddress) -> Result<TcpStream, ConnectError> {
    let name = target.address.as_deref().unwrap_or(&target.host);
    let addresses = lookup_host((name, target.port))
        .await
        .map_err(|_| ConnectError {
            kind: ConnectErrorKind::HostNotFound,
            message: format!("the host `{name}` has no address"),
            hint: Some("correct the host in the URL, or check the name service".into()),
        })?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(socket) => {
                // Statements are small and answers are waited for.
                socket
                    .set_nodelay(true)
                    .map_err(|error| unreachable(&error, target))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(unreachable(&last, target))
}

/// A way to a server, before anything is said on it.
struct Way {
    transport: Box<dyn Transport>,
    /// The digest of the server's certificate, where there is one.
    end_point: Option<Vec<u8>>,
    tls: Option<TlsSummary>,
    peer: Option<SocketAddr>,
}

impl Way {
    fn plain(transport: Box<dyn Transport>, peer: Option<SocketAddr>) -> Self {
        Self {
            transport,
            end_point: None,
            tls: None,
            peer,
        }
    }
}

async fn encrypt(
    options: &PostgresOptions,
    target: &HostAddress,
    mut socket: TcpStream,
) -> Result<Way, ConnectFailure> {
    let peer = socket.peer_addr().ok();
    if !options.direct_tls {
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        socket
            .write_all(&request)
            .await
            .map_err(|error| unreachable(&error, target))?;
        let mut answer = [0];
        // A byte at a time: what might follow would be from somebody in between, before TLS.
        socket
            .read_exact(&mut answer)
            .await
            .map_err(|error| unreachable(&error, target))?;
        match answer[0] {
            b'S' => {}
            b'N' if options.ssl <= TlsLevel::Prefer => {
                return Ok(Way::plain(Box::new(socket), peer));
            }
            b'N' => {
                return Err(ConnectError {
                    kind: ConnectErrorKind::TlsRefused,
                    message: format!("the server at {target} has no TLS, which the connection parameters demand"),
                    hint: Some("switch TLS on at the server; a weaker `sslmode` would send everything in clear".into()),
                }
                .into());
            }
            _ => {
                let text = format!(
                    "the server at {target} answered the request for TLS with something else"
                );
                return Err(tls_error(text, Some("is it a PostgreSQL server?")).into());
            }
        }
    }
    if options.tls.verification == Verification::Full && !target.is_named {
        let why = "only `hostaddr` is given, and `verify-full` needs the name of the host";
        return Err(tls_error(
            format!("the server at {target} can't be verified: {why}"),
            Some("give the name that is in the certificate as `host`"),
        )
        .into());
    }
    let mut config = options.tls.config()?;
    if options.direct_tls {
        Arc::make_mut(&mut config).alpn_protocols = vec![b"postgresql".to_vec()];
    }
    let name = ServerName::try_from(target.host.clone()).map_err(|_| {
        tls_error(
            format!(
                "`{}` is not a name that a certificate can have",
                target.host
            ),
            None,
        )
    })?;
    let stream = TlsConnector::from(config)
        .connect(name, socket)
        .await
        .map_err(|error| {
            let failed = handshake_error(&error, &target.to_string());
            ConnectFailure {
                is_final: failed.is_our_limit,
                ..ConnectFailure::from(failed.error)
            }
        })?;
    let established = stream.get_ref().1;
    let certificate = established.peer_certificates().and_then(<[_]>::first);
    let end_point = certificate.and_then(|certificate| server_end_point(certificate));
    let tls = summary(established, options.tls.verification);
    Ok(Way {
        transport: Box::new(stream),
        end_point,
        tls: Some(tls),
        peer,
    })
}

/// Sends a request to cancel to the place where a session is.
pub(super) async fn cancel(
    options: &PostgresOptions,
    target: &HostAddress,
    encrypted: bool,
    key: (i32, i32),
) -> io::Result<()> {
    let failed = |error: ConnectError| io::Error::other(error.message);
    let mut transport = if target.is_socket() {
        unix_socket(target).await.map_err(failed)?
    } else {
        let socket = tcp_socket(target).await.map_err(failed)?;
        if encrypted {
            encrypt(options, target, socket)
                .await
                .map_err(|attempt| failed(attempt.error))?
                .transport
        } else {
            Box::new(socket)
        }
    };
    let mut request = BytesMut::new();
    frontend::cancel_request(key.0, key.1, &mut request);
    transport.write_all(&request).await?;
    transport.flush().await?;
    // The server closes the connection when it has taken the request; what it sends is nothing.
    let mut rest = Vec::new();
    transport
        .read_to_end(&mut rest)
        .await
        .map(|_| ())
        .or(Ok(()))
}

fn session_of(started: Started, options: &PostgresOptions) -> PostgresSession {
    let version = started
        .parameters
        .get("server_version")
        .cloned()
        .unwrap_or_default();
    let info = ServerInfo {
        product: Product::Postgresql,
        version,
        parameters: started.parameters,
        address: started.target.to_string(),
    };
    PostgresSession {
        stream: started.stream,
        info,
        status: TransactionStatus::Idle,
        options: Arc::new(options.clone()),
        target: started.target,
        link: started.link,
        key: started.key,
    }
}

/// What a server is that was not asked for.
async fn unsuitable(
    session: &mut PostgresSession,
    wanted: SessionAttributes,
) -> Result<Option<&'static str>, DbError> {
    use SessionAttributes::{Any, PreferStandby, Primary, ReadOnly, ReadWrite, Standby};
    let (question, no, what) = match wanted {
        Any | PreferStandby => return Ok(None),
        ReadWrite => ("SHOW transaction_read_only", "on", "read-only"),
        ReadOnly => ("SHOW transaction_read_only", "off", "read-write"),
        Primary => ("SELECT pg_catalog.pg_is_in_recovery()", "t", "a standby"),
        Standby => ("SELECT pg_catalog.pg_is_in_recovery()", "f", "a primary"),
    };
    let outcome = session.execute(question).await?;
    let answer = outcome
        .results
        .first()
        .and_then(|result| result.rows.first())
        .and_then(|row| row.first());
    Ok((answer == Some(&crate::Value::Text(no.into()))).then_some(what))
}
