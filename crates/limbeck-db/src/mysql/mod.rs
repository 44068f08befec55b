//! The MySQL and MariaDB client.

mod error;
mod options;
mod session;
#[cfg(test)]
mod url_agreement;

pub use options::MysqlOptions;
pub(crate) use session::{MysqlCanceller, MysqlSession};
