//! MySQL and MariaDB: the connection.

mod error;
mod options;
mod session;

pub use options::MysqlOptions;
pub(crate) use session::{MysqlCanceller, MysqlSession};
