//! `/`: a page for people, which somebody else draws; here is who may see it, and with which headers.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::sync::Semaphore;

use super::routes::{Body, TEXT, reply};
use crate::board::Facts;

/// Headers of who has passed a request on for somebody else. A proxy on this machine is a neighbour, and whom it speaks for
/// is not.
const FORWARDED: [&str; 5] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
];

/// Who may see the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audience {
    /// Nobody: there is no page.
    Nobody,
    /// Whoever asks from this machine, and for it by a name of its own.
    #[default]
    Local,
    /// Whoever can reach the address.
    Everyone,
}

impl FromStr for Audience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Nobody),
            "local" => Ok(Self::Local),
            "everyone" => Ok(Self::Everyone),
            _ => Err("write `local`, `everyone` or `off`".into()),
        }
    }
}

/// A drawn page.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// The document, or the part of it that was asked for.
    pub html: String,
    /// What the browser may do with it: a `Content-Security-Policy`.
    pub policy: &'static str,
}

/// Draws a page of the facts; the second argument is the query.
type Draw = dyn Fn(&Facts, &str) -> Drawn + Send + Sync;

/// A page and who may see it.
#[derive(Clone)]
pub struct Page {
    audience: Audience,
    draw: Arc<Draw>,
    /// A page is drawn on a thread beside the endpoints, one at a time: a crowd of readers leaves the processors to others.
    turn: Arc<Semaphore>,
}

impl fmt::Debug for Page {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Page")
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// A page that `draw` makes of the facts and a query.
    pub fn new(
        audience: Audience,
        draw: impl Fn(&Facts, &str) -> Drawn + Send + Sync + 'static,
    ) -> Self {
        Self {
            audience,
            draw: Arc::new(draw),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        self.audience != Audience::Nobody
    }

    /// The page for who asks from `peer`, or a refusal.
    pub(super) async fn respond<B>(
        &self,
        request: &Request<B>,
        peer: IpAddr,
        facts: Facts,
    ) -> Response<Body> {
        if self.audience == Audience::Local && !is_local(request, peer) {
            return reply(
                StatusCode::FORBIDDEN,
                TEXT,
                "this page is shown on the machine that it is of, at its loopback address; `--page=everyone` shows it to all\n",
            );
        }
        let query = request.uri().query().unwrap_or_default().to_owned();
        let draw = Arc::clone(&self.draw);
        // It is never closed.
        let _turn = self.turn.acquire().await;
        let drawing = tokio::task::spawn_blocking(move || draw(&facts, &query));
        let Ok(Drawn { html, policy }) = drawing.await else {
            let text = "the page could not be drawn\n";
            return reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text);
        };
        let mut response = reply(StatusCode::OK, "text/html; charset=utf-8", html);
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_FRAME_OPTIONS, "DENY"),
        ] {
            let headers = response.headers_mut();
            headers.insert(name, HeaderValue::from_static(value));
        }
        for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
            let headers = response.headers_mut();
            headers.insert(name, HeaderValue::from_static("same-origin"));
        }
        response
    }
}

/// Whether a request comes from this machine and means it. A name that is not this machine's own may have been pointed here by
/// whoever has it, to read the page through a browser that runs here.
fn is_local<B>(request: &Request<B>, peer: IpAddr) -> bool {
    let headers = request.headers();
    let asked_for = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => only_host(headers),
    };
    peer.to_canonical().is_loopback()
        && asked_for.is_some_and(is_loopback_name)
        && FORWARDED.iter().all(|name| !headers.contains_key(*name))
}

fn only_host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// Whether `HOST[:PORT]` is a name or an address of the loopback interface.
fn is_loopback_name(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
            None => return false,
        },
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    // Browsers ask nobody for the address of these names.
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::is_local;

    #[test]
    fn who_is_local() {
        for (peer, uri, headers, expected) in [
            ("127.0.0.1", "/", &[("host", "127.0.0.1:8081")][..], true),
            ("127.0.0.1", "/", &[("host", "localhost:8081")], true),
            ("127.0.0.1", "/", &[("host", "LocalHost.")], true),
            ("127.0.0.1", "/", &[("host", "app.localhost:8081")], true),
            ("127.0.0.1", "/", &[("host", "127.1.2.3")], true),
            ("::1", "/", &[("host", "[::1]:8081")], true),
            ("::1", "/", &[("host", "[::1]")], true),
            ("::ffff:127.0.0.1", "/", &[("host", "localhost")], true),
            ("127.0.0.1", "http://localhost:8081/", &[], true),
            // Names that anybody may point here.
            ("127.0.0.1", "/", &[("host", "evil.example")], false),
            ("127.0.0.1", "/", &[("host", "evil.example:8081")], false),
            (
                "127.0.0.1",
                "/",
                &[("host", "localhost.evil.example")],
                false,
            ),
            (
                "127.0.0.1",
                "/",
                &[("host", "127.0.0.1.evil.example")],
                false,
            ),
            ("127.0.0.1", "/", &[("host", "notlocalhost")], false),
            ("127.0.0.1", "/", &[("host", "localhost:80@evil")], false),
            ("127.0.0.1", "/", &[("host", "[::1].evil.example")], false),
            ("127.0.0.1", "/", &[("host", "[::1")], false),
            ("127.0.0.1", "/", &[("host", "192.0.2.1")], false),
            ("127.0.0.1", "/", &[("host", "0.0.0.0")], false),
            ("127.0.0.1", "/", &[("host", "")], false),
            ("127.0.0.1", "/", &[], false),
            (
                "127.0.0.1",
                "/",
                &[("host", "localhost"), ("host", "evil.example")],
                false,
            ),
            (
                "127.0.0.1",
                "http://evil.example/",
                &[("host", "localhost")],
                false,
            ),
            // Somebody from elsewhere, and somebody whom a proxy speaks for.
            ("192.0.2.1", "/", &[("host", "localhost")], false),
            ("::ffff:192.0.2.1", "/", &[("host", "localhost")], false),
            (
                "127.0.0.1",
                "/",
                &[("host", "localhost"), ("x-forwarded-for", "192.0.2.1")],
                false,
            ),
            (
                "127.0.0.1",
                "/",
                &[("host", "localhost"), ("forwarded", "for=192.0.2.1")],
                false,
            ),
        ] {
            let mut request = Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(()).expect("a request");
            let peer = peer.parse().expect("an address");
            assert_eq!(
                is_local(&request, peer),
                expected,
                "{peer} {uri} {headers:?}"
            );
        }
    }
}
