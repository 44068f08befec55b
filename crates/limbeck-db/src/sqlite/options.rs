//! SQLite: what a connection needs to know.

use limbeck_url::DatabaseUrl;

use crate::{ConnectArgs, ConnectError, ConnectErrorKind, Surroundings};

/// What opening a SQLite session takes.
#[derive(Debug, Clone)]
pub struct SqliteOptions {}

impl SqliteOptions {
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
