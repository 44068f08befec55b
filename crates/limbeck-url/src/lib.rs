//! Reads any database URL, says what it means, and never shows its secrets.

mod parse;
mod secret;

pub use parse::{DatabaseUrl, UrlError};
pub use secret::Secret;
