//! Writers of a [`ConnectionInfo`] for drivers: one module for each database system.

use crate::connection::{ConnectionInfo, Host};
use crate::convert::{ArgumentValue, Conversion};
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::percent;

mod mysql;
mod postgresql;
mod sqlite;
mod tls;

pub(crate) use mysql::render as mysql;
pub(crate) use postgresql::render as postgresql;
pub(crate) use sqlite::render as sqlite;

/// A URL under construction, in clear text and masked.
struct UrlWriter {
    url: String,
    masked: String,
    has_query: bool,
}

impl UrlWriter {
    fn new(scheme: &str) -> Self {
        let url = format!("{scheme}://");
        Self {
            masked: url.clone(),
            url,
            has_query: false,
        }
    }

    /// Appends a text as it is.
    fn push(&mut self, text: &str) {
        self.url.push_str(text);
        self.masked.push_str(text);
    }

    /// Appends a text, percent-encoded except for the bytes in `kept`.
    fn push_encoded(&mut self, text: &str, kept: &[u8]) {
        percent::encode(&mut self.url, text, kept);
        percent::encode(&mut self.masked, text, kept);
    }

    /// Appends a secret, percent-encoded.
    fn push_secret(&mut self, text: &str) {
        percent::encode(&mut self.url, text, b"");
        self.masked.push_str("***");
    }

    /// Appends `user:password@`, without the parts that are `None`.
    fn push_credentials(&mut self, user: Option<&str>, password: Option<&str>) {
        self.push_encoded(user.unwrap_or_default(), b"");
        if let Some(password) = password {
            self.push(":");
            self.push_secret(password);
        }
        if user.is_some() || password.is_some() {
            self.push("@");
        }
    }

    /// Appends `host:port`, with the host's name as it is.
    fn push_host(&mut self, host: &Host) {
        let name = host.name.as_deref().unwrap_or_default();
        if host.is_ipv6() {
            self.push(&format!("[{name}]"));
        } else {
            self.push(name);
        }
        self.push_port(host);
    }

    /// Appends `host:port`, with the host's name percent-encoded.
    fn push_encoded_host(&mut self, host: &Host) {
        let name = host.name.as_deref().unwrap_or_default();
        if host.is_ipv6() {
            self.push(&format!("[{name}]"));
        } else {
            self.push_encoded(name, b"");
        }
        self.push_port(host);
    }

    fn push_port(&mut self, host: &Host) {
        if let Some(port) = host.port {
            self.push(&format!(":{port}"));
        }
    }

    /// Appends a parameter to the query.
    fn add_parameter(&mut self, key: &str, value: &str) {
        self.start_parameter(key);
        // `@` is encoded, because SQLAlchemy would read the text before it as user and password.
        self.push_encoded(value, b"/:,");
    }

    /// Appends a parameter with a secret value to the query.
    fn add_secret_parameter(&mut self, key: &str, value: &str) {
        self.start_parameter(key);
        self.push_secret(value);
    }

    fn start_parameter(&mut self, key: &str) {
        self.push(if self.has_query { "&" } else { "?" });
        self.has_query = true;
        self.push_encoded(key, b"[]");
        self.push("=");
    }

    fn finish(self) -> Conversion {
        Conversion::new(self.url, self.masked)
    }
}

/// A [`Conversion`] under construction.
struct Output {
    url: UrlWriter,
    arguments: Vec<(String, ArgumentValue)>,
    warnings: Vec<Warning>,
}

impl Output {
    fn new(scheme: &str) -> Self {
        Self {
            url: UrlWriter::new(scheme),
            arguments: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn add_argument(&mut self, name: &str, value: ArgumentValue) {
        self.arguments.push((name.to_owned(), value));
    }

    fn finish(self) -> Conversion {
        let mut conversion = self.url.finish();
        conversion.connect_args = self.arguments;
        conversion.warnings = self.warnings;
        conversion
    }
}

/// Returns the error for a parameter that the driver has no equivalent of, and that must not be dropped.
fn inexpressible(parameter: &str, driver: &str, help: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::InexpressibleParameter,
        format!("{driver} has no equivalent of `{parameter}`, and dropping it would weaken or redirect the connection"),
    )
    .about(parameter)
    .with_help(help)
}

/// Returns the warning for a parameter that the driver has no equivalent of, and that is dropped.
fn dropped_parameter(parameter: &str, driver: &str) -> Warning {
    Warning::about(
        parameter,
        format!("dropped `{parameter}`: {driver} has no equivalent"),
    )
}

/// Returns `true` if a text would change when somebody copies the URL: it has a control character or a blank at its end.
fn is_fragile(text: &str) -> bool {
    text.contains(char::is_control) || text.trim_end() != text
}

impl ConnectionInfo {
    /// Returns `true` if the database's name must be a keyword argument, because a SQLAlchemy URL can't carry it.
    ///
    /// SQLAlchemy 2.0 reads the name as written, and 2.1 decodes it. In a URL without a password, an `@` in the name
    /// would end a password, and with one, readers can't distinguish it from an `@` of the password. A line end, or a
    /// blank at the end, is lost when the URL is copied.
    fn database_needs_argument(&self) -> bool {
        self.database.as_deref().is_some_and(|name| {
            percent::is_encoded(name) || name.contains(['?', '@']) || is_fragile(name)
        })
    }

    /// Appends `user:password@` of this connection to a URL.
    fn write_credentials(&self, url: &mut UrlWriter) {
        let password = self.password.as_ref().map(crate::Secret::reveal_clear_text);
        url.push_credentials(self.user.as_deref(), password);
    }
}
