//! MySQL and MariaDB: what a connection needs to know.

use limbeck_url::DatabaseUrl;

use crate::{ConnectArgs, ConnectError, ConnectErrorKind, Surroundings};

/// What opening a MySQL and MariaDB session takes.
#[derive(Debug, Clone)]
pub struct MysqlOptions {}

impl MysqlOptions {
    pub(crate) fn from_url(
        _url: &DatabaseUrl,
        _arguments: &ConnectArgs,
        _surroundings: &Surroundings,
    ) -> Result<Self, ConnectError> {
        Err(ConnectError {
            kind: ConnectErrorKind::Parameter,
            message: "not built yet".into(),
            hint: None,
        })
    }
}
