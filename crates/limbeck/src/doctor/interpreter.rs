//! Checks of the Python interpreter and its packages.

use limbeck_script::interpreter::{
    InstalledVersions, InstalledVersionsError, Interpreter, InterpreterError,
};
use limbeck_url::mask;

use super::check::{Check, CheckId};
use super::url::{ParsedUrl, default_driver};

/// The drivers: the name in a URL, and the packages that contain the driver.
const DRIVERS: [(&str, &[&str]); 13] = [
    ("psycopg2", &["psycopg2", "psycopg2-binary"]),
    ("psycopg2cffi", &["psycopg2cffi"]),
    ("psycopg", &["psycopg"]),
    ("psycopg_async", &["psycopg"]),
    ("asyncpg", &["asyncpg"]),
    ("pg8000", &["pg8000"]),
    ("pymysql", &["PyMySQL"]),
    ("aiomysql", &["aiomysql"]),
    ("asyncmy", &["asyncmy"]),
    ("mysqldb", &["mysqlclient"]),
    ("mysqlconnector", &["mysql-connector-python"]),
    ("mariadbconnector", &["mariadb"]),
    ("aiosqlite", &["aiosqlite"]),
];

/// The oldest versions that the worker supports.
const OLDEST_ALEMBIC: (u32, u32) = (1, 8);
const OLDEST_SQLALCHEMY: (u32, u32) = (1, 4);
const OLDEST_PYTHON: (u32, u32) = (3, 9);

/// Returns the packages whose versions the checks need.
fn packages() -> Vec<&'static str> {
    let mut packages = vec!["alembic", "SQLAlchemy", "greenlet"];
    for (_, names) in DRIVERS {
        packages.extend(names.iter().filter(|name| **name != "psycopg"));
    }
    packages.push("psycopg");
    packages
}

/// An interpreter and the versions of its packages.
pub(super) struct QueriedInterpreter {
    pub(super) interpreter: Interpreter,
    pub(super) installed: Result<InstalledVersions, InstalledVersionsError>,
}

impl QueriedInterpreter {
    /// Starts an interpreter to list its packages.
    pub(super) async fn query(interpreter: Interpreter) -> Self {
        let installed = interpreter.installed_versions(&packages()).await;
        Self {
            interpreter,
            installed,
        }
    }
}

/// Checks an interpreter. `urls` are the URLs that plain Alembic would need a driver for; `is_async` is whether `env.py`
/// makes an asynchronous engine, if known.
pub(super) fn check(
    queried: &Result<QueriedInterpreter, InterpreterError>,
    urls: &[&ParsedUrl],
    is_async: Option<bool>,
) -> Vec<Check> {
    let not_checked = |reason: &str| {
        [
            (CheckId::PythonAlembic, "Alembic and SQLAlchemy"),
            (CheckId::PythonDrivers, "the drivers"),
            (
                CheckId::PythonPlainAlembic,
                "whether plain Alembic could use the URL",
            ),
        ]
        .map(|(id, subject)| id.not_checked(subject, reason))
    };
    let fix = "activate the project's virtual environment, or name its interpreter with `--python`";
    let (interpreter, installed) = match queried {
        Ok(QueriedInterpreter {
            interpreter,
            installed: Ok(installed),
        }) => (interpreter, installed),
        Ok(QueriedInterpreter {
            installed: Err(error),
            ..
        }) => {
            let mut checks = vec![
                CheckId::PythonInterpreter
                    .error(mask(&error.to_string()))
                    .fix(fix),
            ];
            checks.extend(not_checked("the interpreter could not list its packages"));
            return checks;
        }
        Err(error) => {
            let mut checks = vec![CheckId::PythonInterpreter.error(error.to_string()).fix(fix)];
            checks.extend(not_checked("limbeck found no interpreter"));
            return checks;
        }
    };
    let mut checks = vec![
        check_python(interpreter, installed),
        check_alembic(installed),
        check_drivers(installed),
    ];
    if urls.is_empty() {
        checks.push(
            CheckId::PythonPlainAlembic
                .not_checked("whether plain Alembic could use the URL", "no URL is known"),
        );
    }
    checks.extend(
        urls.iter()
            .map(|url| check_plain_alembic(url, installed, is_async)),
    );
    checks
}

fn check_python(interpreter: &Interpreter, installed: &InstalledVersions) -> Check {
    let id = CheckId::PythonInterpreter;
    let (major, minor, patch) = installed.python;
    let message = format!(
        "Python {major}.{minor}.{patch} at `{}`, because of {}",
        interpreter.path.display(),
        interpreter.source
    );
    if (major, minor) < OLDEST_PYTHON {
        let (major, minor) = OLDEST_PYTHON;
        return id
            .error(message)
            .fix(format!("limbeck needs Python {major}.{minor} or newer"));
    }
    id.ok(message)
}

fn check_alembic(installed: &InstalledVersions) -> Check {
    let id = CheckId::PythonAlembic;
    let required = [
        ("Alembic", "alembic", OLDEST_ALEMBIC),
        ("SQLAlchemy", "SQLAlchemy", OLDEST_SQLALCHEMY),
    ];
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for (name, package, oldest) in required {
        match installed.version(package) {
            None => problems.push(format!("{name} is not installed")),
            Some(version) if !is_at_least(version, oldest) => problems.push(format!(
                "{name} {version} is older than {}.{}",
                oldest.0, oldest.1
            )),
            Some(version) => found.push(format!("{name} {version}")),
        }
    }
    if problems.is_empty() {
        return id.ok(found.join(", "));
    }
    id.error(problems.join("; ")).fix(
        "activate the project's virtual environment, or run `pip install -U alembic sqlalchemy`",
    )
}

fn check_drivers(installed: &InstalledVersions) -> Check {
    let mut found: Vec<String> = DRIVERS
        .iter()
        .filter(|(driver, _)| *driver != "psycopg_async")
        .filter_map(|(_, packages)| {
            let (package, version) = installed.first_installed(packages)?;
            Some(format!("{package} {version}"))
        })
        .collect();
    let has_no_driver = found.is_empty();
    if let Some(version) = installed.version("greenlet") {
        found.push(format!("greenlet {version}"));
    }
    if has_no_driver {
        found.insert(0, "none but `sqlite3`; limbeck needs no driver".into());
    }
    CheckId::PythonDrivers.ok(found.join(", "))
}

fn check_plain_alembic(
    url: &ParsedUrl,
    installed: &InstalledVersions,
    is_async: Option<bool>,
) -> Check {
    let id = CheckId::PythonPlainAlembic;
    let default = default_driver(url.info.backend.name(), Some(installed));
    let driver = url.driver.as_deref().unwrap_or(default);
    let packages = DRIVERS.iter().find(|(name, _)| *name == driver);
    let mut missing: Vec<&str> = match packages {
        Some((_, packages)) if installed.first_installed(packages).is_none() => vec![packages[0]],
        Some(_) => Vec::new(),
        None if driver == "pysqlite" => Vec::new(),
        None => return id.not_checked(&format!("`{driver}`"), "limbeck does not know this driver"),
    };
    if is_async == Some(true) && installed.version("greenlet").is_none() {
        missing.push("greenlet");
    }
    if missing.is_empty() {
        return id.ok(format!(
            "plain Alembic could use the URL: `{driver}` is installed"
        ));
    }
    id.warning(format!(
        "plain Alembic could not use the URL: {} is not installed; limbeck needs no driver",
        super::quoted(&missing)
    ))
    .fix(format!(
        "for plain Alembic, `pip install {}`",
        missing.join(" ")
    ))
}

/// Returns whether a version is not older than another version.
pub(super) fn is_at_least(version: &str, (major, minor): (u32, u32)) -> bool {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part[..digits.unwrap_or(part.len())].parse().unwrap_or(0)
    });
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (major, minor)
}

#[cfg(test)]
mod tests {
    use super::is_at_least;

    #[test]
    fn compares_versions_by_their_numbers() {
        for (version, oldest, expected) in [
            ("1.10.2", (1, 8), true),
            ("1.8", (1, 8), true),
            ("1.7.7", (1, 8), false),
            ("2.1.0b2", (2, 1), true),
            ("2.0.46", (2, 1), false),
            ("2", (1, 4), true),
            ("", (1, 4), false),
        ] {
            assert_eq!(is_at_least(version, oldest), expected, "{version}");
        }
    }
}
