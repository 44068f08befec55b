//! Parameters that are nobody's but the drivers': who takes which, and what leaving one out would do.

use super::{Writer, name};
use crate::convert::Argument;
use crate::error::ConvertError;
use crate::render::{inexpressible, left_out};
use crate::target::Driver;

/// What a connection without a parameter would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// As good.
    Comfort,
    /// Less safe, to another server, or without a credential.
    Needed,
}

/// libpq's parameters beside those that [`crate::ConnectionInfo`] has fields for.
const LIBPQ: &[(&str, Weight)] = &[
    ("hostaddr", Weight::Needed),
    ("passfile", Weight::Needed),
    ("service", Weight::Needed),
    ("servicefile", Weight::Needed),
    ("require_auth", Weight::Needed),
    ("requirepeer", Weight::Needed),
    ("scram_client_key", Weight::Needed),
    ("scram_server_key", Weight::Needed),
    ("sslcrldir", Weight::Needed),
    ("sslcertmode", Weight::Needed),
    ("ssl_min_protocol_version", Weight::Needed),
    ("target_session_attrs", Weight::Needed),
    ("replication", Weight::Needed),
    ("gssencmode", Weight::Needed),
    ("channel_binding", Weight::Comfort),
    ("client_encoding", Weight::Comfort),
    ("fallback_application_name", Weight::Comfort),
    ("gssdelegation", Weight::Comfort),
    ("gsslib", Weight::Comfort),
    ("keepalives", Weight::Comfort),
    ("keepalives_count", Weight::Comfort),
    ("keepalives_idle", Weight::Comfort),
    ("keepalives_interval", Weight::Comfort),
    ("krbsrvname", Weight::Comfort),
    ("load_balance_hosts", Weight::Comfort),
    ("max_protocol_version", Weight::Comfort),
    ("min_protocol_version", Weight::Comfort),
    ("ssl_max_protocol_version", Weight::Comfort),
    ("sslcompression", Weight::Comfort),
    ("sslnegotiation", Weight::Comfort),
    ("sslsni", Weight::Comfort),
    ("tcp_user_timeout", Weight::Comfort),
];

/// What is so anyway, or nearly: nothing is lost without it.
fn says_nothing(key: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    match key {
        "gssencmode" => value != "require",
        "client_encoding" => matches!(&*value, "utf8" | "utf-8" | "unicode" | "auto"),
        "target_session_attrs" => value == "any",
        "channel_binding" => value != "require",
        "load_balance_hosts" => value == "disable",
        "sslsni" | "keepalives" => matches!(&*value, "1" | "true"),
        "sslcompression" => value == "0",
        "sslcertmode" => value == "allow",
        "sslnegotiation" => value == "postgres",
        "replication" => matches!(&*value, "0" | "false" | "off" | "no"),
        // How many statements a driver keeps prepared, and how it names them, is its own affair.
        "prepared_statement_cache_size"
        | "statement_cache_size"
        | "prepared_statement_name_func" => true,
        "async_fallback" => true,
        _ => false,
    }
}

impl Writer<'_> {
    pub(super) fn parameters(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        for (key, value) in info.parameters.iter().filter(|(key, _)| key != "options") {
            if self.carry(key, value) || says_nothing(key, value) {
                continue;
            }
            let weight = LIBPQ.iter().find(|(known, _)| known == key);
            // With one host they only look at it, and a password that is given needs no file.
            let idle = match &**key {
                "target_session_attrs" => info.hosts.len() < 2,
                "passfile" => info.password.is_some(),
                _ => false,
            };
            match weight {
                Some((_, Weight::Needed)) if !idle => {
                    let way_out =
                        format!("take `{key}` out of the URL if the connection may do without it");
                    return Err(inexpressible(key, name(self.driver), &way_out));
                }
                _ => self.out.warnings.push(left_out(key, name(self.driver))),
            }
        }
        Ok(())
    }

    /// Writes a parameter where the driver has one for it.
    fn carry(&mut self, key: &str, value: &str) -> bool {
        let is_libpqs = LIBPQ.iter().any(|(known, _)| *known == key);
        match (self.driver, key) {
            (Driver::Asyncpg, "sslnegotiation") => {
                // On a socket nothing is encrypted, and asyncpg refuses the word.
                if value == "direct" && self.info.only_socket().is_none() {
                    self.out.argument("direct_tls", Argument::Bool(true));
                }
                true
            }
            (
                Driver::Asyncpg,
                "target_session_attrs"
                | "passfile"
                | "service"
                | "servicefile"
                | "krbsrvname"
                | "gsslib"
                | "command_timeout"
                | "prepared_statement_cache_size"
                | "async_fallback",
            ) => {
                // A pooler's own word for the cache has been written already.
                if !(self.info.transaction_pooler && key == "prepared_statement_cache_size") {
                    self.out.url.pair(key, value);
                }
                true
            }
            (
                Driver::Asyncpg,
                "statement_cache_size"
                | "max_cached_statement_lifetime"
                | "max_cacheable_statement_size",
            ) => match value.parse() {
                Ok(number) => {
                    if !(self.info.transaction_pooler && key == "statement_cache_size") {
                        self.out.argument(key, Argument::Integer(number));
                    }
                    true
                }
                Err(_) => false,
            },
            (Driver::Pg8000, "keepalives") if value == "true" || value == "1" => {
                self.out.url.pair("tcp_keepalive", "true");
                true
            }
            (Driver::Sqlx, "prepared_statement_cache_size" | "statement_cache_size") => {
                let said = self.info.transaction_pooler
                    || (key == "statement_cache_size"
                        && self
                            .info
                            .parameters
                            .iter()
                            .any(|(other, _)| other == "prepared_statement_cache_size"));
                if !said && value.parse::<u32>().is_ok() {
                    self.out.url.pair("statement-cache-capacity", value);
                }
                true
            }
            (
                Driver::TokioPostgres,
                "target_session_attrs"
                | "channel_binding"
                | "hostaddr"
                | "keepalives"
                | "keepalives_idle"
                | "load_balance_hosts"
                | "tcp_user_timeout"
                | "sslnegotiation",
            ) => {
                self.out.url.pair(key, value);
                true
            }
            (driver, _) if driver.is_libpq() && is_libpqs => {
                self.out.url.pair(key, value);
                true
            }
            _ => false,
        }
    }
}
