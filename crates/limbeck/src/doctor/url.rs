//! Checks of a URL: what it means, and what its driver, SQLAlchemy and the network make of it.

use limbeck_script::environment::FindingKind;
use limbeck_script::interpreter::InstalledVersions;
use limbeck_url::{
    Backend, ConnectionInfo, ConvertError, DatabaseUrl, Policy, Target, TlsLevel, convert,
};

use super::check::{Check, Id};
use super::pooler;
use super::source::{Env, FoundUrl, PLACEHOLDER};
use crate::version_probe::ASYNC_DRIVERS;

/// Characters that other readers than SQLAlchemy's split a URL at.
const SEPARATORS: [char; 6] = ['/', '?', '#', '[', ']', '@'];

/// Checks that can be done on every URL.
const OF_A_READABLE_URL: [(Id, &str); 6] = [
    (Id::UrlEncoding, "the password's characters"),
    (Id::UrlDialect, "the scheme"),
    (Id::UrlAsyncDriver, "the driver"),
    (Id::UrlParameters, "the parameters"),
    (Id::UrlTls, "TLS"),
    (Id::UrlPooler, "poolers"),
];

/// A URL that was understood.
pub(super) struct Understood {
    pub(super) info: ConnectionInfo,
    /// The driver that the URL names.
    pub(super) driver: Option<String>,
}

/// Checks a URL; what it means is returned where it can be read.
pub(super) fn check(
    found: &FoundUrl,
    env: Option<Env<'_>>,
    installed: Option<&InstalledVersions>,
) -> (Vec<Check>, Option<Understood>) {
    let text = found.text.reveal_clear_text().trim();
    let at = |check: Check| match &found.file {
        Some(file) => check.at(file, found.line),
        None => check,
    };
    if text == PLACEHOLDER {
        let check = if found.is_certain {
            let fix =
                "write the database's URL there, or have `env.py` take it from the environment";
            Id::UrlPlaceholder
                .error("the URL is still the template's placeholder")
                .fix(fix)
        } else {
            Id::UrlPlaceholder.note(
                "the ini has the template's placeholder, and no variable names a database: `env.py` must know it",
            )
        };
        return (
            vec![at(check), skipped(Id::UrlSource, "it is a placeholder")],
            None,
        );
    }
    let mut checks = Vec::new();
    let (info, _) = match ConnectionInfo::parse(text) {
        Ok(read) => read,
        Err(error) => {
            checks.push(at(unreadable(&error)));
            let rest = OF_A_READABLE_URL.iter();
            checks.extend(rest.map(|(id, what)| id.not_checked(what, "the URL can't be read")));
            return (checks, None);
        }
    };
    let driver = DatabaseUrl::parse(text).ok().and_then(|url| url.driver);
    checks.push(at(Id::UrlSource.ok(format!(
        "{}: {}",
        found.origin,
        meaning(&info, driver.as_deref())
    ))));
    checks.push(Id::UrlReadable.ok("it can be read in one way"));
    checks.push(Id::UrlPlaceholder.ok("it is not the template's"));
    let rest = [
        masked_password(&info),
        encoding(text),
        dialect(text, found),
        driver_and_env(driver.as_deref(), &info, env, installed),
        parameters(text, driver.as_deref(), &info, installed),
        tls(&info),
        pooler::check(&info, driver.as_deref()),
    ];
    checks.extend(rest.into_iter().map(at));
    (checks, Some(Understood { info, driver }))
}

fn skipped(id: Id, why: &str) -> Check {
    id.not_checked("the URL", why)
}

fn unreadable(error: &ConvertError) -> Check {
    let check = Id::UrlReadable.error(error.to_string());
    match &error.help {
        Some(help) => check.fix(help.clone()),
        None => check,
    }
}

/// What a URL means, in words that leave its secrets out.
fn meaning(info: &ConnectionInfo, driver: Option<&str>) -> String {
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
        Some(driver) => text + &format!(", by {driver}"),
        None => text,
    }
}

fn masked_password(info: &ConnectionInfo) -> Check {
    let id = Id::UrlMaskedPassword;
    let masked = info
        .password
        .as_ref()
        .is_some_and(|password| password.reveal_clear_text() == "***");
    if masked {
        return id
            .error("the password is `***`: SQLAlchemy prints URLs so, and this one was copied from there")
            .fix("write the password itself; in Python, use `url.render_as_string(hide_password=False)`");
    }
    id.ok("the password is not a masked one")
}

fn encoding(text: &str) -> Check {
    let id = Id::UrlEncoding;
    let url = DatabaseUrl::parse(text).ok();
    let password = url.and_then(|url| url.password);
    let Some(password) = password
        .as_ref()
        .map(limbeck_url::Secret::reveal_clear_text)
    else {
        return id.ok("there is no password");
    };
    // A password that stands in the URL as it is was not encoded.
    let as_it_is = !password.is_empty() && text.contains(&format!(":{password}@"));
    let special = |c: char| SEPARATORS.contains(&c) || c == '%' || c.is_whitespace();
    if as_it_is && password.contains(special) {
        return id
            .warning("the password has special characters that are not encoded: libpq and others split the URL there")
            .fix("encode it with `python3 -c 'import getpass, urllib.parse; print(urllib.parse.quote(getpass.getpass(), \"\"))'`");
    }
    id.ok("nothing in the password has to be encoded, or it is")
}

fn dialect(text: &str, found: &FoundUrl) -> Check {
    let id = Id::UrlDialect;
    let Ok(url) = DatabaseUrl::parse(text) else {
        let message = "it is a libpq string, which SQLAlchemy does not take";
        return id
            .warning(message)
            .fix("write it with `limbeck url convert --to postgresql+psycopg2`");
    };
    if url.dialect != "postgres" {
        return id.ok(format!("`{}` is a dialect of SQLAlchemy's", url.dialect));
    }
    let message = "SQLAlchemy 1.4 and newer have no dialect `postgres`";
    let check = if found.is_certain {
        id.error(message)
    } else {
        id.warning(format!("{message}: `env.py` must put another in its place"))
    };
    check.fix("write `postgresql://`, or `postgresql+asyncpg://` with the driver's name")
}

fn driver_and_env(
    driver: Option<&str>,
    info: &ConnectionInfo,
    env: Option<Env<'_>>,
    installed: Option<&InstalledVersions>,
) -> Check {
    let Some((env, survey)) = env.and_then(|env| Some((env, env.survey?))) else {
        return Id::UrlAsyncDriver.not_checked("the driver", "`env.py` can't be read");
    };
    let replaced = survey
        .findings
        .iter()
        .any(|finding| matches!(finding.kind, FindingKind::DriverReplaced { .. }));
    let unless = if env.is_stock {
        ""
    } else {
        " (unless `env.py` converts the URL)"
    };
    if survey.is_async {
        return sync_driver(driver, info, installed, unless);
    }
    match driver {
        Some(driver) if is_only_async(driver) && !replaced => Id::UrlAsyncDriver
            .warning(format!(
                "`{driver}` is asynchronous and `env.py` makes a synchronous engine: limbeck runs it, plain Alembic \
                 ends with MissingGreenlet{unless}"
            ))
            .fix("go on with limbeck, or give `env.py` the URL of `limbeck url convert --to …` with a synchronous driver"),
        Some(driver) if is_only_async(driver) => Id::UrlAsyncDriver.note(format!(
            "`{driver}` is asynchronous, `env.py` makes a synchronous engine, and replaces the driver as text"
        )),
        _ => Id::UrlAsyncDriver.ok("the driver is synchronous, as `env.py` is"),
    }
}

fn sync_driver(
    driver: Option<&str>,
    info: &ConnectionInfo,
    installed: Option<&InstalledVersions>,
    unless: &str,
) -> Check {
    let id = Id::UrlSyncDriver;
    let good = match driver {
        Some(driver) => ASYNC_DRIVERS.contains(&driver),
        None => ASYNC_DRIVERS.contains(&usual_driver(info.backend.name(), installed)),
    };
    if good {
        return id.ok("the driver is asynchronous, as `env.py` is");
    }
    let named = driver.map_or_else(
        || "the URL names no driver".to_owned(),
        |driver| format!("`{driver}` is synchronous"),
    );
    id.warning(format!(
        "{named} and `env.py` makes an asynchronous engine: limbeck runs it, plain Alembic demands an asynchronous \
         driver{unless}"
    ))
    .fix("name an asynchronous driver: `postgresql+asyncpg://`, `mysql+aiomysql://`, `sqlite+aiosqlite://`")
}

/// The driver that SQLAlchemy takes for a URL without one; 2.1 has another for PostgreSQL.
pub(super) fn usual_driver(dialect: &str, installed: Option<&InstalledVersions>) -> &'static str {
    let sqlalchemy = installed.and_then(|installed| installed.version("SQLAlchemy"));
    match dialect {
        "postgresql" if sqlalchemy.is_some_and(|it| super::interpreter::at_least(it, (2, 1))) => {
            "psycopg"
        }
        "postgresql" => "psycopg2",
        "sqlite" => "pysqlite",
        _ => "mysqldb",
    }
}

/// The target of a URL's driver; none for a driver that limbeck does not know.
pub(super) fn own_target(
    dialect: &str,
    driver: Option<&str>,
    installed: Option<&InstalledVersions>,
) -> Option<Target> {
    let driver = driver.unwrap_or_else(|| usual_driver(dialect, installed));
    format!("{dialect}+{driver}").parse().ok()
}

/// The parameters of a URL that its own driver does not take under their names.
pub(super) fn refused_parameters(text: &str, target: Target) -> Result<Vec<String>, ConvertError> {
    let conversion = convert(text, target)?;
    let known = DatabaseUrl::parse(conversion.reveal_url())
        .map(|url| url.query)
        .unwrap_or_default();
    let own = DatabaseUrl::parse(text)
        .map(|url| url.query)
        .unwrap_or_default();
    let takes = |name: &str| {
        known.iter().any(|(known, _)| known == name)
            || conversion
                .connect_args
                .iter()
                .any(|(known, _)| known == name)
    };
    let mut refused: Vec<String> = own
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !takes(name))
        .collect();
    refused.dedup();
    Ok(refused)
}

fn parameters(
    text: &str,
    driver: Option<&str>,
    info: &ConnectionInfo,
    installed: Option<&InstalledVersions>,
) -> Check {
    let id = Id::UrlParameters;
    let Some(target) = own_target(info.backend.name(), driver, installed) else {
        return id.not_checked("the parameters", "limbeck does not know the driver");
    };
    match refused_parameters(text, target) {
        Ok(refused) if refused.is_empty() => id.ok("the driver takes each parameter"),
        Ok(refused) => id
            .error(format!(
                "{target} does not take {} in its URL",
                super::quoted(&refused)
            ))
            .fix(format!(
                "write what `limbeck url convert --to {target}` gives"
            )),
        Err(error) => {
            let check = id.error(format!("{target} can't do what the URL asks for: {error}"));
            match error.help {
                Some(help) => check.fix(help),
                None => check,
            }
        }
    }
}

/// Whether a driver is of no use to a synchronous engine; psycopg is both.
fn is_only_async(driver: &str) -> bool {
    driver != "psycopg" && ASYNC_DRIVERS.contains(&driver)
}

/// Whether the server is on this machine.
pub(super) fn is_local(info: &ConnectionInfo) -> bool {
    let mut remote_only = Policy::default();
    remote_only.refuses_local = true;
    info.backend == Backend::Sqlite || remote_only.check(info).is_err()
}

fn tls(info: &ConnectionInfo) -> Check {
    let id = Id::UrlTls;
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
    let what = match level {
        TlsLevel::Disable => "nothing is encrypted",
        TlsLevel::Allow | TlsLevel::Prefer => {
            "the connection is in clear where the server has no TLS, and verifies nothing where it has"
        }
        _ => "the connection is encrypted, to whoever answers",
    };
    let fix = match info.backend {
        Backend::Postgresql => {
            "write `sslmode=verify-full` with `sslrootcert`, and convert it for the driver with `limbeck url convert`"
        }
        _ => "name the authority with `ssl_ca`",
    };
    id.warning(format!("{what} (`{}`)", level.name())).fix(fix)
}
