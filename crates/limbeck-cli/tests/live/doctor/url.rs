//! Checks of `doctor` on URLs, compared with real drivers, SQLAlchemy and Alembic.

use std::process::Command;

use limbeck_testkit::{python, reference_python};

use super::{assert_at_line, edit, examine, project, set_url};
use crate::support::{alembic, limbeck};

/// Runs `doctor` on a project with this URL and asserts one check.
#[track_caller]
fn check(template: &str, url: &str, id: &str, severity: &str, text: &str) {
    let sandbox = project(template, url);
    let found = examine(&sandbox, &["--offline"], &[]);
    let check = found.has(id, severity, text);
    assert_at_line(&sandbox, check, "alembic.ini", "sqlalchemy.url =");
    let expected: &[&str] = if severity == "error" { &[id] } else { &[] };
    assert_eq!(found.ids(&["error"]), expected, "{url}");
    assert_eq!(found.status, i32::from(severity == "error"), "{url}");
}

#[test]
fn finds_each_kind_of_fault() {
    let sync = |url: &str, id: &str, severity: &str, text: &str| {
        check("generic", url, id, severity, text);
    };
    sync(
        "postgresql://u:a%40b@localhost/d",
        "config.percent",
        "error",
        "`sqlalchemy.url`",
    );
    sync(
        "driver://user:pass@localhost/dbname",
        "url.placeholder",
        "error",
        "template",
    );
    sync(
        "postgresql://u:***@localhost/d",
        "url.masked-password",
        "error",
        "`***`",
    );
    sync(
        "postgres://u:p@localhost/d",
        "url.dialect",
        "warning",
        "`postgres`",
    );
    sync(
        "postgresql://u:a@b@localhost/d",
        "url.readable",
        "error",
        "@",
    );
    sync(
        "postgresql://u:p@localhost:99999/d",
        "url.readable",
        "error",
        "port",
    );
    sync(
        "postgresql+psycopg2://u:a/b@localhost/d",
        "url.encoding",
        "warning",
        "not encoded",
    );
    sync(
        "postgresql+asyncpg://u:p@localhost/d",
        "url.async-driver",
        "warning",
        "MissingGreenlet",
    );
    sync(
        "postgresql+psycopg2://u:p@localhost/d?ssl=require",
        "url.parameters",
        "error",
        "`ssl`",
    );
    sync(
        "postgresql+psycopg2://u:p@db.example.com/d?sslmode=require",
        "url.tls",
        "warning",
        "`require`",
    );
    sync(
        "mysql+pymysql://u:p@db.example.com/d",
        "url.tls",
        "warning",
        "in clear",
    );
    let full = "postgresql+psycopg2://u:p@db.example.com/d?sslmode=verify-full&sslrootcert=/ca.pem";
    sync(full, "url.tls", "ok", "verify-full");
    let asynchronous = |url: &str, id: &str, severity: &str, text: &str| {
        check("async", url, id, severity, text);
    };
    asynchronous(
        "postgresql+psycopg2://u:p@localhost/d",
        "url.sync-driver",
        "warning",
        "`psycopg2`",
    );
    asynchronous(
        "postgresql+asyncpg://u:p@localhost/d",
        "url.sync-driver",
        "ok",
        "",
    );
    asynchronous(
        "postgresql+asyncpg://u:p@localhost/d?sslmode=require",
        "url.parameters",
        "error",
        "`sslmode`",
    );
    let supabase = "postgresql+asyncpg://u:p@aws-0-eu.pooler.supabase.com:6543/d?ssl=require";
    asynchronous(supabase, "url.pooler", "warning", "Supabase");
    let neon = "postgresql+asyncpg://u:p@ep-a-1-pooler.eu.aws.neon.tech/d?ssl=require";
    asynchronous(neon, "url.pooler", "warning", "Neon");
    asynchronous(
        "postgresql+psycopg://u:p@localhost:6432/d",
        "url.pooler",
        "note",
        "6432",
    );
}

#[test]
fn rejects_the_parameters_that_real_drivers_reject() {
    let reference = reference_python();
    let sandbox = project("generic", "sqlite://");
    let program = "
import asyncio, sys
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
async def asynchronously(url):
    async with create_async_engine(url).connect():
        pass
try:
    if 'async' in sys.argv[1] or 'aio' in sys.argv[1]:
        asyncio.run(asynchronously(sys.argv[1]))
    else:
        create_engine(sys.argv[1]).connect()
except Exception as error:
    print(type(error).__name__, error)
";
    for (url, refused) in [
        ("postgresql+asyncpg://u@127.0.0.1:1/d?sslmode=require", true),
        ("postgresql+asyncpg://u@127.0.0.1:1/d?ssl=require", false),
        (
            "postgresql+asyncpg://u@127.0.0.1:1/d?application_name=web",
            true,
        ),
        ("postgresql+asyncpg://u@127.0.0.1:1/d?pgbouncer=true", true),
        (
            "postgresql+asyncpg://u@127.0.0.1:1/d?prepared_statement_cache_size=0",
            false,
        ),
        ("postgresql+psycopg2://u@127.0.0.1:1/d?ssl=require", true),
        (
            "postgresql+psycopg2://u@127.0.0.1:1/d?sslmode=require&application_name=web",
            false,
        ),
        ("postgresql+psycopg://u@127.0.0.1:1/d?ssl=require", true),
        ("mysql+pymysql://u@127.0.0.1:1/d?ssl_mode=REQUIRED", true),
        ("mysql+pymysql://u@127.0.0.1:1/d?charset=utf8mb4", false),
        ("mysql+aiomysql://u@127.0.0.1:1/d?sslmode=require", true),
    ] {
        let output = Command::new(&reference).args(["-c", program, url]).output();
        let printed = String::from_utf8_lossy(&output.expect("Python runs").stdout).into_owned();
        let rejections = [
            "TypeError",
            "ProgrammingError",
            "invalid connection option",
            "ValueError",
        ];
        let is_refused = rejections.iter().any(|text| printed.contains(text));
        assert_eq!(is_refused, refused, "{url}: {printed}");
        set_url(&sandbox, url);
        let found = examine(&sandbox, &["--offline"], &[]);
        let severity = if refused { "error" } else { "ok" };
        found.has("url.parameters", severity, "");
    }
}

/// limbeck runs a synchronous driver in an asynchronous `env.py`, and the reverse; plain Alembic does neither.
#[test]
fn runs_drivers_of_the_other_kind() {
    let python = python();
    let reference = reference_python();
    for (template, driver, id, expected) in [
        (
            "async",
            "pysqlite",
            "url.sync-driver",
            "asyncio extension requires an async driver",
        ),
        (
            "generic",
            "aiosqlite",
            "url.async-driver",
            "MissingGreenlet",
        ),
    ] {
        let sandbox = project(template, &format!("sqlite+{driver}:///app.db"));
        let found = examine(&sandbox, &[], &[]);
        found.has(id, "warning", &format!("`{driver}` is"));
        assert_eq!(found.status, 0, "{}", found.output);
        let arguments = ["upgrade", "head"];
        sandbox.run(&limbeck(), Some(&python), &arguments).success();
        let output = sandbox.run(&alembic(&reference), Some(&reference), &arguments);
        assert_eq!(output.status, 1, "{}", output.stderr);
        assert!(output.stderr.contains(expected), "{}", output.stderr);
    }
}

#[test]
fn takes_the_url_from_where_env_py_reads_it() {
    let sandbox = project("generic", "driver://user:pass@localhost/dbname");
    let source_of = |variables: &[(&str, &str)]| {
        let found = examine(&sandbox, &["--offline"], variables);
        let check = found.all("url.source")[0];
        check["message"].as_str().expect("a text").to_owned()
    };
    // A stock `env.py` reads the ini, and limbeck gives it the environment's URL in place of the placeholder.
    let variables = [
        ("DATABASE_URL", "postgresql://env/d"),
        ("OWN_URL", "postgresql://own/d"),
        ("CACHE_URL", "redis://cache/0"),
    ];
    assert!(source_of(&variables).contains("`DATABASE_URL`: PostgreSQL at `env`"));
    edit(
        &sandbox,
        "migrations/env.py",
        "config = context.config",
        "import os\nurl = os.getenv('CACHE_URL', os.getenv('OWN_URL'))\nconfig = context.config",
    );
    assert!(source_of(&variables).contains("`OWN_URL`, which `env.py` reads in line"));
    assert!(source_of(&variables[..1]).contains("`DATABASE_URL`: PostgreSQL at `env`"));
    sandbox.write(".env", "A=b\nDATABASE_URL=postgresql://dot/d\n");
    assert!(source_of(&[]).contains("`DATABASE_URL` (.env, line 2)"));
    set_url(&sandbox, "postgresql://ini/d");
    assert!(
        source_of(&variables[..1]).contains("`sqlalchemy.url` of [alembic]: PostgreSQL at `ini`")
    );
}

#[test]
fn checks_each_url_of_several_databases() {
    let sandbox = project_multidb();
    let found = examine(&sandbox, &["--offline"], &[]);
    found.has("env.shape", "note", "multidb");
    found.has("url.source", "ok", "`sqlalchemy.url` of [engine1]");
    found.has("url.parameters", "ok", "");
    let check = found.has("url.parameters", "error", "`ssl`");
    assert_at_line(&sandbox, check, "alembic.ini", "ssl=require");
}

fn project_multidb() -> limbeck_testkit::Sandbox {
    let python = python();
    let sandbox = limbeck_testkit::Sandbox::new();
    let arguments = ["init", "-t", "multidb", "migrations"];
    sandbox.run(&limbeck(), Some(&python), &arguments).success();
    let urls = [
        "sqlite:///one.db",
        "postgresql+psycopg2://u@localhost/d?ssl=require",
    ];
    for (index, url) in urls.iter().enumerate() {
        let number = if index == 0 { "" } else { "2" };
        edit(
            &sandbox,
            "alembic.ini",
            &format!("driver://user:pass@localhost/dbname{number}"),
            url,
        );
    }
    sandbox
}
