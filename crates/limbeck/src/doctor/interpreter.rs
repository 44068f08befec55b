//! Checks of the Python interpreter and of what is installed for it.

use limbeck_script::interpreter::{
    InstalledVersions, InstalledVersionsError, Interpreter, InterpreterError,
};
use limbeck_url::mask;

use super::check::{Check, Id};
use super::url::{Understood, usual_driver};

/// Drivers: the name in a URL, and the packages that have it.
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

/// The oldest versions that the worker runs with.
const OLDEST_ALEMBIC: (u32, u32) = (1, 8);
const OLDEST_SQLALCHEMY: (u32, u32) = (1, 4);
const OLDEST_PYTHON: (u32, u32) = (3, 9);

/// The packages to ask an interpreter for.
pub(super) fn packages() -> Vec<&'static str> {
    let mut packages = vec!["alembic", "SQLAlchemy", "greenlet"];
    for (_, names) in DRIVERS {
        packages.extend(names.iter().filter(|name| **name != "psycopg"));
    }
    packages.push("psycopg");
    packages
}

/// What was learned of the interpreter.
pub(super) type Asked = Result<
    (
        Interpreter,
        Result<InstalledVersions, InstalledVersionsError>,
    ),
    InterpreterError,
>;

/// Checks what was learned; `urls` are those that plain Alembic would have to run.
pub(super) fn check(asked: &Asked, urls: &[&Understood], is_async: Option<bool>) -> Vec<Check> {
    let no_answer = |why: &str| {
        [
            (Id::PythonAlembic, "Alembic and SQLAlchemy"),
            (Id::PythonDrivers, "the drivers"),
            (
                Id::PythonPlainAlembic,
                "whether plain Alembic could run the URL",
            ),
        ]
        .map(|(id, what)| id.not_checked(what, why))
    };
    let fix = "activate the project's virtual environment, or name its interpreter with `--python`";
    let (interpreter, installed) = match asked {
        Ok((interpreter, Ok(installed))) => (interpreter, installed),
        Ok((_, Err(error))) => {
            let mut checks = vec![
                Id::PythonInterpreter
                    .error(mask(&error.to_string()))
                    .fix(fix),
            ];
            checks.extend(no_answer("the interpreter does not answer"));
            return checks;
        }
        Err(error) => {
            let mut checks = vec![Id::PythonInterpreter.error(error.to_string()).fix(fix)];
            checks.extend(no_answer("there is no interpreter"));
            return checks;
        }
    };
    let mut checks = vec![
        python(interpreter, installed),
        alembic(installed),
        drivers(installed),
    ];
    if urls.is_empty() {
        checks.push(
            Id::PythonPlainAlembic
                .not_checked("whether plain Alembic could run the URL", "no URL is known"),
        );
    }
    checks.extend(
        urls.iter()
            .map(|url| plain_alembic(url, installed, is_async)),
    );
    checks
}

fn python(interpreter: &Interpreter, installed: &InstalledVersions) -> Check {
    let id = Id::PythonInterpreter;
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

fn alembic(installed: &InstalledVersions) -> Check {
    let id = Id::PythonAlembic;
    let wanted = [
        ("Alembic", "alembic", OLDEST_ALEMBIC),
        ("SQLAlchemy", "SQLAlchemy", OLDEST_SQLALCHEMY),
    ];
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for (name, package, oldest) in wanted {
        match installed.version(package) {
            None => problems.push(format!("{name} is not installed")),
            Some(version) if !at_least(version, oldest) => problems.push(format!(
                "{name} {version} is older than {}.{}",
                oldest.0, oldest.1
            )),
            Some(version) => found.push(format!("{name} {version}")),
        }
    }
    if problems.is_empty() {
        return id.ok(found.join(", "));
    }
    id.error(problems.join("; "))
        .fix("activate the project's own environment, or install them: `pip install -U alembic sqlalchemy`")
}

fn drivers(installed: &InstalledVersions) -> Check {
    let mut found: Vec<String> = DRIVERS
        .iter()
        .filter(|(driver, _)| *driver != "psycopg_async")
        .filter_map(|(_, packages)| {
            let (package, version) = installed.first_installed(packages)?;
            Some(format!("{package} {version}"))
        })
        .collect();
    let none = found.is_empty();
    if let Some(version) = installed.version("greenlet") {
        found.push(format!("greenlet {version}"));
    }
    if none {
        found.insert(0, "none but `sqlite3`, and limbeck needs none".into());
    }
    Id::PythonDrivers.ok(found.join(", "))
}

fn plain_alembic(url: &Understood, installed: &InstalledVersions, is_async: Option<bool>) -> Check {
    let id = Id::PythonPlainAlembic;
    let usual = usual_driver(url.info.backend.name(), Some(installed));
    let driver = url.driver.as_deref().unwrap_or(usual);
    let packages = DRIVERS.iter().find(|(name, _)| *name == driver);
    let mut missing: Vec<&str> = match packages {
        Some((_, packages)) if installed.first_installed(packages).is_none() => vec![packages[0]],
        Some(_) => Vec::new(),
        None if driver == "pysqlite" => Vec::new(),
        None => return id.not_checked("the driver", "limbeck does not know it"),
    };
    if is_async == Some(true) && installed.version("greenlet").is_none() {
        missing.push("greenlet");
    }
    if missing.is_empty() {
        return id.ok(format!("`{driver}` is there for plain Alembic"));
    }
    id.warning(format!(
        "plain Alembic could not run the URL: {} is not installed; limbeck needs no driver",
        super::quoted(&missing)
    ))
    .fix(format!(
        "for plain Alembic, `pip install {}`",
        missing.join(" ")
    ))
}

/// Whether a version is not older than another one.
pub(super) fn at_least(version: &str, (major, minor): (u32, u32)) -> bool {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part[..digits.unwrap_or(part.len())].parse().unwrap_or(0)
    });
    let own = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    own >= (major, minor)
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, oldest, expected) in [
            ("1.10.2", (1, 8), true),
            ("1.8", (1, 8), true),
            ("1.7.7", (1, 8), false),
            ("2.1.0b2", (2, 1), true),
            ("2.0.46", (2, 1), false),
            ("2", (1, 4), true),
            ("", (1, 4), false),
        ] {
            assert_eq!(at_least(version, oldest), expected, "{version}");
        }
    }
}
