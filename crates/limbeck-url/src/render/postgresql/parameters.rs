//! Parameters that only drivers interpret: which driver has them, and the effect of dropping them.

use super::Writer;
use crate::convert::ArgumentValue;
use crate::error::ConvertError;
use crate::render::{dropped_parameter, inexpressible};
use crate::target::Driver;

/// The effect of dropping a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Importance {
    /// The connection is as safe, and goes to the same server.
    Optional,
    /// The connection would be less safe, go to another server, or lack a credential.
    Required,
}

/// libpq's parameters, except those with a field in [`crate::ConnectionInfo`].
const LIBPQ_PARAMETERS: &[(&str, Importance)] = &[
    ("hostaddr", Importance::Required),
    ("passfile", Importance::Required),
    ("service", Importance::Required),
    ("servicefile", Importance::Required),
    ("require_auth", Importance::Required),
    ("requirepeer", Importance::Required),
    ("scram_client_key", Importance::Required),
    ("scram_server_key", Importance::Required),
    ("sslcrldir", Importance::Required),
    ("sslcertmode", Importance::Required),
    ("ssl_min_protocol_version", Importance::Required),
    ("target_session_attrs", Importance::Required),
    ("replication", Importance::Required),
    ("gssencmode", Importance::Required),
    ("channel_binding", Importance::Optional),
    ("client_encoding", Importance::Optional),
    ("fallback_application_name", Importance::Optional),
    ("gssdelegation", Importance::Optional),
    ("gsslib", Importance::Optional),
    ("keepalives", Importance::Optional),
    ("keepalives_count", Importance::Optional),
    ("keepalives_idle", Importance::Optional),
    ("keepalives_interval", Importance::Optional),
    ("krbsrvname", Importance::Optional),
    ("load_balance_hosts", Importance::Optional),
    ("max_protocol_version", Importance::Optional),
    ("min_protocol_version", Importance::Optional),
    ("ssl_max_protocol_version", Importance::Optional),
    ("sslcompression", Importance::Optional),
    ("sslnegotiation", Importance::Optional),
    ("sslsni", Importance::Optional),
    ("tcp_user_timeout", Importance::Optional),
];

/// Returns `true` if the value is the default, or makes no relevant difference, so that the parameter is dropped silently.
fn is_insignificant(key: &str, value: &str) -> bool {
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
        // Size and names of a driver's statement cache matter to that driver only.
        "prepared_statement_cache_size"
        | "statement_cache_size"
        | "prepared_statement_name_func" => true,
        "async_fallback" => true,
        _ => false,
    }
}

impl Writer<'_> {
    /// Writes the parameters that the driver has.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InexpressibleParameter`](crate::ErrorKind::InexpressibleParameter) if the driver lacks a
    /// required parameter.
    pub(super) fn parameters(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        for (key, value) in info.parameters.iter().filter(|(key, _)| key != "options") {
            if self.write_parameter(key, value) || is_insignificant(key, value) {
                continue;
            }
            let importance = LIBPQ_PARAMETERS.iter().find(|(known, _)| known == key);
            // With a password, no file is needed. `target_session_attrs` counts with one host, too: its name may have
            // several addresses, and a server in the wrong state is refused.
            let has_no_effect = key == "passfile" && info.password.is_some();
            match importance {
                Some((_, Importance::Required)) if !has_no_effect => {
                    let help =
                        format!("remove `{key}` from the URL if the connection doesn't need it");
                    return Err(inexpressible(key, self.driver.project_name(), &help));
                }
                _ => self
                    .output
                    .warnings
                    .push(dropped_parameter(key, self.driver.project_name())),
            }
        }
        Ok(())
    }

    /// Writes a parameter. Returns `false` if the driver has no equivalent.
    fn write_parameter(&mut self, key: &str, value: &str) -> bool {
        let is_libpq_parameter = LIBPQ_PARAMETERS.iter().any(|(known, _)| *known == key);
        match (self.driver, key) {
            (Driver::Asyncpg, "sslnegotiation") => {
                // Sockets have no TLS, and asyncpg rejects the argument there.
                if value == "direct" && self.info.only_socket().is_none() {
                    self.output
                        .add_argument("direct_tls", ArgumentValue::Bool(true));
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
                // With a pooler, `pooler` has written the size of the cache already.
                if !(self.info.transaction_pooler && key == "prepared_statement_cache_size") {
                    self.output.url.add_parameter(key, value);
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
                        self.output
                            .add_argument(key, ArgumentValue::Integer(number));
                    }
                    true
                }
                Err(_) => false,
            },
            (Driver::Pg8000, "keepalives") if value == "true" || value == "1" => {
                self.output.url.add_parameter("tcp_keepalive", "true");
                true
            }
            (Driver::Sqlx, "prepared_statement_cache_size" | "statement_cache_size") => {
                let is_written = self.info.transaction_pooler
                    || (key == "statement_cache_size"
                        && self
                            .info
                            .parameters
                            .iter()
                            .any(|(other, _)| other == "prepared_statement_cache_size"));
                if !is_written && value.parse::<u32>().is_ok() {
                    self.output
                        .url
                        .add_parameter("statement-cache-capacity", value);
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
                self.output.url.add_parameter(key, value);
                true
            }
            (driver, _) if driver.is_libpq() && is_libpq_parameter => {
                self.output.url.add_parameter(key, value);
                true
            }
            _ => false,
        }
    }
}
