//! The paths of the health server and their responses.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode};

use super::{Endpoints, report};
use crate::readiness::{ComponentState, ReadinessProblem};
use crate::state::StateSnapshot;

/// The body of a response.
pub(super) type Body = Full<Bytes>;

/// The content type of plain text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// Returns the response to a request from `peer`.
pub(super) async fn respond<B>(
    request: &Request<B>,
    peer: IpAddr,
    endpoints: &Endpoints,
) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = reply(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            "only GET and HEAD are allowed\n",
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let state = endpoints.state.snapshot();
    let verbose = request.uri().query().is_some_and(|query| {
        query
            .split('&')
            .any(|part| part == "verbose" || part.starts_with("verbose="))
    });
    match request.uri().path() {
        "/" if endpoints.page.is_enabled() => endpoints.page.respond(request, peer, state).await,
        // A response is the proof that limbeck is alive.
        "/livez" => check("livez", &[], &[], verbose),
        "/startupz" => check("startupz", &startup_problems(&state), &[], verbose),
        "/readyz" => check(
            "readyz",
            &state.readiness_problems(),
            &state.warnings(),
            verbose,
        ),
        "/health" => {
            let (status, body) = report::health(&state);
            reply(status, "application/health+json", body)
        }
        "/metrics" => match endpoints.metrics.encode(&state) {
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
            "not found; the endpoints are /livez, /readyz, /startupz, /health and /metrics\n",
        ),
    }
}

/// Returns the readiness problems until the application has been ready once, then an empty list.
fn startup_problems(state: &StateSnapshot) -> Vec<ReadinessProblem> {
    if state.has_been_ready {
        Vec::new()
    } else {
        state.readiness_problems()
    }
}

/// Returns a response in the format of Kubernetes' own endpoints.
fn check(
    name: &str,
    problems: &[ReadinessProblem],
    warnings: &[ReadinessProblem],
    verbose: bool,
) -> Response<Body> {
    let mut body = String::new();
    for (mark, problem) in problems
        .iter()
        .map(|problem| ('-', problem))
        .chain(warnings.iter().map(|warning| ('!', warning)))
    {
        let ReadinessProblem {
            component,
            state,
            reason,
        } = problem;
        body += &format!("[{mark}]{component} {state}: {reason}\n");
    }
    if problems.is_empty() {
        match verbose {
            true => body += &format!("{name} check passed\n"),
            false if warnings.is_empty() => body += "ok",
            false => body += "ok\n",
        }
        return reply(StatusCode::OK, TEXT, body);
    }
    let has_failed = problems
        .iter()
        .any(|problem| problem.state == ComponentState::Failed);
    body += &if has_failed {
        format!("{name} check failed\n")
    } else {
        format!("{name}: not ready yet\n")
    };
    reply(StatusCode::SERVICE_UNAVAILABLE, TEXT, body)
}

/// Returns a response that no cache keeps.
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
