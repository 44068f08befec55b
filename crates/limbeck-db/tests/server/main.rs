//! Tests of limbeck's connections on real servers, most of them compared with libpq's.
#![expect(clippy::unwrap_used, reason = "a failure ends the test")]
#![expect(clippy::print_stdout, reason = "a developer reads the tables")]

mod authentication;
mod client_certificates;
mod commit_guard;
mod connection_details;
mod copy;
mod descriptors;
mod environment;
mod extended;
mod hosts;
mod impostor;
mod lock;
mod mariadb_session;
mod mariadb_tls;
mod revocation;
mod session;
mod support;
mod tls_attacks;
mod tls_matrix;
