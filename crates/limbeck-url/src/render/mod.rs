//! Writes what a URL means for a driver: one writer for each family of databases.

use crate::connection::{ConnectionInfo, Host};
use crate::convert::{Argument, Conversion};
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::percent;

mod mysql;
mod postgresql;
mod sqlite;
mod tls;

pub(crate) use mysql::render as mysql;
pub(crate) use postgresql::render as postgresql;
pub(crate) use sqlite::render as sqlite;

/// A URL as it is written, with its secrets and without.
struct UrlWriter {
    clear: String,
    masked: String,
    has_query: bool,
}

impl UrlWriter {
    fn new(scheme: &str) -> Self {
        let clear = format!("{scheme}://");
        Self {
            masked: clear.clone(),
            clear,
            has_query: false,
        }
    }

    fn raw(&mut self, text: &str) {
        self.clear.push_str(text);
        self.masked.push_str(text);
    }

    fn encoded(&mut self, text: &str, kept: &[u8]) {
        percent::encode(&mut self.clear, text, kept);
        percent::encode(&mut self.masked, text, kept);
    }

    fn secret(&mut self, text: &str) {
        percent::encode(&mut self.clear, text, b"");
        self.masked.push_str("***");
    }

    /// `user:password@`, where there is one.
    fn credentials(&mut self, user: Option<&str>, password: Option<&str>) {
        self.encoded(user.unwrap_or_default(), b"");
        if let Some(password) = password {
            self.raw(":");
            self.secret(password);
        }
        if user.is_some() || password.is_some() {
            self.raw("@");
        }
    }

    fn host(&mut self, host: &Host, encode: bool) {
        let name = host.name.as_deref().unwrap_or_default();
        if host.is_ipv6() {
            self.raw("[");
            self.raw(name);
            self.raw("]");
        } else if encode {
            self.encoded(name, b"");
        } else {
            self.raw(name);
        }
        if let Some(port) = host.port {
            self.raw(&format!(":{port}"));
        }
    }

    fn pair(&mut self, key: &str, value: &str) {
        self.key(key);
        // An `@` would make SQLAlchemy take what is before it for a user and a password.
        self.encoded(value, b"/:,");
    }

    fn secret_pair(&mut self, key: &str, value: &str) {
        self.key(key);
        self.secret(value);
    }

    fn key(&mut self, key: &str) {
        self.raw(if self.has_query { "&" } else { "?" });
        self.has_query = true;
        self.encoded(key, b"[]");
        self.raw("=");
    }

    fn finish(self) -> Conversion {
        Conversion::new(self.clear, self.masked)
    }
}

/// What is written for a driver: a URL, and what goes beside it.
struct Output {
    url: UrlWriter,
    arguments: Vec<(String, Argument)>,
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

    fn argument(&mut self, name: &str, value: Argument) {
        self.arguments.push((name.to_owned(), value));
    }

    fn finish(self) -> Conversion {
        let mut conversion = self.url.finish();
        conversion.connect_args = self.arguments;
        conversion.warnings = self.warnings;
        conversion
    }
}

/// The driver can't do what a parameter asks for.
fn inexpressible(parameter: &str, driver: &str, way_out: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::InexpressibleParameter,
        format!("{driver} can't be told `{parameter}`, and without it the connection would be another one"),
    )
    .of(parameter)
    .help(way_out)
}

/// A parameter that the driver does without.
fn left_out(parameter: &str, driver: &str) -> Warning {
    Warning::about(
        parameter,
        format!("`{parameter}` was left out: {driver} has nothing like it"),
    )
}

/// Whether a text can't stand unencoded in a URL without harm.
fn is_fragile(text: &str) -> bool {
    text.contains(char::is_control) || text.trim_end() != text
}

impl ConnectionInfo {
    /// Whether SQLAlchemy would read the database's name in a URL as another one. 2.0 takes it as it is written
    /// and 2.1 decodes it; an `@` in it ends a password where there is none before it. A URL with a line's end in it, or
    /// a blank at its own end, is another one when it has been copied.
    fn database_needs_argument(&self) -> bool {
        self.database.as_deref().is_some_and(|name| {
            let ends_password = self.password.is_none() && name.contains('@');
            percent::is_encoded(name) || name.contains('?') || ends_password || is_fragile(name)
        })
    }

    /// `user:password@` of this connection.
    fn write_credentials(&self, url: &mut UrlWriter) {
        let password = self.password.as_ref().map(crate::Secret::reveal_clear_text);
        url.credentials(self.user.as_deref(), password);
    }
}
