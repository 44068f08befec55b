//! From any database URL to the one that a driver takes.

use std::fmt;

use crate::connection::ConnectionInfo;
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::read;
use crate::render;
use crate::secret::Secret;
use crate::source::{Reader, Split};
use crate::target::{Backend, Driver, Target};

/// A value of `connect_args`, for what a driver's URL can't carry. `Debug` shows no text: an argument's name, which
/// says whether it is a secret, is not the argument's own.
#[derive(Clone, PartialEq, Eq)]
pub enum Argument {
    /// Python's `None`.
    None,
    /// A yes or a no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Texts by name.
    Map(Vec<(String, String)>),
    /// An `ssl.SSLContext`.
    TlsContext(TlsContext),
}

impl fmt::Debug for Argument {
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

/// What an `ssl.SSLContext` must be made of. `Debug` hides the key's password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsContext {
    /// The file of the authorities; none for the system's, or where nothing is verified.
    pub authorities: Option<String>,
    /// Whether the server's certificate is verified.
    pub verify: bool,
    /// Whether its name is.
    pub check_hostname: bool,
    /// The file of the client's certificate.
    pub certificate: Option<String>,
    /// The file of its key.
    pub key: Option<String>,
    /// The key's password.
    pub key_password: Option<Secret>,
    /// The file of revoked certificates.
    pub revoked: Option<String>,
}

/// A URL for a driver, and what goes beside it. `Debug` and `Display` show the URL without its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Conversion {
    url: String,
    masked: String,
    /// Keyword arguments of the driver's `connect`, by name.
    pub connect_args: Vec<(String, Argument)>,
    /// What was left out, and how what could be read in two ways was read.
    pub warnings: Vec<Warning>,
}

impl Conversion {
    pub(crate) fn new(url: String, masked: String) -> Self {
        Self {
            url,
            masked,
            connect_args: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The URL with its password, for the driver alone; never for output.
    pub fn reveal_url(&self) -> &str {
        &self.url
    }

    /// The URL with its password as a value of an ini file or of Alembic's `set_main_option`, where a `%` is
    /// written twice.
    pub fn reveal_url_for_ini(&self) -> String {
        self.url.replace('%', "%%")
    }

    /// [`Self::reveal_url`], where the URL says everything by itself.
    ///
    /// # Errors
    /// [`ErrorKind::InexpressibleParameter`], with the names of [`Self::connect_args`].
    pub fn reveal_complete_url(&self) -> Result<&str, ConvertError> {
        let names: Vec<&str> = self.connect_args.iter().map(|(name, _)| &**name).collect();
        if names.is_empty() {
            return Ok(&self.url);
        }
        Err(ConvertError::new(
            ErrorKind::InexpressibleParameter,
            format!(
                "no URL of this driver says all that the given one does: it needs {} beside it",
                names.join(", ")
            ),
        ))
    }

    /// Whether the URL says everything, so that it can be used on its own.
    pub fn is_complete(&self) -> bool {
        self.connect_args.is_empty()
    }
}

impl fmt::Display for Conversion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.masked)
    }
}

impl fmt::Debug for Conversion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Conversion")
            .field("url", &self.masked)
            .field("connect_args", &self.connect_args)
            .field("warnings", &self.warnings)
            .finish()
    }
}

impl ConnectionInfo {
    /// Says what a URL, a libpq URI or a libpq string means, and how what is unusual in it was read.
    ///
    /// # Errors
    /// [`ConvertError`] when the text is no database URL, contradicts itself, or could be read in two ways
    /// of which one would lose a password or change the server.
    pub fn parse(text: &str) -> Result<(Self, Vec<Warning>), ConvertError> {
        read::read(Split::parse(text)?)
    }

    /// Writes the URL that means the same to a driver.
    ///
    /// # Errors
    /// [`ConvertError`] when the driver can't do what is asked for: what would weaken TLS, lose a
    /// credential or change the server is never left out.
    pub fn render(&self, target: Target) -> Result<Conversion, ConvertError> {
        if self.backend.family() != target.backend.family() {
            return Err(ConvertError::new(
                ErrorKind::BackendMismatch,
                format!(
                    "a {} URL can't be written for {target}",
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

/// The URL that means to `target` what `text` means.
///
/// # Errors
/// [`ConvertError`], as [`ConnectionInfo::parse`] and [`ConnectionInfo::render`] have it.
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
    translate(Split::parse(text)?, target)
}

/// [`convert`], to the target of this name: `sqlx` is the one of the URL's database.
///
/// # Errors
/// [`ConvertError`], as [`convert`] has it, and when no target has this name.
///
/// # Examples
/// ```
/// let converted = limbeck_url::convert_to("sqlite+aiosqlite:///shop.db", "sqlx")?;
/// assert_eq!(converted.reveal_url(), "sqlite://shop.db?mode=rwc");
/// # Ok::<(), limbeck_url::ConvertError>(())
/// ```
pub fn convert_to(text: &str, name: &str) -> Result<Conversion, ConvertError> {
    // Before the URL: a name that nobody has is told in any case.
    name.parse::<Target>()?;
    let split = Split::parse(text)?;
    let target = Target::named(name, split.backend)?;
    translate(split, target)
}

/// The URL for migrations with a synchronous driver. A URL that has one already stays as it is.
///
/// asyncpg becomes psycopg2, aiomysql and asyncmy become PyMySQL, aiosqlite becomes `sqlite3`; psycopg is
/// both. `postgres://` and a scheme without a driver get the driver that most projects have.
///
/// # Errors
/// [`ConvertError`], as [`convert`] has it.
pub fn ensure_sync_database_url(text: &str) -> Result<Conversion, ConvertError> {
    ensure(text, |backend, driver| match driver {
        Some(driver) if !driver.is_async() || driver == Driver::Psycopg => driver,
        _ => match backend.family() {
            Backend::Postgresql => Driver::Psycopg2,
            Backend::Sqlite => Driver::Pysqlite,
            _ => Driver::Pymysql,
        },
    })
}

/// The URL for an application with SQLAlchemy's asyncio extension; the counterpart of
/// [`ensure_sync_database_url`].
///
/// # Errors
/// [`ConvertError`], as [`convert`] has it.
pub fn ensure_async_database_url(text: &str) -> Result<Conversion, ConvertError> {
    ensure(text, |backend, driver| match driver {
        Some(driver) if driver.is_async() => driver,
        _ => match backend.family() {
            Backend::Postgresql => Driver::Asyncpg,
            Backend::Sqlite => Driver::Aiosqlite,
            _ => Driver::Aiomysql,
        },
    })
}

fn ensure(
    text: &str,
    choose: impl Fn(Backend, Option<Driver>) -> Driver,
) -> Result<Conversion, ConvertError> {
    let split = Split::parse(text)?;
    let driver = match split.reader {
        Reader::SqlAlchemy(driver) => Some(driver),
        Reader::Plain => None,
    };
    let chosen = choose(split.backend, driver);
    let target = Target::of_driver(split.backend, chosen).ok_or_else(|| {
        ConvertError::new(
            ErrorKind::UnsupportedScheme,
            "SQLAlchemy has no such driver for this database",
        )
    })?;
    translate(split, target)
}

fn translate(split: Split, target: Target) -> Result<Conversion, ConvertError> {
    let (info, mut warnings) = read::read(split)?;
    let mut conversion = info.render(target)?;
    warnings.append(&mut conversion.warnings);
    conversion.warnings = warnings;
    Ok(conversion)
}
