//! Reports of connections that can't be opened.

use std::path::Path;

use limbeck_testkit::certificates::Authority;
use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, reserve_port};

use super::{Redaction, assert_report, failing, report};

fn check(name: &str, url: &str, redaction: &Redaction) {
    check_command(name, url, &["upgrade", "head"], redaction);
}

fn check_command(name: &str, url: &str, arguments: &[&str], redaction: &Redaction) {
    let report = report(&failing("pass"), url, arguments, redaction);
    assert!(!report.contains("hunter2"), "{report}");
    assert_report(name, &report);
}

#[test]
fn connection_refused() {
    let port = reserve_port();
    let redaction = Redaction::default().port(port);
    let postgres = format!("postgresql+asyncpg://app:hunter2@127.0.0.1:{port}/app");
    check("connection_refused_by_postgresql", &postgres, &redaction);
    let mysql = format!("mysql+aiomysql://app:hunter2@127.0.0.1:{port}/app");
    check("connection_refused_by_mysql", &mysql, &redaction);
    check_command(
        "connection_refused_while_waiting",
        &postgres,
        &["wait", "--timeout", "0s"],
        &redaction,
    );
}

#[test]
fn authentication_failed_on_postgresql() {
    let server = Postgres::start(Tls::Required);
    let url = server.url("postgresql+asyncpg", "postgres", "?ssl=require");
    let url = url.replace(":secret@", ":hunter2@");
    let redaction = Redaction::default().port(server.port);
    check("authentication_failed_on_postgresql", &url, &redaction);
}

#[test]
fn authentication_failed_on_mariadb() {
    let server = MariaDb::start();
    let url = server.url("mysql+aiomysql", "mysql");
    let url = url.replace("root@", "root:hunter2@");
    let redaction = Redaction::default().port(server.port);
    check("authentication_failed_on_mariadb", &url, &redaction);
}

#[test]
fn tls_refused_by_the_server() {
    let server = Postgres::start(Tls::Off);
    let url = server.url("postgresql+asyncpg", "postgres", "?ssl=require");
    let redaction = Redaction::default().port(server.port);
    check("tls_refused_by_the_server", &url, &redaction);
}

#[test]
fn tls_certificate_of_another_authority() {
    let server = Postgres::start(Tls::Required);
    let folder = Sandbox::new();
    let other = Authority::new(&folder.path().join("other"), "another authority");
    let url = |root: &Path| {
        let query = format!("?sslmode=verify-full&sslrootcert={}", root.display());
        server.url("postgresql+psycopg", "postgres", &query)
    };
    let redaction = Redaction::default()
        .port(server.port)
        .path(folder.path(), "[folder]");
    let url = url(&other.own.certificate);
    check("tls_certificate_of_another_authority", &url, &redaction);
}
