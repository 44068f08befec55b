//! limbeck's connections beside those of libpq, on real servers.
#![expect(clippy::unwrap_used, reason = "a test that can't go on ends")]

mod authentication;
mod client_certificates;
mod environment;
mod hosts;
mod lock;
mod revocation;
mod session;
mod support;
mod tls_matrix;
