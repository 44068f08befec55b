//! Reports of connections that can't be opened.

use std::path::Path;

use limbeck_testkit::certificates::Authority;
use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, free_port};

use super::{Redaction, assert_report, failing, report};

fn check(name: &str, url: &str, redaction: &Redaction) {
    check_command(name, url, &["upgrade", "head"], redaction);
}

fn check_command(name: &str, url: &str, arguments: &[&str], redaction: &Redaction) {
    if let Some(report) = report(&failing("pass"), url, arguments, redaction) {
        assert!(!report.contains("hunter2"), "{report}");
        assert_report(name, &report);
    }
}

#[test]
fn connection_refused() {
    let port = free_port();
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
    let Some(server) = Postgres::start(Tls::Required) else {
        return;
    };
    let url = server.url("postgresql+asyncpg", "postgres", "?ssl=require");
    let url = url.replace(":secret@", ":hunter2@");
    let redaction = Redaction::default().port(server.port);
    check("authentication_failed_on_postgresql", &url, &redaction);
}

#[test]
fn authentication_failed_on_mariadb() {
    let Some(server) = MariaDb::start() else {
        return;
    };
    let url = server.url("mysql+aiomysql", "mysql");
    let url = url.replace("root@", "root:hunter2@");
    let redaction = Redaction::default().text(port_of(&url), "[port]");
    check("authentication_failed_on_mariadb", &url, &redaction);
}

/// Returns the port in a URL.
fn port_of(url: &str) -> &str {
    let rest = url.rsplit_once(':').expect("a port").1;
    rest.split('/').next().unwrap_or_default()
}

#[test]
fn tls_refused_by_the_server() {
    let Some(server) = Postgres::start(Tls::Off) else {
        return;
    };
    let url = server.url("postgresql+asyncpg", "postgres", "?ssl=require");
    let redaction = Redaction::default().port(server.port);
    check("tls_refused_by_the_server", &url, &redaction);
}

#[test]
fn tls_certificate_of_another_authority() {
    let Some(server) = Postgres::start(Tls::Required) else {
        return;
    };
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
