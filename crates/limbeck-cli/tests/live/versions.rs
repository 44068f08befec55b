//! The example's history with every supported Python, Alembic and SQLAlchemy, on every database: upgrades and
//! downgrades leave the same schema as real Alembic.

use std::path::Path;

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, all_pythons, reference_python};

use crate::support::{alembic, example, limbeck, sqlite_schema, sync_env};

/// Copies the example.
fn shop() -> Sandbox {
    example("shop")
}

/// Runs a program, which must succeed.
fn run(sandbox: &Sandbox, program: &Path, python: &Path, url: &str, arguments: &[&str]) {
    let output = sandbox
        .command(program, Some(python))
        .env("DATABASE_URL", url)
        .args(arguments)
        .output()
        .expect("the program starts");
    assert!(
        output.status.success(),
        "{} {arguments:?} with {}: {}",
        program.display(),
        python.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Upgrades, upgrades again and downgrades with limbeck, and returns the content of the database after each run.
fn run_limbeck(
    python: &Path,
    url: &str,
    downgrade: bool,
    dump: impl Fn() -> String,
) -> Vec<String> {
    let sandbox = shop();
    let commands = [
        &["upgrade", "heads"][..],
        &["upgrade", "heads"],
        &["downgrade", "base"],
    ];
    let left = commands
        .iter()
        .take(if downgrade { 3 } else { 2 })
        .map(|command| {
            run(&sandbox, &limbeck(), python, url, command);
            dump()
        });
    left.collect()
}

/// Runs the same commands with real Alembic.
fn run_alembic(
    python: &Path,
    sandbox: &Sandbox,
    url: &str,
    downgrade: bool,
    dump: impl Fn() -> String,
) -> Vec<String> {
    run(
        sandbox,
        &alembic(python),
        python,
        url,
        &["upgrade", "heads"],
    );
    let mut left = vec![dump(); 2];
    if downgrade {
        run(
            sandbox,
            &alembic(python),
            python,
            url,
            &["downgrade", "base"],
        );
        left.push(dump());
        assert_ne!(left[0], left[2]);
    }
    left
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    let reference = reference_python();
    let url = |name: &str| {
        server.create_database(name);
        server.url("postgresql+asyncpg", name, "")
    };
    let expected = run_alembic(&reference, &shop(), &url("reference"), true, || {
        server.dump_schema("reference")
    });
    for (number, python) in all_pythons().iter().enumerate() {
        let name = format!("n{number}");
        let actual = run_limbeck(python, &url(&name), true, || server.dump_schema(&name));
        assert_eq!(actual, expected, "{}", python.display());
    }
}

/// Real Alembic can't downgrade this history on MariaDB: a script drops an index that a foreign key needs.
#[test]
fn mariadb() {
    let server = MariaDb::start();
    let reference = reference_python();
    let url = |name: &str| {
        server.create_database(name);
        server.url("mysql+aiomysql", name)
    };
    let expected = run_alembic(&reference, &shop(), &url("reference"), false, || {
        server.dump_schema("reference")
    });
    for (number, python) in all_pythons().iter().enumerate() {
        let name = format!("n{number}");
        let actual = run_limbeck(python, &url(&name), false, || server.dump_schema(&name));
        assert_eq!(actual, expected, "{}", python.display());
    }
}

/// SQLite keeps the text of each `CREATE TABLE`, which depends on SQLAlchemy's version, so each version is compared with
/// itself. Every Python has the driver, for a synchronous `env.py`.
#[test]
fn sqlite() {
    let synchronous = shop();
    let env = sync_env(", render_as_batch=True");
    synchronous.write("migrations/env.py", &env);
    for (number, python) in all_pythons().iter().enumerate() {
        let dump = |name: &str| sqlite_schema(&synchronous.path().join(name));
        let (theirs, ours) = (format!("theirs{number}.db"), format!("ours{number}.db"));
        let url = |scheme: &str, name: &str| {
            format!("{scheme}:///{}", synchronous.path().join(name).display())
        };
        let expected = run_alembic(python, &synchronous, &url("sqlite", &theirs), true, || {
            dump(&theirs)
        });
        let actual = run_limbeck(python, &url("sqlite+aiosqlite", &ours), true, || {
            dump(&ours)
        });
        assert_eq!(actual, expected, "{}", python.display());
    }
}
