//! SQLite: what a connection needs to know (scratch).
use crate::{ConnectArgs, ConnectError, Surroundings};
use limbeck_url::DatabaseUrl;
/// What opening a SQLite session takes.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    pub(crate) path: String,
}
impl SqliteOptions {
    pub(crate) fn from_url(
        url: &DatabaseUrl,
        _: &ConnectArgs,
        _: &Surroundings,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            path: url.database.clone().unwrap_or(":memory:".into()),
        })
    }
}
