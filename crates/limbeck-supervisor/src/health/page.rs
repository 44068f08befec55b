//! `/`: access control and headers of the page. The caller renders the page itself.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::sync::Semaphore;

use super::routes::{Body, TEXT, reply};
use crate::state::StateSnapshot;

/// Headers that a proxy adds. A proxy on this machine connects from the loopback address, but its client may be elsewhere.
const FORWARDED: [&str; 5] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
];

/// The clients that may see the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageAccess {
    /// No client: the server has no page.
    Off,
    /// Clients on this machine that use `localhost` or a loopback address.
    #[default]
    Local,
    /// All clients that can reach the address.
    Everyone,
}

impl FromStr for PageAccess {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "local" => Ok(Self::Local),
            "everyone" => Ok(Self::Everyone),
            _ => Err("expected `local`, `everyone` or `off`".into()),
        }
    }
}

/// A rendered page.
#[derive(Debug, Clone, Default)]
pub struct RenderedPage {
    /// The document, or the requested part of it.
    pub html: String,
    /// The value of the `Content-Security-Policy` header.
    pub content_security_policy: &'static str,
}

/// A function that renders a page from the state and the query of the request.
type Render = dyn Fn(&StateSnapshot, &str) -> RenderedPage + Send + Sync;

/// A page and the clients that may see it.
#[derive(Clone)]
pub struct Page {
    access: PageAccess,
    render: Arc<Render>,
    /// Limits rendering to one page at a time, on the blocking thread, so that many readers can't slow down the endpoints
    /// or the application.
    permit: Arc<Semaphore>,
}

impl fmt::Debug for Page {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Page")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// Creates a page. `render` gets the state and the query of a request.
    pub fn new(
        access: PageAccess,
        render: impl Fn(&StateSnapshot, &str) -> RenderedPage + Send + Sync + 'static,
    ) -> Self {
        Self {
            access,
            render: Arc::new(render),
            permit: Arc::new(Semaphore::new(1)),
        }
    }

    /// Returns `true` if the server has a page.
    pub(super) fn is_enabled(&self) -> bool {
        self.access != PageAccess::Off
    }

    /// Returns the page, or status 403 if a client at `peer` may not see it.
    pub(super) async fn respond<B>(
        &self,
        request: &Request<B>,
        peer: IpAddr,
        state: StateSnapshot,
    ) -> Response<Body> {
        if self.access == PageAccess::Local && !is_local(request, peer) {
            return reply(
                StatusCode::FORBIDDEN,
                TEXT,
                "limbeck shows this page only on its own machine, at `localhost` or a loopback address; `--page=everyone` shows it to all clients\n",
            );
        }
        let query = request.uri().query().unwrap_or_default().to_owned();
        let render = Arc::clone(&self.render);
        // The semaphore is never closed.
        let _permit = self.permit.acquire().await;
        let rendering = tokio::task::spawn_blocking(move || render(&state, &query));
        let Ok(page) = rendering.await else {
            let text = "the page could not be rendered\n";
            return reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text);
        };
        let mut response = reply(StatusCode::OK, "text/html; charset=utf-8", page.html);
        for (name, value) in [
            (
                header::CONTENT_SECURITY_POLICY,
                page.content_security_policy,
            ),
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

/// Returns `true` if a request comes from this machine and names it by a loopback name.
///
/// The owner of any other name could point it to this machine (DNS rebinding) and read the page through a local browser.
fn is_local<B>(request: &Request<B>, peer: IpAddr) -> bool {
    let headers = request.headers();
    let authority = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => single_host(headers),
    };
    peer.to_canonical().is_loopback()
        && authority.is_some_and(is_loopback_name)
        && FORWARDED.iter().all(|name| !headers.contains_key(*name))
}

/// Returns the `Host` header if the request has exactly one.
fn single_host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// Returns `true` if `HOST[:PORT]` is a name or an address of the loopback interface.
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
    // Browsers resolve these names themselves, without DNS.
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::is_local;

    #[test]
    fn accepts_only_local_clients_with_a_loopback_name() {
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
            // Names that a stranger could point to this machine.
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
            // Clients on another machine, directly and through a proxy.
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
