//! Reads any database URL, says what it means, writes it for any driver, and never shows its secrets.

mod connection;
mod convert;
mod dotenv;
mod error;
mod mask;
mod parse;
mod percent;
mod provider;
mod read;
mod render;
mod secret;
mod source;
mod target;

pub use connection::{ConnectionInfo, Host, Root, Tls, TlsLevel};
pub use convert::{
    Argument, Conversion, TlsContext, convert, convert_to, ensure_async_database_url,
    ensure_sync_database_url,
};
pub use error::{ConvertError, ErrorKind, Warning};
pub use mask::{KnownSecrets, is_secret_name, mask, mask_value};
pub use parse::{DatabaseUrl, UrlError};
pub use percent::percent_decode;
pub use provider::{
    APPLICATION_VARIABLES, DatabaseConfigProvider, MIGRATION_VARIABLES, Origin, Policy,
};
pub use secret::Secret;
pub use target::{Backend, Driver, Target};
