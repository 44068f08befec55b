//! Checks of a URL: its meaning, and problems with SQLAlchemy, the driver and the network.

use limbeck_script::environment::FindingKind;
use limbeck_script::interpreter::InstalledVersions;
use limbeck_url::{
    Backend, ConnectionInfo, ConvertError, DatabaseUrl, Policy, Target, TlsLevel, convert,
};

use super::check::{Check, CheckId};
use super::interpreter::is_at_least;
use super::pooler;
use super::source::{EnvSummary, UrlCandidate};
use crate::migration_url::PLACEHOLDER;
use crate::version_probe::ASYNC_DRIVERS;

/// Characters at which readers other than SQLAlchemy split a URL.
const SEPARATORS: [char; 6] = ['/', '?', '#', '[', ']', '@'];

/// The checks that need a readable URL, and their subjects.
const CHECKS_OF_READABLE_URLS: [(CheckId, &str); 6] = [
    (CheckId::UrlEncoding, "the password's characters"),
    (CheckId::UrlDialect, "the scheme"),
    (CheckId::UrlAsyncDriver, "the driver"),
    (CheckId::UrlParameters, "the parameters"),
    (CheckId::UrlTls, "TLS"),
    (CheckId::UrlPooler, "poolers"),
];

/// The meaning of a URL.
pub(super) struct ParsedUrl {
    pub(super) info: ConnectionInfo,
    /// The driver in the URL's scheme, if there is one.
    pub(super) driver: Option<String>,
}

/// Checks a URL, and returns its meaning if limbeck can read it.
pub(super) fn check(
    candidate: &UrlCandidate,
    env: Option<EnvSummary<'_>>,
    installed: Option<&InstalledVersions>,
) -> (Vec<Check>, Option<ParsedUrl>) {
    let text = candidate.text.reveal_clear_text().trim();
    let locate = |check: Check| match &candidate.file {
        Some(file) => check.at(file, candidate.line),
        None => check,
    };
    if text == PLACEHOLDER {
        let check = if candidate.is_certain {
            let fix = "set `DATABASE_URL`, or write the database's URL in place of the placeholder";
            CheckId::UrlPlaceholder
                .error("the URL is still the template's placeholder")
                .fix(fix)
        } else {
            CheckId::UrlPlaceholder.note(
                "the ini has the template's placeholder, and no environment variable contains a URL: `env.py` must get the URL elsewhere",
            )
        };
        return (
            vec![
                locate(check),
                CheckId::UrlSource.not_checked("the URL", "it is a placeholder"),
            ],
            None,
        );
    }
    let mut checks = Vec::new();
    let (info, _) = match ConnectionInfo::parse(text) {
        Ok(read) => read,
        Err(error) => {
            checks.push(locate(unreadable(&error)));
            let rest = CHECKS_OF_READABLE_URLS.iter();
            checks
                .extend(rest.map(|(id, subject)| id.not_checked(subject, "the URL can't be read")));
            return (checks, None);
        }
    };
    let driver = DatabaseUrl::parse(text).ok().and_then(|url| url.driver);
    checks.push(locate(CheckId::UrlSource.ok(format!(
        "{}: {}",
        candidate.source,
        summarize(&info, driver.as_deref())
    ))));
    checks.push(CheckId::UrlReadable.ok("the URL has only one meaning"));
    checks.push(CheckId::UrlPlaceholder.ok("the URL is not the template's placeholder"));
    let rest = [
        check_masked_password(&info),
        check_encoding(text),
        check_dialect(text),
        check_driver(driver.as_deref(), &info, env, installed),
        check_parameters(text, driver.as_deref(), &info, installed),
        check_tls(&info),
        pooler::check(&info, driver.as_deref()),
    ];
    checks.extend(rest.into_iter().map(locate));
    (checks, Some(ParsedUrl { info, driver }))
}

fn unreadable(error: &ConvertError) -> Check {
    let check = CheckId::UrlReadable.error(error.to_string());
    match &error.help {
        Some(help) => check.fix(help.clone()),
        None => check,
    }
}

/// Describes the server, the database, the user and the driver, without secrets.
fn summarize(info: &ConnectionInfo, driver: Option<&str>) -> String {
    let mut text = match info.backend {
        Backend::Postgresql => "PostgreSQL",
        Backend::Mysql => "MySQL",
        Backend::Mariadb => "MariaDB",
        Backend::Sqlite => "SQLite",
        _ => info.backend.name(),
    }
    .to_owned();
    let hosts: Vec<String> = info.hosts.iter().map(ToString::to_string).collect();
    if !hosts.is_empty() {
        text += &format!(" at `{}`", hosts.join(","));
    }
    if let Some(database) = &info.database {
        text += &format!(", database `{database}`");
    }
    if let Some(user) = &info.user {
        text += &format!(", as `{user}`");
    }
    match driver {
        Some(driver) => text + &format!(", with {driver}"),
        None => text,
    }
}

fn check_masked_password(info: &ConnectionInfo) -> Check {
    let id = CheckId::UrlMaskedPassword;
    let is_masked = info
        .password
        .as_ref()
        .is_some_and(|password| password.reveal_clear_text() == "***");
    if is_masked {
        return id
            .error("the password is `***`, SQLAlchemy's mask: the URL was copied from SQLAlchemy's output")
            .fix("write the real password; in Python, use `url.render_as_string(hide_password=False)`");
    }
    id.ok("the password is not masked")
}

fn check_encoding(text: &str) -> Check {
    let id = CheckId::UrlEncoding;
    let url = DatabaseUrl::parse(text).ok();
    let password = url.and_then(|url| url.password);
    let Some(password) = password
        .as_ref()
        .map(limbeck_url::Secret::reveal_clear_text)
    else {
        return id.ok("the URL has no password");
    };
    // The URL contains the decoded password only if the password was not encoded.
    let is_literal = !password.is_empty() && text.contains(&format!(":{password}@"));
    let is_special = |c: char| SEPARATORS.contains(&c) || c == '%' || c.is_whitespace();
    if is_literal && password.contains(is_special) {
        return id
            .warning("the password has special characters that are not encoded, where libpq and others split the URL")
            .fix("encode the password with `python3 -c 'import getpass, urllib.parse; print(urllib.parse.quote(getpass.getpass(), \"\"))'`");
    }
    id.ok("the password needs no further encoding")
}

fn check_dialect(text: &str) -> Check {
    let id = CheckId::UrlDialect;
    let Ok(url) = DatabaseUrl::parse(text) else {
        let message = "the URL is a libpq connection string, which SQLAlchemy does not accept";
        return id
            .warning(message)
            .fix("convert it with `limbeck url convert --to postgresql+psycopg2`");
    };
    if url.dialect != "postgres" {
        return id.ok(format!("`{}` is a dialect of SQLAlchemy", url.dialect));
    }
    id.warning(
        "SQLAlchemy 1.4 and newer have no dialect `postgres`: limbeck reads it as `postgresql`, plain Alembic fails",
    )
    .fix("write `postgresql://`, or name the driver: `postgresql+asyncpg://`")
}

fn check_driver(
    driver: Option<&str>,
    info: &ConnectionInfo,
    env: Option<EnvSummary<'_>>,
    installed: Option<&InstalledVersions>,
) -> Check {
    let Some((env, findings)) = env.and_then(|env| Some((env, env.findings?))) else {
        return CheckId::UrlAsyncDriver.not_checked("the driver", "`env.py` can't be read");
    };
    let is_replaced = findings
        .findings
        .iter()
        .any(|finding| matches!(finding.kind, FindingKind::DriverReplaced { .. }));
    let unless = if env.is_stock {
        ""
    } else {
        " (unless `env.py` converts the URL)"
    };
    if findings.is_async {
        return check_sync_driver(driver, info, installed, unless);
    }
    match driver {
        Some(driver) if is_only_async(driver) && !is_replaced => CheckId::UrlAsyncDriver
            .warning(format!(
                "`{driver}` is asynchronous and `env.py` makes a synchronous engine: limbeck supports that, plain Alembic \
                 fails with MissingGreenlet{unless}"
            ))
            .fix("use limbeck, or give `env.py` a URL with a synchronous driver, from `limbeck url convert --to …`"),
        Some(driver) if is_only_async(driver) => CheckId::UrlAsyncDriver.note(format!(
            "`{driver}` is asynchronous; `env.py` makes a synchronous engine and replaces the driver in the URL's text"
        )),
        _ => CheckId::UrlAsyncDriver.ok("the driver and `env.py` are synchronous"),
    }
}

fn check_sync_driver(
    driver: Option<&str>,
    info: &ConnectionInfo,
    installed: Option<&InstalledVersions>,
    unless: &str,
) -> Check {
    let id = CheckId::UrlSyncDriver;
    let is_async_driver = match driver {
        Some(driver) => ASYNC_DRIVERS.contains(&driver),
        None => ASYNC_DRIVERS.contains(&default_driver(info.backend.name(), installed)),
    };
    if is_async_driver {
        return id.ok("the driver and `env.py` are asynchronous");
    }
    let description = driver.map_or_else(
        || "the URL names no driver".to_owned(),
        |driver| format!("`{driver}` is synchronous"),
    );
    id.warning(format!(
        "{description} and `env.py` makes an asynchronous engine: limbeck supports that, plain Alembic needs an \
         asynchronous driver{unless}"
    ))
    .fix("name an asynchronous driver: `postgresql+asyncpg://`, `mysql+aiomysql://`, `sqlite+aiosqlite://`")
}

/// Returns the driver that SQLAlchemy uses for a URL without a driver. For PostgreSQL, the driver is psycopg from SQLAlchemy
/// 2.1 on, and psycopg2 before.
pub(super) fn default_driver(dialect: &str, installed: Option<&InstalledVersions>) -> &'static str {
    let sqlalchemy = installed.and_then(|installed| installed.version("SQLAlchemy"));
    match dialect {
        "postgresql" if sqlalchemy.is_some_and(|version| is_at_least(version, (2, 1))) => "psycopg",
        "postgresql" => "psycopg2",
        "sqlite" => "pysqlite",
        _ => "mysqldb",
    }
}

/// Returns the conversion target of a URL's driver; `None` for a driver that limbeck doesn't know.
pub(super) fn target_of_driver(
    dialect: &str,
    driver: Option<&str>,
    installed: Option<&InstalledVersions>,
) -> Option<Target> {
    let driver = driver.unwrap_or_else(|| default_driver(dialect, installed));
    format!("{dialect}+{driver}").parse().ok()
}

/// Returns the parameters of a URL that a driver doesn't accept under their names.
///
/// # Errors
/// Returns [`ConvertError`] if the URL can't be converted for the driver.
pub(super) fn rejected_parameters(text: &str, target: Target) -> Result<Vec<String>, ConvertError> {
    let conversion = convert(text, target)?;
    let accepted = DatabaseUrl::parse(conversion.reveal_url())
        .map(|url| url.query)
        .unwrap_or_default();
    let given = DatabaseUrl::parse(text)
        .map(|url| url.query)
        .unwrap_or_default();
    let accepts = |name: &str| {
        accepted.iter().any(|(accepted, _)| accepted == name)
            || conversion
                .connect_args
                .iter()
                .any(|(accepted, _)| accepted == name)
    };
    let mut rejected: Vec<String> = given
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !accepts(name))
        .collect();
    rejected.dedup();
    Ok(rejected)
}

fn check_parameters(
    text: &str,
    driver: Option<&str>,
    info: &ConnectionInfo,
    installed: Option<&InstalledVersions>,
) -> Check {
    let id = CheckId::UrlParameters;
    let Some(target) = target_of_driver(info.backend.name(), driver, installed) else {
        return id.not_checked("the parameters", "limbeck does not know the driver");
    };
    match rejected_parameters(text, target) {
        Ok(rejected) if rejected.is_empty() => id.ok("the driver accepts each parameter"),
        Ok(rejected) => id
            .error(format!(
                "{target} does not accept {} in its URL",
                super::quoted(&rejected)
            ))
            .fix(format!(
                "use the URL that `limbeck url convert --to {target}` prints"
            )),
        Err(error) => {
            let check = id.error(format!("{target} does not support the URL: {error}"));
            match error.help {
                Some(help) => check.fix(help),
                None => check,
            }
        }
    }
}

/// Returns whether a driver works only with an asynchronous engine; psycopg works with both kinds.
fn is_only_async(driver: &str) -> bool {
    driver != "psycopg" && ASYNC_DRIVERS.contains(&driver)
}

/// Returns whether the server is on this machine.
pub(super) fn is_local(info: &ConnectionInfo) -> bool {
    let mut remote_only = Policy::default();
    remote_only.refuses_local = true;
    info.backend == Backend::Sqlite || remote_only.check(info).is_err()
}

fn check_tls(info: &ConnectionInfo) -> Check {
    let id = CheckId::UrlTls;
    let level = info.tls.effective_level();
    if is_local(info) {
        return id.ok("the database is on this machine");
    }
    if level >= TlsLevel::VerifyCa {
        return id.ok(format!(
            "the server's certificate is verified (`{}`)",
            level.name()
        ));
    }
    let problem = match level {
        TlsLevel::Disable => "the connection is not encrypted",
        TlsLevel::Allow | TlsLevel::Prefer => {
            "the connection is in clear if the server has no TLS, and nothing is verified if it has"
        }
        _ => "the connection is encrypted, but the server is not verified",
    };
    let fix = match info.backend {
        Backend::Postgresql => {
            "set `sslmode=verify-full` and `sslrootcert`, and convert the URL for the driver with `limbeck url convert`"
        }
        _ => "set `ssl_ca` to the file with the authority's certificate",
    };
    id.warning(format!("{problem} (`{}`)", level.name()))
        .fix(fix)
}
