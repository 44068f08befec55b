//! URL conversion in a fixed `env.py`: other databases, TLS as strict as before, and limbeck on a fixed project.

use std::path::Path;

use limbeck_testkit::certificates::Authority;
use limbeck_testkit::{CommandOutput, MariaDb, Sandbox, python, reference_python};

use super::{REVISION, World, expect_status, fix};
use crate::replay::stock;
use crate::support::{alembic, limbeck, to_command_output};

/// Creates a project as `init` does, with a URL in its ini.
fn project(template: &str, url: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    stock(&sandbox, template, "migrations");
    sandbox.write("migrations/versions/a1.py", REVISION);
    set_url(&sandbox, url);
    sandbox
}

fn set_url(sandbox: &Sandbox, url: &str) {
    let ini = sandbox.read("alembic.ini");
    let lines = ini.lines().map(|line| {
        if line.starts_with("sqlalchemy.url = ") {
            format!("sqlalchemy.url = {}\n", url.replace('%', "%%"))
        } else {
            format!("{line}\n")
        }
    });
    sandbox.write("alembic.ini", &lines.collect::<String>());
}

fn upgrade(sandbox: &Sandbox, program: &Path, python: &Path) -> CommandOutput {
    let mut command = sandbox.command(program, Some(python));
    to_command_output(
        &command
            .args(["upgrade", "head"])
            .output()
            .expect("the program starts"),
    )
}

/// Asserts that Alembic fails with a URL, and succeeds after the fix.
fn check(python: &Path, template: &str, url: &str) {
    let sandbox = project(template, url);
    let failed = upgrade(&sandbox, &alembic(python), python);
    assert_ne!(failed.status, 0, "{template}, {url}");
    expect_status(fix(&sandbox, &["--yes"]), 0, url);
    expect_status(upgrade(&sandbox, &alembic(python), python), 0, url);
}

#[test]
fn sqlite() {
    let python = reference_python();
    check(&python, "generic", "sqlite+aiosqlite:///sync.db");
    check(&python, "async", "sqlite:///async.db?timeout=3");
}

#[test]
fn mariadb() {
    let python = reference_python();
    let server = MariaDb::start();
    for (number, (template, scheme)) in
        [("generic", "mysql+aiomysql"), ("async", "mariadb+pymysql")]
            .into_iter()
            .enumerate()
    {
        let database = format!("shop{number}");
        server.create_database(&database);
        check(&python, template, &server.url(scheme, &database));
        let rows = server.sql(&database, "select version_num from alembic_version");
        assert_eq!(rows.trim(), "a1");
    }
}

/// A fixed project connects with the TLS level and the authorities of its URL.
#[test]
fn keeps_the_tls_level() {
    let world = World::new();
    let folder = Sandbox::new();
    let other = Authority::new(&folder.path().join("other"), "another authority");
    let (good, bad) = (world.server.authority(), other.own.certificate);
    for (number, template) in ["generic", "async"].into_iter().enumerate() {
        let database = format!("tls{number}");
        world.server.create_database(&database);
        let (scheme, level) = match template {
            "generic" => ("postgresql+asyncpg", "ssl"),
            _ => ("postgresql", "sslmode"),
        };
        let url = |query: &str| world.url(scheme, &database, query);
        let sandbox = project(template, &url(&format!("?{level}=require")));
        expect_status(fix(&sandbox, &["--yes"]), 0, template);
        let root = |file: &Path| format!("?{level}=verify-full&sslrootcert={}", file.display());
        for (query, expected) in [
            (root(&bad), "certificate verify failed"),
            // The URL names no authority to trust.
            (format!("?{level}=verify-full"), "root certificate file"),
            (
                format!("?{level}=disable"),
                "pg_hba.conf rejects connection",
            ),
            (format!("?{level}=require&no_such=1"), "no_such"),
            (format!("?{level}=required"), "ssl"),
        ] {
            set_url(&sandbox, &url(&query));
            let failed = upgrade(&sandbox, &alembic(&world.python), &world.python);
            assert_ne!(failed.status, 0, "{template}, {query}");
            assert!(
                failed.stderr.contains(expected),
                "{template}, {query}: {}",
                failed.stderr
            );
        }
        set_url(&sandbox, &url(&root(&good)));
        expect_status(
            upgrade(&sandbox, &alembic(&world.python), &world.python),
            0,
            template,
        );
    }
}

/// limbeck runs a fixed project like the original, without any driver.
#[test]
fn limbeck_runs_a_fixed_project() {
    let world = World::new();
    let python = python();
    for (number, template) in ["generic", "async"].into_iter().enumerate() {
        let database = format!("own{number}");
        world.server.create_database(&database);
        let scheme = if template == "async" {
            "postgres"
        } else {
            "postgresql+asyncpg"
        };
        let sandbox = project(template, &world.url(scheme, &database, ""));
        expect_status(fix(&sandbox, &["--yes"]), 0, template);
        expect_status(upgrade(&sandbox, &limbeck(), &python), 0, template);
        let rows = world
            .server
            .sql(&database, "select version_num from alembic_version");
        assert_eq!(rows.trim(), "a1", "{template}");
    }
}
