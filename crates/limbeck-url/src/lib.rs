//! Reads any database URL, says what it means, and never shows its secrets.

mod mask;
mod parse;
mod secret;

pub use mask::mask;
pub use parse::{DatabaseUrl, UrlError};
pub use secret::Secret;
