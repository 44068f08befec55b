//! What is answered at which path.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode};

use super::{Shown, report};
use crate::board::Facts;

/// What is sent.
pub(super) type Body = Full<Bytes>;

pub(super) const TEXT: &str = "text/plain; charset=utf-8";

pub(super) async fn respond<B>(
    request: &Request<B>,
    peer: IpAddr,
    shown: &Shown,
) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let facts = shown.board.facts();
    let verbose = request.uri().query().is_some_and(|query| {
        query
            .split('&')
            .any(|part| part == "verbose" || part.starts_with("verbose="))
    });
    match request.uri().path() {
        "/" if shown.page.is_there() => shown.page.respond(request, peer, facts).await,
        // Answering is what it takes.
        "/livez" => check("livez", &[], verbose),
        "/startupz" => check("startupz", &not_started(&facts), verbose),
        "/readyz" => check("readyz", &facts.obstacles(), verbose),
        "/health" => {
            let (status, body) = report::health(&facts);
            reply(status, "application/health+json", body)
        }
        "/metrics" => match shown.metrics.encode(&facts) {
            Ok(text) => reply(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                text,
            ),
            Err(error) => reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, error.to_string()),
        },
        _ => reply(
            StatusCode::NOT_FOUND,
            TEXT,
            "there are /livez, /readyz, /startupz, /health and /metrics\n",
        ),
    }
}

fn not_started(facts: &Facts) -> Vec<(&'static str, String)> {
    if facts.started {
        Vec::new()
    } else {
        facts.obstacles()
    }
}

/// An answer in the words of Kubernetes' own endpoints.
fn check(name: &str, obstacles: &[(&'static str, String)], verbose: bool) -> Response<Body> {
    if obstacles.is_empty() {
        let body = if verbose {
            format!("{name} check passed\n")
        } else {
            "ok".into()
        };
        return reply(StatusCode::OK, TEXT, body);
    }
    let mut body = String::new();
    for (what, why) in obstacles {
        body += &format!("[-]{what} failed: {why}\n");
    }
    body += &format!("{name} check failed\n");
    reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, body)
}

pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
