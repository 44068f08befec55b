//! limbeck's connections beside those of libpq, on real servers.
#![expect(clippy::unwrap_used, reason = "a test that can't go on ends")]

mod client_certificates;
mod revocation;
mod support;
mod tls_matrix;
