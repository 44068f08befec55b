//! Transports to a server: unix sockets, TCP, and TLS over TCP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use limbeck_url::TlsLevel;
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::error::{ConnectFailure, socket_error};
use super::host::HostAddress;
use super::options::PostgresOptions;
use crate::tls::{handshake_error, server_end_point, summary, tls_error};
use crate::{CertificateVerification, ConnectError, ConnectErrorKind, TlsSummary};

/// A byte stream to the server.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// An open transport, before the first message of the protocol.
pub(super) struct OpenTransport {
    pub(super) transport: Box<dyn Transport>,
    /// The digest of the server's certificate for channel binding, if TLS is on and the certificate has one.
    pub(super) end_point: Option<Vec<u8>>,
    pub(super) tls: Option<TlsSummary>,
    /// The server's address, for TCP.
    pub(super) peer: Option<SocketAddr>,
}

impl OpenTransport {
    fn plain(transport: Box<dyn Transport>, peer: Option<SocketAddr>) -> Self {
        Self {
            transport,
            end_point: None,
            tls: None,
            peer,
        }
    }
}

/// The encryption of a connection attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    Tls,
    Plain,
}

/// Opens a transport to a host. A socket's transport is always plain.
pub(super) async fn open(
    options: &PostgresOptions,
    host: &HostAddress,
    encryption: Encryption,
) -> Result<OpenTransport, ConnectFailure> {
    if host.is_socket() {
        let socket = unix_socket(host)
            .await
            .map_err(ConnectFailure::unreachable)?;
        return Ok(OpenTransport::plain(socket, None));
    }
    let socket = tcp_socket(host)
        .await
        .map_err(ConnectFailure::unreachable)?;
    match encryption {
        Encryption::Tls => negotiate_tls(options, host, socket).await,
        Encryption::Plain => {
            let peer = socket.peer_addr().ok();
            Ok(OpenTransport::plain(Box::new(socket), peer))
        }
    }
}

#[cfg(unix)]
async fn unix_socket(host: &HostAddress) -> Result<Box<dyn Transport>, ConnectError> {
    let path = format!("{}/.s.PGSQL.{}", host.name, host.port);
    let socket = match path.strip_prefix('@') {
        None => UnixStream::connect(path).await,
        Some(name) => abstract_socket(name),
    };
    Ok(Box::new(
        socket.map_err(|error| socket_error(&error, host))?,
    ))
}

/// Connects to a socket in Linux's abstract namespace, which has no file.
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

async fn tcp_socket(host: &HostAddress) -> Result<TcpStream, ConnectError> {
    let name = host.address.as_deref().unwrap_or(&host.name);
    let addresses = lookup_host((name, host.port))
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
                // Statements are small, and each waits for its answer.
                socket
                    .set_nodelay(true)
                    .map_err(|error| socket_error(&error, host))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(socket_error(&last, host))
}

async fn negotiate_tls(
    options: &PostgresOptions,
    host: &HostAddress,
    mut socket: TcpStream,
) -> Result<OpenTransport, ConnectFailure> {
    let peer = socket.peer_addr().ok();
    if !options.direct_tls {
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        socket
            .write_all(&request)
            .await
            .map_err(|error| socket_error(&error, host))?;
        let mut answer = [0];
        // Exactly one byte is read: bytes that follow it before TLS would come from a machine in the middle.
        socket
            .read_exact(&mut answer)
            .await
            .map_err(|error| socket_error(&error, host))?;
        match answer[0] {
            b'S' => {}
            b'N' if options.tls_level <= TlsLevel::Prefer => {
                return Ok(OpenTransport::plain(Box::new(socket), peer));
            }
            b'N' => {
                return Err(ConnectError {
                    kind: ConnectErrorKind::TlsRefused,
                    message: format!("the server at {host} has no TLS, which the connection parameters require"),
                    hint: Some("enable TLS on the server; a weaker `sslmode` would send everything unencrypted".into()),
                }
                .into());
            }
            _ => {
                let text =
                    format!("the server at {host} gave an unknown answer to the TLS request");
                return Err(tls_error(text, Some("is it a PostgreSQL server?")).into());
            }
        }
    }
    if options.tls.verification == CertificateVerification::AuthorityAndName && !host.is_named {
        let why = "only `hostaddr` is set, and `verify-full` needs the host's name";
        return Err(tls_error(
            format!("the server at {host} can't be verified: {why}"),
            Some("set `host` to the name in the server's certificate"),
        )
        .into());
    }
    let mut config = options.tls.config()?;
    if options.direct_tls {
        Arc::make_mut(&mut config).alpn_protocols = vec![b"postgresql".to_vec()];
    }
    let name = ServerName::try_from(host.name.clone()).map_err(|_| {
        tls_error(
            format!("`{}` is not a name that a certificate can have", host.name),
            None,
        )
    })?;
    let stream = TlsConnector::from(config)
        .connect(name, socket)
        .await
        .map_err(|error| {
            let failure = handshake_error(&error, &host.to_string());
            ConnectFailure {
                needs_other_tls: failure.may_be_our_limit,
                ..ConnectFailure::from(failure.error)
            }
        })?;
    let established = stream.get_ref().1;
    let certificate = established.peer_certificates().and_then(<[_]>::first);
    let end_point = certificate.and_then(|certificate| server_end_point(certificate));
    let tls = summary(established, options.tls.verification);
    Ok(OpenTransport {
        transport: Box::new(stream),
        end_point,
        tls: Some(tls),
        peer,
    })
}
