//! Conversion of database URLs between drivers, without losing credentials, TLS settings, or the server.
//!
//! A Python application that connects with asyncpg has a URL like `postgresql+asyncpg://…?ssl=require`. Its migrations
//! run with psycopg2, which needs `postgresql+psycopg2://…?sslmode=require`, and a Rust service with sqlx needs
//! `postgres://…?sslmode=require`. This crate reads any of these URLs and writes the one that gives another driver the
//! same connection:
//!
//! ```
//! let url = "postgresql+asyncpg://app:p%40ss@db.example.com/shop?ssl=require";
//!
//! let converted = limbeck_url::ensure_sync_database_url(url)?;
//! assert_eq!(
//!     converted.reveal_url(),
//!     "postgresql+psycopg2://app:p%40ss@db.example.com/shop?sslmode=require"
//! );
//! // `Display` and `Debug` mask the password.
//! assert_eq!(
//!     converted.to_string(),
//!     "postgresql+psycopg2://app:***@db.example.com/shop?sslmode=require"
//! );
//! # Ok::<(), limbeck_url::ConvertError>(())
//! ```
//!
//! # Overview
//!
//! | to … | use |
//! |---|---|
//! | convert to a synchronous or asynchronous driver | [`ensure_sync_database_url`], [`ensure_async_database_url`] |
//! | convert to a certain driver, libpq or sqlx | [`convert`], [`convert_to`] and [`Target`] |
//! | read or change the meaning of a URL | [`ConnectionInfo`] |
//! | split a URL as SQLAlchemy does | [`DatabaseUrl`] |
//! | find the application's URL in variables and `.env` | [`DatabaseConfigProvider`] |
//! | require TLS or a remote server | [`Policy`] |
//! | mask passwords in logs and error messages | [`mask`], [`mask_value`], [`KnownSecrets`] |
//!
//! # Keyword arguments
//!
//! The URLs of some drivers can't express every connection: asyncpg accepts root certificates only in an
//! `ssl.SSLContext`. A [`Conversion`] therefore consists of a URL and [`connect_args`](Conversion::connect_args).
//! [`Conversion::reveal_complete_url`] returns the URL only if it needs no arguments.
//!
//! # Safety of a conversion
//!
//! If the target has no equivalent of a parameter, and the connection without it would be less safe, lack a credential
//! or go to another server, the conversion fails with a [`ConvertError`]. Other parameters are dropped with a
//! [`Warning`]. If readers disagree about a URL, the conversion fails, too:
//!
//! ```
//! use limbeck_url::{ErrorKind, convert_to};
//!
//! // sqlx can't check a revocation list.
//! let url = "postgresql://app@db/shop?sslmode=verify-full&sslcrl=/etc/crl.pem";
//! let error = convert_to(url, "sqlx").unwrap_err();
//! assert_eq!(error.kind, ErrorKind::InexpressibleParameter);
//! assert_eq!(error.parameter.as_deref(), Some("sslcrl"));
//! ```
//!
//! # Secrets
//!
//! `Debug` and `Display` of every type mask passwords, and errors don't quote them. Functions that return a password or a
//! URL in clear text have names that start with `reveal_`. The exceptions are the plain fields of [`ConnectionInfo`],
//! [`DatabaseUrl`] and [`Conversion::connect_args`], whose values can contain secrets of other drivers.
//!
//! The crate is pure: it reads no environment variables, opens no files, and connects to nothing.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

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

pub use connection::{ConnectionInfo, Host, RootCertificates, Tls, TlsLevel};
pub use convert::{
    ArgumentValue, Conversion, TlsContext, convert, convert_to, ensure_async_database_url,
    ensure_sync_database_url,
};
pub use dotenv::{EnvFileVariable, env_file_variables};
pub use error::{ConvertError, ErrorKind, Warning};
pub use mask::{KnownSecrets, is_secret_name, mask, mask_value};
pub use parse::{DatabaseUrl, UrlError};
pub use percent::percent_decode;
pub use provider::{
    APPLICATION_VARIABLES, DatabaseConfigProvider, MIGRATION_VARIABLES, Policy, UrlSource,
};
pub use secret::Secret;
pub use target::{Backend, Driver, Target};
