//! Settings from environment variables and, as in the Python application, from `.env`.

use std::env;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use limbeck::url::{ConvertError, DatabaseConfigProvider, ErrorKind};

/// The database if `DATABASE_URL` is not set.
const EMBEDDED: &str = "sqlite+aiosqlite:///./shop.db";

pub struct Settings {
    /// `DATABASE_URL` in any form, converted for the migrations and for sqlx.
    pub urls: DatabaseConfigProvider,
    /// `MIGRATE`: true if the service migrates the database at its start. Set `MIGRATE=false` under `limbeck run`.
    pub migrates: bool,
    /// `ALEMBIC_CONFIG`: the configuration file of the migrations.
    pub alembic: PathBuf,
    /// `HOST` and `PORT`: the address to listen on.
    pub address: SocketAddr,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("DATABASE_URL can't be used")]
    Url(#[source] ConvertError),
    #[error("expected {expected} in {name}")]
    Value {
        name: &'static str,
        expected: &'static str,
    },
}

impl Settings {
    pub fn read() -> Result<Self, SettingsError> {
        let host: IpAddr = value("HOST", "127.0.0.1", "an address")?;
        let port: u16 = value("PORT", "8000", "a number")?;
        Ok(Self {
            urls: urls()?,
            migrates: value("MIGRATE", "true", "`true` or `false`")?,
            alembic: value("ALEMBIC_CONFIG", "alembic.ini", "a file")?,
            address: (host, port).into(),
        })
    }
}

fn urls() -> Result<DatabaseConfigProvider, SettingsError> {
    let file = fs::read_to_string(".env").ok();
    let found =
        DatabaseConfigProvider::from_variables(&|name| env::var(name).ok(), file.as_deref());
    match found {
        Err(error) if error.kind == ErrorKind::MissingUrl => {
            Ok(DatabaseConfigProvider::new(EMBEDDED))
        }
        found => found.map_err(SettingsError::Url),
    }
}

fn value<T: std::str::FromStr>(
    name: &'static str,
    default: &str,
    expected: &'static str,
) -> Result<T, SettingsError> {
    let text = env::var(name).unwrap_or_else(|_| default.to_owned());
    text.parse()
        .map_err(|_| SettingsError::Value { name, expected })
}
