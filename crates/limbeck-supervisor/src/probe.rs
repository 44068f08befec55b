//! Probes of an application, as in Kubernetes: over HTTP, with a TCP connection, or with a command.

use std::fmt;
use std::net::SocketAddr;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

/// The maximum number of redirects that a probe follows.
const MAX_REDIRECTS: usize = 10;

/// A health check of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// `http://HOST[:PORT]/PATH`: succeeds with a status from 200 to 399.
    Http(Uri),
    /// `tcp://HOST:PORT`: succeeds if the connection is accepted.
    Tcp(String),
    /// `exec:COMMAND`: succeeds if the shell command exits with 0.
    Exec(String),
}

/// The error of a text that is not a probe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a probe: {problem}")]
pub struct ProbeError {
    text: String,
    problem: String,
}

/// The reason why a probe failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeFailure {
    /// No process listens on the address (yet).
    Refused,
    /// The application did not answer in time.
    Timeout,
    /// The application reports a problem: the HTTP status or the command's exit status.
    Unhealthy(String),
    /// The probe itself failed.
    Error(String),
}

impl fmt::Display for ProbeFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => out.write_str("nothing listens there"),
            Self::Timeout => out.write_str("no answer in time"),
            Self::Unhealthy(answer) => write!(out, "it answers {answer}"),
            Self::Error(problem) => out.write_str(problem),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(uri) => write!(out, "{uri}"),
            Self::Tcp(address) => write!(out, "tcp://{address}"),
            Self::Exec(command) => write!(out, "exec:{command}"),
        }
    }
}

impl FromStr for Probe {
    type Err = ProbeError;

    fn from_str(text: &str) -> Result<Self, ProbeError> {
        let error = |problem: &str| ProbeError {
            text: text.to_owned(),
            problem: problem.to_owned(),
        };
        if let Some(command) = text.strip_prefix("exec:") {
            return match command.trim() {
                "" => Err(error("a command is missing after `exec:`")),
                command => Ok(Self::Exec(command.to_owned())),
            };
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            let port = address
                .rsplit_once(':')
                .filter(|(host, _)| !host.is_empty())
                .and_then(|(_, port)| port.parse::<u16>().ok());
            return match port {
                Some(_) => Ok(Self::Tcp(address.to_owned())),
                None => Err(error("expected tcp://HOST:PORT")),
            };
        }
        if text.starts_with("http://") {
            let uri: Uri = text.parse().map_err(|_| error("it is not a URL"))?;
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            if authority.contains('@') {
                return Err(error(
                    "a probe can't send a user name; remove it from the URL",
                ));
            }
            return Ok(Self::Http(uri));
        }
        if text.starts_with("https://") {
            return Err(error(
                "limbeck probes the application on its own machine, without TLS; write http://, tcp:// or exec:",
            ));
        }
        Err(error(
            "expected http://HOST:PORT/PATH, tcp://HOST:PORT or exec:COMMAND",
        ))
    }
}

impl Probe {
    /// Probes the application once, for at most `limit`.
    ///
    /// # Errors
    /// Returns the reason if the application is not healthy or could not be probed.
    pub async fn run(&self, limit: Duration) -> Result<(), ProbeFailure> {
        let probing = async {
            match self {
                Self::Http(uri) => get(uri).await,
                Self::Tcp(address) => connect(address).await.map(drop),
                Self::Exec(command) => run_command(command).await,
            }
        };
        timeout(limit, probing)
            .await
            .unwrap_or(Err(ProbeFailure::Timeout))
    }
}

/// Fetches `/health` from the supervisor at an address, within `limit`.
///
/// # Errors
/// Returns the reason if the supervisor does not answer, or the answer is not JSON.
pub async fn fetch_health(address: SocketAddr, limit: Duration) -> Result<Json, ProbeFailure> {
    let failed = |error: &dyn std::error::Error| ProbeFailure::Error(error.to_string());
    let fetching = async {
        let uri: Uri = format!("http://{address}/health")
            .parse()
            .map_err(|error: hyper::http::uri::InvalidUri| failed(&error))?;
        let response = get_once(&uri).await?;
        let body = Limited::new(response.into_body(), 1 << 20).collect().await;
        let body = body.map_err(|error| ProbeFailure::Error(error.to_string()))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| failed(&error))
    };
    timeout(limit, fetching)
        .await
        .unwrap_or(Err(ProbeFailure::Timeout))
}

async fn connect(address: &str) -> Result<TcpStream, ProbeFailure> {
    TcpStream::connect(address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => ProbeFailure::Refused,
            _ => ProbeFailure::Error(error.to_string()),
        })
}

/// Requests a URL and follows redirects on the same host. As for the kubelet, a redirect to another host is a success.
async fn get(uri: &Uri) -> Result<(), ProbeFailure> {
    let mut uri = uri.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = get_once(&uri).await?;
        let status = response.status();
        if status.is_redirection()
            && let Some(next) = redirect_target(&uri, &response)
        {
            if next.host() != uri.host() {
                return Ok(());
            }
            uri = next;
            continue;
        }
        return if (200..400).contains(&status.as_u16()) {
            Ok(())
        } else {
            Err(ProbeFailure::Unhealthy(format!(
                "status {}",
                status.as_u16()
            )))
        };
    }
    Err(ProbeFailure::Error(format!(
        "it redirects more than {MAX_REDIRECTS} times"
    )))
}

async fn get_once(uri: &Uri) -> Result<Response<hyper::body::Incoming>, ProbeFailure> {
    let failed = |error: hyper::Error| ProbeFailure::Error(error.to_string());
    let host = uri.host().unwrap_or_default();
    let stream = connect(&format!("{host}:{}", uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("limbeck/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| ProbeFailure::Error(error.to_string()))?;
    // The connection ends when the response has been read or dropped.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(failed)
}

/// Returns the absolute URL of the `Location` header. `None` if the header is missing, or the URL is not HTTP.
fn redirect_target<T>(from: &Uri, response: &Response<T>) -> Option<Uri> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    if location.starts_with('/') && !location.starts_with("//") {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = Some(location.parse().ok()?);
        return Uri::from_parts(parts).ok();
    }
    location
        .parse()
        .ok()
        .filter(|uri: &Uri| uri.scheme_str() == Some("http"))
}

async fn run_command(command: &str) -> Result<(), ProbeFailure> {
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| ProbeFailure::Error(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(ProbeFailure::Unhealthy(status.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::{Probe, ProbeFailure};

    #[test]
    fn parses_and_rejects_probes() {
        for (text, problem) in [
            ("http://127.0.0.1:8000/health", None),
            ("http://[::1]:8000", None),
            ("tcp://localhost:5432", None),
            ("exec:test -f ready", None),
            ("exec: ", Some("a command is missing")),
            ("tcp://localhost", Some("expected tcp://HOST:PORT")),
            ("tcp://:80", Some("expected tcp://HOST:PORT")),
            ("http://u:p@h/", Some("can't send a user name")),
            ("https://h/", Some("on its own machine")),
            ("ftp://h/", Some("expected http://HOST:PORT/PATH")),
        ] {
            let parsed: Result<Probe, _> = text.parse();
            match (parsed, problem) {
                (Ok(_), None) => {}
                (Err(error), Some(problem)) => {
                    assert!(error.to_string().contains(problem), "{text}: {error}");
                }
                (parsed, problem) => panic!("{text}: {parsed:?}, not {problem:?}"),
            }
        }
    }

    /// Starts a server that gives each connection the next of these answers, then stops listening.
    fn server(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let length = stream.read(&mut request).unwrap();
                assert!(request[..length].starts_with(b"GET /"));
                let head = "Content-Length: 0\r\nConnection: close\r\n\r\n";
                write!(stream, "HTTP/1.1 {answer}\r\n{head}").unwrap();
            }
        });
        address.to_string()
    }

    async fn run(text: &str) -> Result<(), ProbeFailure> {
        let probe: Probe = text.parse().unwrap();
        probe.run(Duration::from_secs(2)).await
    }

    #[tokio::test]
    async fn reads_http_statuses_as_kubernetes_does() {
        for (answers, is_healthy) in [
            (&["200 OK"][..], true),
            (&["204 No Content"], true),
            (&["304 Not Modified"], true),
            (&["400 Bad Request"], false),
            (&["503 Service Unavailable"], false),
            (&["302 Found\r\nLocation: /other", "200 OK"], true),
            (&["302 Found\r\nLocation: /other", "500 Error"], false),
            // A redirect to another host counts as a success.
            (&["302 Found\r\nLocation: http://example.com/"], true),
        ] {
            let result = run(&format!("http://{}/", server(answers))).await;
            assert_eq!(result.is_ok(), is_healthy, "{answers:?}: {result:?}");
        }
    }

    #[tokio::test]
    async fn reports_refused_silent_and_failing_applications() {
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        assert_eq!(
            run(&format!("tcp://{closed}")).await,
            Err(ProbeFailure::Refused)
        );
        assert_eq!(
            run(&format!("http://{closed}/")).await,
            Err(ProbeFailure::Refused)
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = listener.local_addr().unwrap();
        assert_eq!(run(&format!("tcp://{silent}")).await, Ok(()));
        let probe: Probe = format!("http://{silent}/").parse().unwrap();
        let result = probe.run(Duration::from_millis(100)).await;
        assert_eq!(result, Err(ProbeFailure::Timeout));
        assert_eq!(run("exec:true").await, Ok(()));
        let unhealthy = ProbeFailure::Unhealthy("exit status: 3".into());
        assert_eq!(run("exec:exit 3").await, Err(unhealthy));
    }
}
