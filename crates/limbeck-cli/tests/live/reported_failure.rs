//! The original use case: an asynchronous URL with TLS, in projects of all stock templates.

use limbeck_testkit::{Postgres, Sandbox, Tls, python, reference_python};

use crate::support::{alembic, limbeck};

fn project(template: &str, url: &str) -> Sandbox {
    let reference = reference_python();
    let sandbox = Sandbox::new();
    sandbox
        .run(
            &alembic(&reference),
            Some(&reference),
            &["init", "-t", template, "migrations"],
        )
        .success();
    let ini = sandbox.read("alembic.ini");
    let lines = ini.lines().map(|line| {
        if line.starts_with("sqlalchemy.url") {
            format!("sqlalchemy.url = {}", url.replace('%', "%%"))
        } else {
            line.to_owned()
        }
    });
    sandbox.write(
        "alembic.ini",
        &(lines.collect::<Vec<_>>().join("\n") + "\n"),
    );
    let (up, arguments) = if template == "multidb" {
        (
            "def upgrade(engine_name):\n    op.create_table('t_' + engine_name, sa.Column('id', sa.Integer, primary_key=True))\n",
            "engine_name",
        )
    } else {
        (
            "def upgrade():\n    op.create_table('t', sa.Column('id', sa.Integer, primary_key=True))\n",
            "",
        )
    };
    sandbox.write(
        "migrations/versions/a1.py",
        &format!(
            "import sqlalchemy as sa\nfrom alembic import op\nrevision = 'a1'\ndown_revision = None\n\n\n{up}\n\ndef downgrade({arguments}):\n    pass\n"
        ),
    );
    sandbox
}

fn check(template: &str, tables: &str, failure_of_alembic: Option<&str>) {
    let server = Postgres::start(Tls::Required);
    let python = python();
    let reference = reference_python();
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "?ssl=require");
    let sandbox = project(template, &url);
    let real = sandbox.run(&alembic(&reference), Some(&reference), &["upgrade", "head"]);
    if let Some(text) = failure_of_alembic {
        assert_eq!(real.status, 1, "{}", real.stderr);
        assert!(real.stderr.contains(text), "{}", real.stderr);
    }
    let ours = sandbox
        .run(&limbeck(), Some(&python), &["upgrade", "head"])
        .success();
    assert!(!ours.stderr.contains("secret") && !ours.stdout.contains("secret"));
    let found = server.sql("app", "select string_agg(relname, ',' order by relname) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace");
    assert_eq!(found.trim(), tables);
    assert_eq!(
        server
            .sql("app", "select version_num from alembic_version")
            .trim(),
        "a1"
    );
    let again = sandbox
        .run(&limbeck(), Some(&python), &["current"])
        .success();
    assert_eq!(again.stdout.trim(), "a1 (head)");
}

#[test]
fn upgrades_the_stock_synchronous_template() {
    check("generic", "alembic_version,t", Some("MissingGreenlet"));
}

#[test]
fn upgrades_the_stock_asynchronous_template() {
    check("async", "alembic_version,t", None);
}

#[test]
fn upgrades_the_stock_multidb_template() {
    let server = Postgres::start(Tls::Required);
    let python = python();
    let reference = reference_python();
    let sandbox = project("multidb", "unused");
    let mut ini = sandbox.read("alembic.ini");
    for engine in ["engine1", "engine2"] {
        server.create_database(engine);
        let url = server.url("postgresql+asyncpg", engine, "?ssl=require");
        let section = format!("[{engine}]\n");
        let start = ini.find(&section).expect("the template's section") + section.len();
        let length = ini[start..].find('\n').expect("a line");
        ini.replace_range(start..start + length, &format!("sqlalchemy.url = {url}"));
    }
    sandbox.write("alembic.ini", &ini);
    let real = sandbox.run(&alembic(&reference), Some(&reference), &["upgrade", "head"]);
    assert!(
        real.status == 1 && real.stderr.contains("MissingGreenlet"),
        "{}",
        real.stderr
    );
    sandbox
        .run(&limbeck(), Some(&python), &["upgrade", "head"])
        .success();
    for engine in ["engine1", "engine2"] {
        assert_eq!(
            server
                .sql(engine, "select version_num from alembic_version")
                .trim(),
            "a1"
        );
        assert_eq!(
            server
                .sql(engine, &format!("select count(*) from t_{engine}"))
                .trim(),
            "0"
        );
    }
}

#[test]
fn reports_a_wrong_password_without_showing_it() {
    let server = Postgres::start(Tls::Required);
    let python = python();
    let url = server
        .url("postgresql+asyncpg", "postgres", "?ssl=require")
        .replace(":secret@", ":hunter2@");
    let sandbox = project("generic", &url);
    let ours = sandbox.run(&limbeck(), Some(&python), &["upgrade", "head"]);
    assert_eq!(ours.status, 1);
    assert!(
        ours.stderr.contains("password authentication failed"),
        "{}",
        ours.stderr
    );
    assert!(
        ours.stderr.contains("check the user and the password"),
        "{}",
        ours.stderr
    );
    assert!(
        !ours.stderr.contains("hunter2") && !ours.stdout.contains("hunter2"),
        "{}",
        ours.stderr
    );
}

#[test]
fn does_not_fall_back_to_a_plain_connection() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    let url = server.url("postgresql+asyncpg", "postgres", "?ssl=require");
    let sandbox = project("generic", &url);
    let ours = sandbox.run(&limbeck(), Some(&python), &["upgrade", "head"]);
    assert_eq!(ours.status, 1);
    assert!(ours.stderr.contains("has no TLS"), "{}", ours.stderr);
}
