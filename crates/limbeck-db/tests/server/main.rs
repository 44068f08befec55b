//! limbeck's connections beside those of libpq, on real servers.

mod support;
mod tls_matrix;
