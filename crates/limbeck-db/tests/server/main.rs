//! limbeck's connections beside those of libpq, on real servers.
#![expect(clippy::unwrap_used, reason = "a test that can't go on ends")]
#![expect(clippy::print_stdout, reason = "the tables are to be read")]

mod authentication;
mod client_certificates;
mod commit_guard;
mod descriptors;
mod environment;
mod hosts;
mod impostor;
mod link;
mod lock;
mod mariadb_session;
mod mariadb_tls;
mod revocation;
mod session;
mod support;
mod tls_attacks;
mod tls_matrix;
