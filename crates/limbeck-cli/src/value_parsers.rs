//! Parsers for values that options and `pyproject.toml` share.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// Parses a time with its unit (`500ms`, `60s`, `2m`), or a number of seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// Parses `HOST:PORT`, `:PORT` or `PORT`; without a host, the address is the loopback address.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    if let Ok(port) = port {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.to_socket_addrs()
        .map_err(|error| format!("expected HOST:PORT or PORT ({error})"))?
        .next()
        .ok_or_else(|| "the host has no address".into())
}
