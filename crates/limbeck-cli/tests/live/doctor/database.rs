//! Checks of `doctor` on databases.

use limbeck_testkit::{MariaDb, PgBouncer, Postgres, Tls, python};

use super::{examine, project, revision};
use crate::support::limbeck;

#[test]
fn reports_the_state_of_the_database() {
    let server = Postgres::start(Tls::Off);
    let url = server.url("postgresql+psycopg2", "postgres", "");
    let python = python();
    let sandbox = project("generic", &url);
    revision(&sandbox, "a1", "None");
    revision(&sandbox, "b2", "'a1'");
    let found = examine(&sandbox, &[], &[]);
    found.has("database.connection", "ok", "PostgreSQL");
    found.has("database.state", "note", "2 revisions are pending");
    assert_eq!(found.status, 0, "{}", found.output);

    let run = |arguments: &[&str]| sandbox.run(&limbeck(), Some(&python), arguments).success();
    run(&["upgrade", "a1"]);
    let found = examine(&sandbox, &[], &[]);
    found.has("database.rows", "ok", "`a1`");
    found.has("database.state", "note", "1 revision is pending");
    run(&["upgrade", "head"]);
    examine(&sandbox, &[], &[]).has("database.state", "ok", "at head");

    // Alembic creates the column with 32 characters.
    revision(&sandbox, &"c".repeat(40), "'b2'");
    let found = examine(&sandbox, &[], &[]);
    found.has("database.version-width", "error", "takes 32 characters");
    let output = sandbox.run(&limbeck(), Some(&python), &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    server.sql(
        "postgres",
        "alter table alembic_version alter version_num type varchar(100)",
    );
    examine(&sandbox, &[], &[]).has("database.version-width", "ok", "100");
    run(&["upgrade", "head"]);

    server.sql(
        "postgres",
        "update alembic_version set version_num = 'elsewhere'",
    );
    let found = examine(&sandbox, &[], &[]);
    found.has("database.rows", "error", "`elsewhere`");
    found.has("database.state", "note", "not checked");
    assert_eq!(found.status, 1);
}

#[test]
fn reports_obstacles_to_migrations() {
    let server = Postgres::start(Tls::Off);
    server.sql(
        "postgres",
        "create role reader login; revoke create on schema public from public",
    );
    let url = format!(
        "postgresql+psycopg2://reader@127.0.0.1:{}/postgres",
        server.port
    );
    let sandbox = project("generic", &url);
    let found = examine(&sandbox, &[], &[]);
    found.has("database.rights", "error", "CREATE on schema `public`");
    found.has("database.tls", "ok", "this machine");
    found.has("database.pooler", "ok", "none");
    server.sql(
        "postgres",
        "alter role reader set default_transaction_read_only = on",
    );
    let found = examine(&sandbox, &[], &[]);
    found.has("database.writing", "error", "default_transaction_read_only");

    let sandbox = project("generic", "postgresql+psycopg2://u@127.0.0.1:1/d");
    let found = examine(&sandbox, &[], &[]);
    found.has("database.connection", "error", "127.0.0.1:1");
    found.has("database.state", "note", "there is no connection");
    let found = examine(&sandbox, &["--offline"], &[]);
    found.has("database.connection", "note", "because of `--offline`");
    assert_eq!(found.status, 0);
}

#[test]
fn checks_poolers_and_other_servers() {
    let server = Postgres::start(Tls::Off);
    let pooler = PgBouncer::start(&server, "transaction", 2);
    let url = pooler
        .url("postgres")
        .replace("postgresql:", "postgresql+psycopg2:");
    let sandbox = project("generic", &url);
    let found = examine(&sandbox, &[], &[]);
    found.has("database.pooler", "note", "by transaction");
    let server = MariaDb::start();
    server.create_database("shop");
    super::set_url(&sandbox, &server.url("mysql+pymysql", "shop"));
    revision(&sandbox, &"c".repeat(40), "None");
    let found = examine(&sandbox, &[], &[]);
    found.has("database.connection", "ok", "MariaDB");
    found.has("database.rights", "ok", "");
    // The version table doesn't exist yet: Alembic would create it with its usual width.
    found.has("database.version-width", "error", "takes 32 characters");
    super::set_url(&sandbox, "sqlite:///app.db");
    examine(&sandbox, &[], &[]).has("database.version-width", "ok", "SQLite");
}
