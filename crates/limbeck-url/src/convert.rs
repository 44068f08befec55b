//! Conversion of a database URL to the URL and keyword arguments of a driver.

use std::fmt;

use crate::connection::ConnectionInfo;
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::read;
use crate::render;
use crate::secret::Secret;
use crate::source::{SplitUrl, Syntax};
use crate::target::{Backend, Driver, Target};

/// The value of a keyword argument in [`Conversion::connect_args`].
///
/// `Debug` masks every text, because the value alone doesn't show whether it is secret. The enum is exhaustive: a
/// caller that drops an unknown value would change the connection.
#[derive(Clone, PartialEq, Eq)]
pub enum ArgumentValue {
    /// Python's `None`.
    None,
    /// Python's `bool`.
    Bool(bool),
    /// Python's `int`.
    Integer(i64),
    /// Python's `str`.
    Text(String),
    /// Python's `dict` of `str`, in order.
    Map(Vec<(String, String)>),
    /// Python's `ssl.SSLContext`, described by its settings.
    TlsContext(TlsContext),
}

impl fmt::Debug for ArgumentValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => out.write_str("None"),
            Self::Bool(flag) => write!(out, "Bool({flag})"),
            Self::Integer(number) => write!(out, "Integer({number})"),
            Self::Text(_) => out.write_str("Text(***)"),
            Self::Map(pairs) => {
                let names = pairs.iter().map(|(name, _)| (name, "***"));
                out.write_str("Map")?;
                out.debug_map().entries(names).finish()
            }
            Self::TlsContext(context) => context.fmt(out),
        }
    }
}

/// The settings of a Python `ssl.SSLContext`. `Debug` masks the key's password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsContext {
    /// The path of the root certificates. `None` for the system's store, or if nothing is verified.
    pub root_certificates: Option<String>,
    /// `true` if the server's certificate is verified (`CERT_REQUIRED`).
    pub verify_certificate: bool,
    /// `true` if the host's name is verified, too.
    pub check_hostname: bool,
    /// The path of the client's certificate.
    pub client_certificate: Option<String>,
    /// The path of the key for the client's certificate.
    pub client_key: Option<String>,
    /// The password of the client's key.
    pub client_key_password: Option<Secret>,
    /// The path of a certificate revocation list.
    pub revocation_list: Option<String>,
}

/// A URL for a driver, with the keyword arguments that the driver needs beside it.
///
/// `Debug` and `Display` mask the secrets in the URL.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conversion {
    url: String,
    masked_url: String,
    /// Keyword arguments for the driver's `connect`, as names and values. Empty if the URL alone is enough.
    pub connect_args: Vec<(String, ArgumentValue)>,
    /// Notices about parameters that the conversion dropped or had to interpret.
    pub warnings: Vec<Warning>,
}

impl Conversion {
    pub(crate) fn new(url: String, masked_url: String) -> Self {
        Self {
            url,
            masked_url,
            connect_args: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Returns the URL with its password. It is for the driver, not for output.
    pub fn reveal_url(&self) -> &str {
        &self.url
    }

    /// Returns the URL with its password, with every `%` doubled, as ini files and Alembic's `set_main_option` need it.
    pub fn reveal_url_for_ini(&self) -> String {
        self.url.replace('%', "%%")
    }

    /// Returns the URL with its password, if the driver needs no keyword arguments beside it.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InexpressibleParameter`] if [`Self::connect_args`] is not empty.
    pub fn reveal_complete_url(&self) -> Result<&str, ConvertError> {
        let names: Vec<&str> = self.connect_args.iter().map(|(name, _)| &**name).collect();
        if names.is_empty() {
            return Ok(&self.url);
        }
        Err(ConvertError::new(
            ErrorKind::InexpressibleParameter,
            format!(
                "a URL alone can't express this connection: the driver needs {} as keyword arguments",
                names.join(", ")
            ),
        ))
    }

    /// Returns `true` if the URL can be used without keyword arguments.
    pub fn is_complete(&self) -> bool {
        self.connect_args.is_empty()
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.masked_url)
    }
}

impl fmt::Debug for Conversion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Conversion")
            .field("url", &self.masked_url)
            .field("connect_args", &self.connect_args)
            .field("warnings", &self.warnings)
            .finish()
    }
}

impl ConnectionInfo {
    /// Reads a SQLAlchemy URL, a libpq URI or a libpq connection string.
    ///
    /// The warnings are about parameters that have several interpretations.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidUrl`] if the text is not a database URL, or if readers disagree about its password
    /// or server; [`ErrorKind::UnsupportedScheme`] if the scheme or driver is unknown; [`ErrorKind::InvalidPort`],
    /// [`ErrorKind::InvalidParameterValue`] or [`ErrorKind::ConflictingParameters`] if a part of the URL is wrong.
    ///
    /// # Examples
    /// ```
    /// use limbeck_url::{ConnectionInfo, TlsLevel};
    ///
    /// let (info, warnings) = ConnectionInfo::parse("postgres://app:pw@db/shop?sslmode=require")?;
    /// assert_eq!(info.user.as_deref(), Some("app"));
    /// assert_eq!(info.tls.effective_level(), TlsLevel::Require);
    /// assert!(warnings.is_empty());
    /// # Ok::<(), limbeck_url::ConvertError>(())
    /// ```
    pub fn parse(text: &str) -> Result<(Self, Vec<Warning>), ConvertError> {
        read::interpret(SplitUrl::parse(text)?)
    }

    /// Writes the URL and keyword arguments that give a driver the same connection.
    ///
    /// # Errors
    /// Returns [`ErrorKind::BackendMismatch`] if the target is for another database system;
    /// [`ErrorKind::InexpressibleParameter`], [`ErrorKind::UnsupportedMultiHost`] or [`ErrorKind::NeedsRootCert`] if
    /// the driver has no equivalent of a parameter without which TLS would be weaker, a credential lost, or the server
    /// another one.
    pub fn render(&self, target: Target) -> Result<Conversion, ConvertError> {
        if self.backend.family() != target.backend.family() {
            return Err(ConvertError::new(
                ErrorKind::BackendMismatch,
                format!(
                    "can't convert a {} URL to `{target}`, a driver of another database",
                    self.backend.name()
                ),
            ));
        }
        match self.backend {
            Backend::Postgresql => render::postgresql(self, target),
            Backend::Mysql | Backend::Mariadb => render::mysql(self, target),
            Backend::Sqlite => render::sqlite(self, target),
        }
    }
}

/// Converts a URL to the URL that gives a driver the same connection.
///
/// # Errors
/// Returns the errors of [`ConnectionInfo::parse`] and [`ConnectionInfo::render`].
///
/// # Examples
/// ```
/// let target = "postgresql+psycopg2".parse()?;
/// let converted = limbeck_url::convert("postgresql+asyncpg://app:pw@db/shop?ssl=require", target)?;
/// assert_eq!(converted.reveal_url(), "postgresql+psycopg2://app:pw@db/shop?sslmode=require");
/// assert_eq!(converted.to_string(), "postgresql+psycopg2://app:***@db/shop?sslmode=require");
/// # Ok::<(), limbeck_url::ConvertError>(())
/// ```
pub fn convert(text: &str, target: Target) -> Result<Conversion, ConvertError> {
    convert_parts(SplitUrl::parse(text)?, target)
}

/// Converts a URL to the target of a name, one of [`Target::names`].
///
/// `sqlx` means sqlx with the URL's database system.
///
/// # Errors
/// Returns [`ErrorKind::UnsupportedScheme`] if no target has this name, and the errors of [`convert`].
///
/// # Examples
/// ```
/// let converted = limbeck_url::convert_to("sqlite+aiosqlite:///shop.db", "sqlx")?;
/// assert_eq!(converted.reveal_url(), "sqlite://shop.db?mode=rwc");
/// # Ok::<(), limbeck_url::ConvertError>(())
/// ```
pub fn convert_to(text: &str, name: &str) -> Result<Conversion, ConvertError> {
    // Parsed first, so that an unknown name is reported even if the URL is wrong, too.
    name.parse::<Target>()?;
    let parts = SplitUrl::parse(text)?;
    let target = Target::from_name(name, parts.backend)?;
    convert_parts(parts, target)
}

/// Converts a URL to one with a synchronous driver, for migrations.
///
/// asyncpg becomes psycopg2, aiomysql and asyncmy become PyMySQL, and aiosqlite becomes `sqlite3`. A synchronous
/// driver, or psycopg, which is both, stays. A URL without a driver gets psycopg2, PyMySQL or `sqlite3`.
///
/// # Errors
/// Returns the errors of [`convert`].
///
/// # Examples
/// ```
/// let url = "postgresql+asyncpg://app:pw@db/shop?ssl=require";
/// let converted = limbeck_url::ensure_sync_database_url(url)?;
/// assert_eq!(converted.reveal_url(), "postgresql+psycopg2://app:pw@db/shop?sslmode=require");
/// # Ok::<(), limbeck_url::ConvertError>(())
/// ```
pub fn ensure_sync_database_url(text: &str) -> Result<Conversion, ConvertError> {
    convert_with_driver(text, |backend, driver| match driver {
        Some(driver) if !driver.is_async() || driver == Driver::Psycopg => driver,
        _ => match backend.family() {
            Backend::Postgresql => Driver::Psycopg2,
            Backend::Sqlite => Driver::Pysqlite,
            _ => Driver::Pymysql,
        },
    })
}

/// Converts a URL to one with an asynchronous driver, for an application that uses SQLAlchemy's asyncio extension.
///
/// The counterpart of [`ensure_sync_database_url`]: the drivers are asyncpg, aiomysql and aiosqlite, unless the URL
/// names an asynchronous driver already.
///
/// # Errors
/// Returns the errors of [`convert`].
///
/// # Examples
/// ```
/// let converted = limbeck_url::ensure_async_database_url("postgres://app:pw@db/shop?sslmode=require")?;
/// assert_eq!(converted.reveal_url(), "postgresql+asyncpg://app:pw@db/shop?ssl=require");
/// # Ok::<(), limbeck_url::ConvertError>(())
/// ```
pub fn ensure_async_database_url(text: &str) -> Result<Conversion, ConvertError> {
    convert_with_driver(text, |backend, driver| match driver {
        Some(driver) if driver.is_async() => driver,
        _ => match backend.family() {
            Backend::Postgresql => Driver::Asyncpg,
            Backend::Sqlite => Driver::Aiosqlite,
            _ => Driver::Aiomysql,
        },
    })
}

/// Converts a URL to the driver that `choose` returns for the database system and the URL's driver.
fn convert_with_driver(
    text: &str,
    choose: impl Fn(Backend, Option<Driver>) -> Driver,
) -> Result<Conversion, ConvertError> {
    let parts = SplitUrl::parse(text)?;
    let driver = match parts.syntax {
        Syntax::SqlAlchemy(driver) => Some(driver),
        Syntax::Plain => None,
    };
    let chosen = choose(parts.backend, driver);
    let target = Target::from_driver(parts.backend, chosen).ok_or_else(|| {
        ConvertError::new(
            ErrorKind::UnsupportedScheme,
            "SQLAlchemy has no such driver for this database system",
        )
    })?;
    convert_parts(parts, target)
}

fn convert_parts(parts: SplitUrl, target: Target) -> Result<Conversion, ConvertError> {
    let (info, mut warnings) = read::interpret(parts)?;
    let mut conversion = info.render(target)?;
    warnings.append(&mut conversion.warnings);
    conversion.warnings = warnings;
    Ok(conversion)
}
