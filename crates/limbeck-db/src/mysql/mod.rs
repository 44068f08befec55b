//! MySQL and MariaDB: the connection.

mod error;
mod options;
#[cfg(test)]
mod promises;
mod session;

pub use options::MysqlOptions;
pub(crate) use session::{MysqlCanceller, MysqlSession};
