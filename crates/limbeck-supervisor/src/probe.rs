//! Asks an application whether it is well, as Kubernetes asks: over HTTP, with a connection, or with a command.

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

/// How many redirections are followed.
const REDIRECTIONS: usize = 10;

/// A way to ask an application whether it is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// `http://HOST[:PORT]/PATH`: a status from 200 to 399 is well.
    Http(Uri),
    /// `tcp://HOST:PORT`: a connection is well.
    Tcp(String),
    /// `exec:COMMAND`: a shell's command that ends with 0 is well.
    Exec(String),
}

/// Why a text is no probe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no probe: {problem}")]
pub struct ProbeError {
    text: String,
    problem: String,
}

/// Why an application is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeFailure {
    /// Nothing listens there (yet).
    Refused,
    /// No answer in time.
    Timeout,
    /// It answers that it is not well: an HTTP status or the status of a command.
    Unwell(String),
    /// It could not be asked.
    Failed(String),
}

impl fmt::Display for ProbeFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => out.write_str("nothing listens there"),
            Self::Timeout => out.write_str("no answer in time"),
            Self::Unwell(answer) => write!(out, "it answers {answer}"),
            Self::Failed(problem) => out.write_str(problem),
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
        let refuse = |problem: &str| ProbeError {
            text: text.to_owned(),
            problem: problem.to_owned(),
        };
        if let Some(command) = text.strip_prefix("exec:") {
            return match command.trim() {
                "" => Err(refuse("a command is missing after `exec:`")),
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
                None => Err(refuse("write tcp://HOST:PORT")),
            };
        }
        if text.starts_with("http://") {
            let uri: Uri = text.parse().map_err(|_| refuse("this is no URL"))?;
            let authority = uri.authority().map_or("", |authority| authority.as_str());
            if authority.contains('@') {
                return Err(refuse("a user in the URL is not sent"));
            }
            return Ok(Self::Http(uri));
        }
        if text.starts_with("https://") {
            return Err(refuse(
                "the application is asked on its own machine; write http://, tcp:// or exec:",
            ));
        }
        Err(refuse(
            "write http://HOST:PORT/PATH, tcp://HOST:PORT or exec:COMMAND",
        ))
    }
}

impl Probe {
    /// Asks once.
    ///
    /// # Errors
    /// Why the application is not well.
    pub async fn ask(&self, limit: Duration) -> Result<(), ProbeFailure> {
        let asking = async {
            match self {
                Self::Http(uri) => get(uri).await,
                Self::Tcp(address) => connect(address).await.map(drop),
                Self::Exec(command) => run(command).await,
            }
        };
        timeout(limit, asking)
            .await
            .unwrap_or(Err(ProbeFailure::Timeout))
    }
}

/// Asks a supervisor at this address for its `/health`.
///
/// # Errors
/// Why there is no answer, or none that is understood.
pub async fn ask_health(address: SocketAddr, limit: Duration) -> Result<Json, ProbeFailure> {
    let failed = |error: &dyn std::error::Error| ProbeFailure::Failed(error.to_string());
    let asking = async {
        let uri: Uri = format!("http://{address}/health")
            .parse()
            .map_err(|error: hyper::http::uri::InvalidUri| failed(&error))?;
        let response = get_once(&uri).await?;
        let body = Limited::new(response.into_body(), 1 << 20).collect().await;
        let body = body.map_err(|error| ProbeFailure::Failed(error.to_string()))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| failed(&error))
    };
    timeout(limit, asking)
        .await
        .unwrap_or(Err(ProbeFailure::Timeout))
}

async fn connect(address: &str) -> Result<TcpStream, ProbeFailure> {
    TcpStream::connect(address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => ProbeFailure::Refused,
            _ => ProbeFailure::Failed(error.to_string()),
        })
}

/// Follows redirections as the kubelet does: on the same host they count, another host's are well.
async fn get(uri: &Uri) -> Result<(), ProbeFailure> {
    let mut uri = uri.clone();
    for _ in 0..=REDIRECTIONS {
        let response = get_once(&uri).await?;
        let status = response.status();
        if status.is_redirection()
            && let Some(next) = redirection(&uri, &response)
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
            Err(ProbeFailure::Unwell(format!("status {}", status.as_u16())))
        };
    }
    Err(ProbeFailure::Failed(format!(
        "it redirects more than {REDIRECTIONS} times"
    )))
}

async fn get_once(uri: &Uri) -> Result<Response<hyper::body::Incoming>, ProbeFailure> {
    let failed = |error: hyper::Error| ProbeFailure::Failed(error.to_string());
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
        .map_err(|error| ProbeFailure::Failed(error.to_string()))?;
    // It ends with the last one who reads of it.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(failed)
}

/// Where an answer sends the client, as an absolute URL; none where it doesn't say, or not over HTTP.
fn redirection<T>(from: &Uri, response: &Response<T>) -> Option<Uri> {
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

async fn run(command: &str) -> Result<(), ProbeFailure> {
    let status = Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| ProbeFailure::Failed(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(ProbeFailure::Unwell(status.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::{Probe, ProbeFailure};

    #[test]
    fn what_is_a_probe() {
        for (text, problem) in [
            ("http://127.0.0.1:8000/health", None),
            ("http://[::1]:8000", None),
            ("tcp://localhost:5432", None),
            ("exec:test -f ready", None),
            ("exec: ", Some("a command is missing")),
            ("tcp://localhost", Some("write tcp://HOST:PORT")),
            ("tcp://:80", Some("write tcp://HOST:PORT")),
            ("http://u:p@h/", Some("a user in the URL")),
            ("https://h/", Some("on its own machine")),
            ("ftp://h/", Some("write http://HOST:PORT/PATH")),
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

    /// Answers each connection with the next of these, and then listens no more.
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

    async fn ask(text: &str) -> Result<(), ProbeFailure> {
        let probe: Probe = text.parse().unwrap();
        probe.ask(Duration::from_secs(2)).await
    }

    #[tokio::test]
    async fn statuses_as_kubernetes_reads_them() {
        for (answers, well) in [
            (&["200 OK"][..], true),
            (&["204 No Content"], true),
            (&["304 Not Modified"], true),
            (&["400 Bad Request"], false),
            (&["503 Service Unavailable"], false),
            (&["302 Found\r\nLocation: /other", "200 OK"], true),
            (&["302 Found\r\nLocation: /other", "500 Error"], false),
            // Another host's business.
            (&["302 Found\r\nLocation: http://example.com/"], true),
        ] {
            let asked = ask(&format!("http://{}/", server(answers))).await;
            assert_eq!(asked.is_ok(), well, "{answers:?}: {asked:?}");
        }
    }

    #[tokio::test]
    async fn other_ways_to_ask() {
        let nobody = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        assert_eq!(
            ask(&format!("tcp://{nobody}")).await,
            Err(ProbeFailure::Refused)
        );
        assert_eq!(
            ask(&format!("http://{nobody}/")).await,
            Err(ProbeFailure::Refused)
        );
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = listener.local_addr().unwrap();
        assert_eq!(ask(&format!("tcp://{silent}")).await, Ok(()));
        let probe: Probe = format!("http://{silent}/").parse().unwrap();
        let asked = probe.ask(Duration::from_millis(100)).await;
        assert_eq!(asked, Err(ProbeFailure::Timeout));
        assert_eq!(ask("exec:true").await, Ok(()));
        let unwell = ProbeFailure::Unwell("exit status: 3".into());
        assert_eq!(ask("exec:exit 3").await, Err(unwell));
    }
}
