//! The options of a MySQL or MariaDB connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use limbeck_url::{DatabaseUrl, Secret};

use crate::seconds::parse_seconds;
use crate::tls::{ClientFiles, authorities_in_folder};
use crate::{
    ConnectArg, ConnectArgs, ConnectError, ConnectErrorKind, ProcessEnvironment, PythonSslContext,
};

/// Parameters of the drivers that do not affect limbeck's connection.
const WITHOUT_EFFECT: &[&str] = &[
    "auth_plugin_map",
    "autocommit",
    "binary_prefix",
    "bind_address",
    "buffered",
    "compress",
    "conv",
    "cursorclass",
    "defer_connect",
    "echo",
    "loop",
    "max_allowed_packet",
    "maxsize",
    "minsize",
    "pool_recycle",
    "program_name",
    "raise_on_warnings",
    "read_timeout",
    "server_public_key",
    "use_pure",
    "use_unicode",
    "write_timeout",
];

/// The protocol's flag for reporting matched rows.
const CLIENT_FOUND_ROWS: i64 = 2;

/// The options of a MySQL or MariaDB connection.
#[derive(Debug, Clone)]
pub struct MysqlOptions {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) socket: Option<String>,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<String>,
    /// The argument of `SET NAMES`: a character set, and perhaps a collation.
    pub(super) names: String,
    /// The limit of an attempt to connect.
    pub(super) timeout: Duration,
    pub(super) sql_mode: Option<String>,
    pub(super) init_command: Option<String>,
    /// An `UPDATE` reports the rows that it matched, not only those that it changed.
    pub(super) found_rows: bool,
    pub(super) tls: Option<MysqlTls>,
}

/// The options of TLS.
#[derive(Debug, Clone, Default)]
pub(super) struct MysqlTls {
    /// `true` if a server without TLS is an error. If `false`, the session with such a server is plain, as in `PyMySQL`.
    pub(super) required: bool,
    /// The file of the authorities.
    pub(super) authority_file: Option<PathBuf>,
    /// Further authorities, in DER.
    pub(super) authorities: Vec<Vec<u8>>,
    pub(super) client: Option<ClientFiles>,
    pub(super) verify_authority: bool,
    pub(super) verify_name: bool,
}

impl MysqlOptions {
    pub(crate) fn from_url(
        url: &DatabaseUrl,
        arguments: &ConnectArgs,
        process_environment: &ProcessEnvironment,
    ) -> Result<Self, ConnectError> {
        let mut options = Self {
            host: url.host.clone().unwrap_or_else(|| "localhost".into()),
            port: url.port.unwrap_or(3306),
            socket: None,
            user: url
                .user
                .clone()
                .or_else(|| process_environment.user.clone())
                .unwrap_or_else(|| "root".into()),
            password: url.password.clone(),
            database: url.database.clone(),
            names: String::new(),
            timeout: Duration::from_secs(10),
            sql_mode: None,
            init_command: None,
            // SQLAlchemy asks its drivers for matched rows, and Alembic's check of a version row relies on it.
            found_rows: true,
            tls: None,
        };
        let mut charset = CharsetParameters::default();
        let mut tls = TlsParameters::default();
        for (key, value) in &url.query {
            options.set(
                key,
                &ConnectArg::Text(value.clone()),
                &mut charset,
                &mut tls,
            )?;
        }
        for (name, argument) in arguments {
            options.set(name, argument, &mut charset, &mut tls)?;
            // As an argument it replaces SQLAlchemy's own flags; in a URL it is added to them.
            if let ("client_flag", ConnectArg::Integer(flags)) = (name.as_str(), argument) {
                options.found_rows = flags & CLIENT_FOUND_ROWS != 0;
            }
        }
        options.tls = tls.finish()?;
        options.names = charset.finish();
        if let Some(password) = &options.password
            && let Some(decoded) = decoded_password(url.driver.as_deref(), password)
        {
            options.password = Some(decoded);
        }
        Ok(options)
    }

    /// Returns the database's name, if the parameters set one.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Returns the first statements of a session: those of `PyMySQL`, and then the project's.
    pub(super) fn setup_statements(&self) -> Vec<String> {
        let mut statements = vec![format!("SET NAMES {}", self.names)];
        statements.extend(self.sql_mode.clone());
        if let Some(command) = &self.init_command {
            statements.push(command.clone());
            statements.push(format!("SET NAMES {}", self.names));
        }
        let charset = self.names.split(' ').next().unwrap_or_default();
        if !charset.to_lowercase().starts_with("utf8") {
            // limbeck sends and receives UTF-8. The character set still applies to literals.
            statements
                .push("SET character_set_client = utf8mb4, character_set_results = utf8mb4".into());
        }
        statements
    }

    /// Returns host and port, or the socket's path.
    pub(crate) fn address(&self) -> String {
        self.socket
            .clone()
            .unwrap_or_else(|| format!("{}:{}", self.host, self.port))
    }

    fn set(
        &mut self,
        name: &str,
        argument: &ConnectArg,
        charset: &mut CharsetParameters,
        tls: &mut TlsParameters,
    ) -> Result<(), ConnectError> {
        if matches!(argument, ConnectArg::Null) || WITHOUT_EFFECT.contains(&name) {
            return Ok(());
        }
        if name.starts_with("ssl") || name == "tls" {
            return tls.set(name, argument);
        }
        let text = match argument {
            ConnectArg::Text(text) => text.clone(),
            ConnectArg::Integer(number) => number.to_string(),
            ConnectArg::Real(number) => number.to_string(),
            ConnectArg::Bool(flag) => flag.to_string(),
            _ => return Err(unusable(name, "it is neither a text nor a number")),
        };
        match name {
            "host" => self.host = text,
            "port" => {
                let why = format!("`{text}` is not a port");
                self.port = text.parse().map_err(|_| unusable(name, &why))?;
            }
            "user" | "username" => self.user = text,
            "password" | "passwd" => self.password = Some(Secret::new(text)),
            "database" | "db" => self.database = Some(text),
            "unix_socket" => self.socket = Some(text),
            "charset" | "collation" if !is_word(&text) => {
                return Err(unusable(name, &format!("`{text}` is not a name")));
            }
            "charset" => charset.charset = Some(text),
            "collation" => charset.collation = Some(text),
            "connect_timeout" | "connection_timeout" => {
                self.timeout = parse_seconds(&text).map_err(|why| unusable(name, &why))?;
                if self.timeout.is_zero() {
                    let why = format!("`{text}` is not a positive number of seconds");
                    return Err(unusable(name, &why));
                }
            }
            "init_command" => self.init_command = Some(text),
            "sql_mode" => {
                self.sql_mode = Some(format!("SET sql_mode = '{}'", text.replace('\'', "''")));
            }
            "client_flag" => {}
            "local_infile" if matches!(text.as_str(), "false" | "0") => {}
            "local_infile" => {
                return Err(unusable(name, "limbeck sends no local files to a server"));
            }
            _ => return Err(unusable(name, "limbeck does not know it")),
        }
        Ok(())
    }
}

/// The parameters of the character set.
#[derive(Default)]
struct CharsetParameters {
    charset: Option<String>,
    collation: Option<String>,
}

impl CharsetParameters {
    fn finish(self) -> String {
        let charset = self.charset.as_deref().unwrap_or("utf8mb4");
        match self.collation {
            Some(collation) => format!("{charset} COLLATE {collation}"),
            None => charset.to_owned(),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Decodes a password for `PyMySQL` and its descendants. They send its characters as Latin-1, so a URL that works with
/// them contains the bytes of its UTF-8 form as characters.
fn decoded_password(driver: Option<&str>, password: &Secret) -> Option<Secret> {
    if !matches!(driver, Some("pymysql" | "aiomysql" | "asyncmy")) {
        return None;
    }
    let bytes: Result<Vec<u8>, _> = password
        .reveal_clear_text()
        .chars()
        .map(u8::try_from)
        .collect();
    String::from_utf8(bytes.ok()?).ok().map(Secret::new)
}

/// The parameters of TLS.
#[derive(Default)]
struct TlsParameters {
    /// TLS is required.
    required: bool,
    disabled: bool,
    tls: MysqlTls,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    verify: Option<bool>,
    verify_name: Option<bool>,
}

impl TlsParameters {
    fn set(&mut self, name: &str, argument: &ConnectArg) -> Result<(), ConnectError> {
        match argument {
            ConnectArg::Tls(PythonSslContext {
                verify,
                check_hostname,
                authorities,
                client,
            }) => {
                self.required = true;
                self.tls.authorities.clone_from(authorities);
                if let Some((certificate, key)) = client.clone() {
                    (self.certificate, self.key) = (Some(certificate), Some(key));
                }
                self.verify = Some(*verify);
                self.verify_name = Some(*check_hostname);
                return Ok(());
            }
            ConnectArg::Map(entries) => return self.set_entries(entries),
            _ => {}
        }
        let text = match argument {
            ConnectArg::Text(text) => text.clone(),
            ConnectArg::Bool(flag) => flag.to_string(),
            ConnectArg::Integer(number) => number.to_string(),
            ConnectArg::Null => return Ok(()),
            _ => return Err(unusable(name, "it is not a text")),
        };
        let on = !matches!(
            text.to_lowercase().as_str(),
            "false" | "0" | "no" | "off" | "none" | "disabled" | ""
        );
        match name {
            "ssl_ca" => self.tls.authority_file = Some(text.into()),
            "ssl_capath" => {
                let found = authorities_in_folder(Path::new(&text))?;
                self.tls.authorities.extend(found);
            }
            "ssl_cipher" => {
                return Err(unusable(
                    name,
                    "limbeck offers the ciphers of TLS 1.2 and 1.3 that it considers secure; leave it out",
                ));
            }
            "ssl_password" | "ssl_key_password" => {
                return Err(unusable(
                    name,
                    "limbeck can't read an encrypted key; decrypt the key's file",
                ));
            }
            "ssl_cert" => self.certificate = Some(text.into()),
            "ssl_key" => self.key = Some(text.into()),
            "ssl_check_hostname" | "ssl_verify_identity" => self.verify_name = Some(on),
            "ssl_verify_cert" | "ssl_verify_mode" => self.verify = Some(on),
            "ssl_disabled" => self.disabled = on,
            "ssl" | "tls" => self.required = on,
            "ssl_mode" => match text.to_uppercase().replace('-', "_").as_str() {
                "DISABLED" => self.disabled = true,
                // The default: TLS if the server has it.
                "PREFERRED" => {}
                "REQUIRED" => self.required = true,
                "VERIFY_CA" => {
                    (self.required, self.verify) = (true, Some(true));
                    self.verify_name.get_or_insert(false);
                }
                "VERIFY_IDENTITY" => {
                    (self.required, self.verify) = (true, Some(true));
                    self.verify_name = Some(true);
                }
                _ => {
                    return Err(unusable(
                        name,
                        &format!("`{text}` is not one of its values"),
                    ));
                }
            },
            _ => return Err(unusable(name, "limbeck does not know it")),
        }
        // The other parameters describe TLS, and so require it.
        self.required |= !matches!(name, "ssl" | "tls" | "ssl_mode" | "ssl_disabled");
        Ok(())
    }

    /// Reads the dictionary `ssl` as `PyMySQL` does: an empty one means nothing, and any entry requires TLS.
    fn set_entries(&mut self, entries: &ConnectArgs) -> Result<(), ConnectError> {
        self.required |= !entries.is_empty();
        for (key, value) in entries {
            let key = key.trim_start_matches("ssl_");
            let name = format!("ssl_{key}");
            match (key, value) {
                (_, ConnectArg::Null) => {}
                ("ssl", ConnectArg::Map(entries)) => self.set_entries(entries)?,
                ("verify_mode", value) => self.verify = verify_mode(value).or(self.verify),
                ("mode", ConnectArg::Text(mode)) if mode.eq_ignore_ascii_case("disabled") => {}
                (
                    "ca" | "capath" | "cert" | "check_hostname" | "cipher" | "key" | "key_password"
                    | "mode" | "password" | "verify_cert" | "verify_identity",
                    value,
                ) => self.set(&name, value)?,
                // PyMySQL ignores other keys. Some projects have one only to ask for TLS.
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Option<MysqlTls>, ConnectError> {
        if self.disabled {
            return Ok(None);
        }
        self.tls.required = self.required;
        self.tls.client = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some(ClientFiles { certificate, key }),
            // One PEM file may contain both.
            (Some(certificate), None) => Some(ClientFiles {
                certificate: certificate.clone(),
                key: certificate,
            }),
            (None, Some(_)) => return Err(unusable("ssl_cert", "the key needs its certificate")),
            (None, None) => None,
        };
        let has_authority = self.tls.authority_file.is_some() || !self.tls.authorities.is_empty();
        // As in PyMySQL, an authority implies verification unless a parameter disables it.
        self.tls.verify_authority =
            self.verify.unwrap_or(has_authority) || self.verify_name == Some(true);
        // With an authority, PyMySQL also checks the name. limbeck omits no check of any driver.
        self.tls.verify_name = self.verify_name.unwrap_or(self.tls.verify_authority);
        Ok(Some(self.tls))
    }
}

/// Returns whether a `verify_mode` of `PyMySQL` asks for verification; `None` if an authority decides. That is also
/// `PyMySQL`'s reading of `ssl.CERT_NONE` and Python's other numbers.
fn verify_mode(value: &ConnectArg) -> Option<bool> {
    match value {
        ConnectArg::Bool(verify) => Some(*verify),
        ConnectArg::Text(mode) => match mode.to_lowercase().as_str() {
            "none" | "0" | "false" | "no" => Some(false),
            "optional" | "required" | "1" | "true" | "yes" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

fn unusable(name: &str, why: &str) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: format!(
            "the connection parameter `{name}` can't be used for a MySQL connection: {why}"
        ),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use limbeck_url::DatabaseUrl;

    use super::MysqlOptions;
    use crate::{ConnectArg, ConnectArgs, ProcessEnvironment};

    fn options(url: &str) -> Result<MysqlOptions, String> {
        let url = DatabaseUrl::parse(url).unwrap();
        MysqlOptions::from_url(&url, &ConnectArgs::new(), &ProcessEnvironment::default())
            .map_err(|error| error.message)
    }

    #[test]
    fn reads_the_tls_parameters() {
        let check = |query: &str, expected: Option<(bool, bool)>| {
            let tls = options(&format!("mysql+pymysql://u@h/d{query}"))
                .unwrap()
                .tls;
            let required = tls.as_ref().filter(|tls| tls.required);
            assert_eq!(
                required.map(|tls| (tls.verify_authority, tls.verify_name)),
                expected,
                "{query}"
            );
            let plain = query.contains("disabled=true") || query.contains("DISABLED");
            assert_eq!(tls.is_none(), plain, "{query}");
        };
        check("", None);
        check("?ssl_mode=PREFERRED", None);
        check("?ssl_mode=DISABLED", None);
        check("?ssl=true", Some((false, false)));
        check("?ssl_ca=/ca.pem", Some((true, true)));
        check("?ssl_mode=VERIFY_CA&ssl_ca=/ca.pem", Some((true, false)));
        check(
            "?ssl_ca=/ca.pem&ssl_verify_cert=false",
            Some((false, false)),
        );
        check(
            "?ssl_ca=/ca.pem&ssl_check_hostname=false",
            Some((true, false)),
        );
        check(
            "?ssl_ca=/ca.pem&ssl_verify_identity=true",
            Some((true, true)),
        );
        check("?ssl_ca=/ca.pem&ssl_disabled=true", None);
        check("?ssl_mode=VERIFY_IDENTITY", Some((true, true)));
    }

    #[test]
    fn reads_the_dictionary_of_tls_as_pymysql() {
        let text = |text: &str| ConnectArg::Text(text.into());
        let read = |entries: &[(&str, ConnectArg)]| {
            let entries = entries
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()));
            let arguments = [("ssl".to_owned(), ConnectArg::Map(entries.collect()))];
            let url = DatabaseUrl::parse("mysql+pymysql://u@h/d").unwrap();
            MysqlOptions::from_url(&url, &arguments.into(), &ProcessEnvironment::default())
                .map(|options| options.tls.filter(|tls| tls.required))
                .map(|tls| tls.map(|tls| (tls.verify_authority, tls.verify_name)))
                .map_err(|error| error.message)
        };
        let ca = || ("ca", text("/ca.pem"));
        let rows = [
            (vec![], None),
            (
                vec![("fake_flag_to_enable_tls", ConnectArg::Bool(true))],
                Some((false, false)),
            ),
            (vec![("ca", ConnectArg::Null)], Some((false, false))),
            (
                vec![("check_hostname", ConnectArg::Bool(false))],
                Some((false, false)),
            ),
            (vec![ca()], Some((true, true))),
            (vec![("ssl_ca", text("/ca.pem"))], Some((true, true))),
            (
                vec![ca(), ("check_hostname", ConnectArg::Bool(false))],
                Some((true, false)),
            ),
            (
                vec![ca(), ("verify_mode", text("NONE"))],
                Some((false, false)),
            ),
            (
                vec![ca(), ("verify_mode", ConnectArg::Bool(false))],
                Some((false, false)),
            ),
            // PyMySQL does not know the numbers of Python's constants.
            (
                vec![ca(), ("verify_mode", ConnectArg::Integer(0))],
                Some((true, true)),
            ),
            (
                vec![ca(), ("verify_mode", text("optional"))],
                Some((true, true)),
            ),
            (
                vec![ca(), ("ssl_disabled", ConnectArg::Bool(true))],
                Some((true, true)),
            ),
            (
                vec![(
                    "ssl",
                    ConnectArg::Map([("ca".into(), text("/ca.pem"))].into()),
                )],
                Some((true, true)),
            ),
        ];
        for (entries, expected) in rows {
            assert_eq!(read(&entries), Ok(expected), "{entries:?}");
        }
        for key in ["cipher", "password", "capath"] {
            let error = read(&[ca(), (key, text("/nowhere"))]).unwrap_err();
            assert!(
                error.contains(&format!("ssl_{key}")) || error.contains("/nowhere"),
                "{error}"
            );
        }
    }

    #[test]
    fn rejects_an_unknown_parameter_by_name() {
        assert!(
            options("mysql://u@h/d?foo=1")
                .unwrap_err()
                .contains("`foo`")
        );
        assert!(
            options("mysql://u@h/d?local_infile=1")
                .unwrap_err()
                .contains("`local_infile`")
        );
        assert!(
            options("mysql://u@h/d?charset=utf8;x")
                .unwrap_err()
                .contains("`charset`")
        );
    }

    #[test]
    fn reads_character_sets_and_passwords_as_the_drivers() {
        let names = |query: &str| options(&format!("mysql://u:p@h:1/d{query}")).unwrap().names;
        assert_eq!(names(""), "utf8mb4");
        assert_eq!(names("?charset=latin1"), "latin1");
        assert_eq!(
            names("?collation=utf8mb4_bin"),
            "utf8mb4 COLLATE utf8mb4_bin"
        );
        let password = |url: &str| {
            let password = options(url).unwrap().password.unwrap();
            password.reveal_clear_text().to_owned()
        };
        assert_eq!(password("mysql+pymysql://u:%C3%83%C2%A9@h/d"), "é");
        assert_eq!(password("mysql+pymysql://u:%C3%A9@h/d"), "é");
        assert_eq!(password("mysql+aiomysql://u:plain@h/d"), "plain");
        assert_eq!(password("mysql+asyncmy://u:%E2%82%AC@h/d"), "€");
        assert_eq!(password("mysql+mysqldb://u:%C3%83%C2%A9@h/d"), "Ã©");
    }
}
