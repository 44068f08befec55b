//! `limbeck url check` on real servers: it reports what the servers report.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use limbeck_testkit::{CommandOutput, MariaDb, PgBouncer, Postgres, Sandbox, Tls};
use serde_json::{Value, json};

use crate::support::{limbeck, to_command_output};

/// Runs `url check` with these arguments.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> CommandOutput {
    let mut all = vec!["url", "check"];
    all.extend(arguments);
    sandbox.run(&limbeck(), None, &all)
}

/// Returns the JSON object for a URL, and asserts the exit status.
#[track_caller]
fn check(sandbox: &Sandbox, url: &str, status: i32) -> Value {
    let output = run(sandbox, &["--json", url]);
    assert_eq!(
        output.status, status,
        "{}\n{}",
        output.stdout, output.stderr
    );
    serde_json::from_str(&output.stdout).expect("one JSON object")
}

/// Returns a right's `granted` field, which is `Null` if unknown.
fn granted(found: &Value, right: &str, on: &str) -> Value {
    let rights = found["rights"].as_array().expect("a list");
    let mut matching = rights.iter().filter(|each| {
        each["right"] == right && each["on"].as_str().is_some_and(|text| text.contains(on))
    });
    let first = matching
        .next()
        .unwrap_or_else(|| panic!("no {right} on {on}: {found}"));
    first["granted"].clone()
}

const VERSION_TABLE: &str = "create table alembic_version (version_num varchar(32) not null primary key); \
     insert into alembic_version values ('a1'), ('b2')";

#[test]
fn reports_postgresql_with_tls() {
    let server = Postgres::start(Tls::Required);
    let sandbox = Sandbox::new();
    server.configure(
        &[("ssl", "on"), ("log_connections", "on")],
        "hostssl all all 127.0.0.1/32 scram-sha-256",
    );
    server.create_database("shop");
    let before = server.dump_schema("shop");
    let query = format!(
        "?sslmode=verify-full&sslrootcert={}",
        server.authority().display()
    );
    let url = server.url("postgresql", "shop", &query);
    let found = check(&sandbox, &url, 0);
    assert_eq!(found["server"]["product"], "PostgreSQL");
    let version = server.sql("shop", "show server_version");
    assert_eq!(found["server"]["version"], version.trim());
    let address = format!("127.0.0.1:{}", server.port);
    assert_eq!(found["server"]["address"], address);
    assert_eq!(found["server"]["reached"], address);
    assert_eq!(
        (&found["database"], &found["user"]),
        (&json!("shop"), &json!("postgres"))
    );
    let tls = &found["tls"];
    let logged = format!(
        "protocol={}, cipher={}",
        tls["version"].as_str().unwrap(),
        tls["cipher"].as_str().unwrap()
    );
    assert!(server.log().contains(&logged), "{logged}\n{}", server.log());
    assert_eq!(tls["verified"], "authority_and_name");
    assert_eq!(tls["channel_binding"], true);
    assert_eq!(found["pooler"], "none");
    assert_eq!(
        (&found["read_only"], &found["version_table"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(granted(&found, "CREATE", "schema `public`"), true);
    assert_eq!(found["can_migrate"], true);
    assert!(found["round_trip_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(server.dump_schema("shop"), before);

    let url = server.url("postgresql+asyncpg", "shop", "?ssl=require");
    let found = check(&sandbox, &url, 0);
    assert_eq!(found["tls"]["verified"], "nothing");

    let shown = run(&sandbox, &[&url]).success().stdout;
    for line in [
        "server         PostgreSQL ",
        "verified         nothing",
        "channel binding  yes",
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let matches = |row: &str| {
            row.split_whitespace()
                .take(words.len())
                .eq(words.iter().copied())
        };
        assert!(shown.lines().any(matches), "{line}: {shown}");
    }
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn reports_rights_of_the_catalogs_of_postgresql() {
    let server = Postgres::start(Tls::Off);
    let sandbox = Sandbox::new();
    server.create_database("shop");
    server.sql("shop", VERSION_TABLE);
    server.sql(
        "shop",
        "create role reader login; grant select on alembic_version to reader;
         create role writer login; grant create on schema public to writer;
         grant select, insert, update, delete on alembic_version to writer;
         create role careful login; alter role careful set default_transaction_read_only = on;
         grant create on schema public to careful;
         grant all on alembic_version to careful;
         create role stranger login; alter role stranger set search_path = nowhere;
         revoke create on schema public from public",
    );
    let url = |user: &str| {
        format!(
            "postgresql+psycopg2://{user}@127.0.0.1:{}/shop",
            server.port
        )
    };
    let found = check(&sandbox, &url("writer"), 0);
    assert_eq!(found["version_table"]["rows"], json!(["a1", "b2"]));
    assert_eq!(found["version_table"]["width"], 32);
    assert_eq!(
        found["version_table"]["column_type"],
        "character varying(32)"
    );
    assert_eq!(granted(&found, "CREATE", "the database"), false);
    assert_eq!(
        granted(&found, "DELETE", "table `public.alembic_version`"),
        true
    );

    let found = check(&sandbox, &url("reader"), 1);
    assert_eq!(found["version_table"]["rows"], json!(["a1", "b2"]));
    assert_eq!(granted(&found, "SELECT", "alembic_version"), true);
    assert_eq!(granted(&found, "INSERT", "alembic_version"), false);
    assert_eq!(granted(&found, "CREATE", "schema `public`"), false);
    assert_eq!(found["obstacles"].as_array().unwrap().len(), 4, "{found}");

    let found = check(&sandbox, &url("careful"), 1);
    let why = found["read_only"].as_str().unwrap();
    assert!(why.contains("default_transaction_read_only"), "{why}");
    assert_eq!(found["obstacles"].as_array().unwrap().len(), 1, "{found}");

    let found = check(&sandbox, &url("stranger"), 1);
    assert_eq!(granted(&found, "CREATE", "search path"), false);
    assert_eq!(found["version_table"], Value::Null);

    let output = run(&sandbox, &[&url("reader")]);
    assert_eq!(output.status, 1);
    assert!(
        output
            .stderr
            .contains("migrations can't run over this connection"),
        "{}",
        output.stderr
    );
    assert!(
        output
            .stderr
            .contains("`reader` has no right to INSERT on table"),
        "{}",
        output.stderr
    );

    let standby = server.standby(&[]);
    let found = check(&sandbox, &standby.url("postgresql", "shop", ""), 1);
    assert!(
        found["read_only"].as_str().unwrap().contains("standby"),
        "{found}"
    );
}

#[test]
fn finds_a_version_table_of_another_name() {
    let server = Postgres::start(Tls::Off);
    let sandbox = Sandbox::new();
    server.sql(
        "postgres",
        "create schema app; create table app.\"it's\" (version_num text); insert into app.\"it's\" values ('c3')",
    );
    let url = server.url("postgresql", "postgres", "");
    let arguments = [
        "--json",
        "--version-table",
        "it's",
        "--version-table-schema",
        "app",
        &url,
    ];
    let found: Value = serde_json::from_str(&run(&sandbox, &arguments).success().stdout).unwrap();
    let table = &found["version_table"];
    assert_eq!(
        (&table["schema"], &table["rows"]),
        (&json!("app"), &json!(["c3"]))
    );
    assert_eq!(
        (&table["column_type"], &table["width"]),
        (&json!("text"), &Value::Null)
    );
}

#[test]
fn detects_poolers() {
    let server = Postgres::start(Tls::Off);
    let sandbox = Sandbox::new();
    for (mode, expected) in [("transaction", "transaction"), ("session", "present")] {
        // In session mode, a pool of one makes a second session wait.
        for size in [1, 5] {
            let pooler = PgBouncer::start(&server, mode, size);
            let found = check(&sandbox, &pooler.url("postgres"), 0);
            assert_eq!(found["pooler"], expected, "{mode} {size}");
        }
    }
    let found = check(&sandbox, &server.url("postgresql", "postgres", ""), 0);
    assert_eq!(found["pooler"], "none");
}

#[test]
fn reports_a_kind_for_each_failure() {
    let server = Postgres::start(Tls::Required);
    let sandbox = Sandbox::new();
    let at = format!("127.0.0.1:{}", server.port);
    for (url, kind) in [
        (
            format!("postgresql://postgres:hunter2@{at}/postgres"),
            "authentication",
        ),
        (
            format!("postgresql://postgres:secret@{at}/nothing"),
            "no_such_database",
        ),
        (
            "postgresql+asyncpg://u:hunter2@127.0.0.1:1/d".into(),
            "refused",
        ),
        (
            format!(
                "postgresql://postgres:secret@{at}/postgres?sslmode=verify-full&sslrootcert=/nowhere.crt"
            ),
            "tls",
        ),
        ("postgresql://u:hunter2@b@h/d".into(), "invalid_url"),
        (
            "postgresql+psycopg2://u:hunter2@h/d?nonsense=1".into(),
            "parameter",
        ),
        ("sqlite:////nowhere/at/all.db".into(), "file"),
        ("sqlite:///file:gone.db?mode=ro&uri=true".into(), "file"),
        ("mysql+pymysql://u:hunter2@127.0.0.1:1/d".into(), "refused"),
    ] {
        let found = check(&sandbox, &url, 1);
        assert_eq!(found["error"]["kind"], kind, "{url}: {found}");
        let output = run(&sandbox, &[&url]);
        assert_eq!(
            (output.status, output.stdout.as_str()),
            (1, ""),
            "{}",
            output.stderr
        );
        assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
        for output in [found.to_string(), output.stderr] {
            assert!(
                !output.contains("hunter2") && !output.contains(":secret"),
                "{output}"
            );
        }
    }
}

#[test]
fn reports_rights_of_the_grants_of_mariadb() {
    let server = MariaDb::start();
    let sandbox = Sandbox::new();
    server.create_database("shop");
    server.sql("shop", VERSION_TABLE);
    server.sql(
        "mysql",
        "create user writer@'%'; grant all on `sh%`.* to writer@'%';
         create user reader@'%'; grant create, alter on shop.* to reader@'%';
         grant select on shop.alembic_version to reader@'%';
         create user actor@'%'; create role many; grant all on shop.* to many;
         grant many to actor@'%'; set default role many for actor@'%'",
    );
    let url = |user: &str| format!("mysql+aiomysql://{user}@127.0.0.1:{}/shop", server.port);
    let found = check(&sandbox, &url("root"), 0);
    assert_eq!(found["server"]["product"], "MariaDB");
    assert_eq!(
        found["server"]["version"],
        server.sql("shop", "select version()").trim()
    );
    assert_eq!(
        (&found["database"], &found["tls"]),
        (&json!("shop"), &Value::Null)
    );
    assert_eq!(found["version_table"]["rows"], json!(["a1", "b2"]));
    assert_eq!(found["version_table"]["width"], 32);
    assert_eq!(granted(&found, "CREATE", "database `shop`"), true);

    let found = check(&sandbox, &url("writer"), 0);
    assert_eq!(found["user"], "writer@%");
    assert_eq!(granted(&found, "DELETE", "table `alembic_version`"), true);
    let found = check(&sandbox, &url("reader"), 1);
    assert_eq!(granted(&found, "ALTER", "database `shop`"), true);
    assert_eq!(granted(&found, "SELECT", "table `alembic_version`"), true);
    assert_eq!(granted(&found, "INSERT", "table `alembic_version`"), false);
    // A role's members can't read the role's grants.
    let found = check(&sandbox, &url("actor"), 0);
    assert_eq!(granted(&found, "CREATE", "database `shop`"), Value::Null);

    server.sql("mysql", "set global read_only = 1");
    let found = check(&sandbox, &url("writer"), 1);
    assert_eq!(found["read_only"], "`read_only` is on");
    assert_eq!(check(&sandbox, &url("root"), 0)["read_only"], Value::Null);
}

#[test]
fn reads_a_sqlite_file_and_never_creates_it() {
    let sandbox = Sandbox::new();
    let found = check(&sandbox, "sqlite+aiosqlite:///app.db", 0);
    assert_eq!(found["version_table"], Value::Null);
    assert!(!sandbox.path().join("app.db").exists());

    let connection = rusqlite::Connection::open(sandbox.path().join("app.db")).unwrap();
    connection
        .execute_batch(
            &VERSION_TABLE.replace("create table", "PRAGMA user_version = 7; create table"),
        )
        .unwrap();
    let version: String = connection
        .query_row("select sqlite_version()", [], |row| row.get(0))
        .unwrap();
    drop(connection);
    let before = fs::read(sandbox.path().join("app.db")).unwrap();
    let found = check(&sandbox, "sqlite+aiosqlite:///app.db", 0);
    assert_eq!(found["server"]["version"], version);
    assert_eq!(found["version_table"]["rows"], json!(["a1", "b2"]));
    assert_eq!(granted(&found, "write", "file"), true);
    let found = check(&sandbox, "sqlite:///file:app.db?mode=ro&uri=true", 1);
    assert!(
        found["read_only"].as_str().unwrap().contains("app.db"),
        "{found}"
    );
    assert_eq!(fs::read(sandbox.path().join("app.db")).unwrap(), before);
    assert_eq!(fs::read_dir(sandbox.path()).unwrap().count(), 1);

    let found = check(&sandbox, "sqlite:///:memory:", 0);
    assert_eq!(found["server"]["address"], "in memory");
}

#[test]
fn reports_a_read_only_sqlite_file() {
    let sandbox = Sandbox::new();
    let file = sandbox.path().join("app.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch(VERSION_TABLE).unwrap();
    drop(connection);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    // Root may write everything, unless these capabilities are dropped.
    let mut command = sandbox.command(Path::new("setpriv"), None);
    if fs::metadata(&file).unwrap().uid() == 0 {
        let list = "--bounding-set=-dac_override,-dac_read_search";
        command.args([list, "--inh-caps=-dac_override,-dac_read_search"]);
    }
    command.arg("--").arg(limbeck());
    command.args(["url", "check", "--json", "sqlite+aiosqlite:///app.db"]);
    let output = to_command_output(&command.output().expect("setpriv runs"));
    let found: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(output.status, 1, "{found}");
    assert_eq!(granted(&found, "write", "file"), false);
    assert_eq!(granted(&found, "write", "folder"), true);
    assert!(
        found["read_only"].as_str().unwrap().contains("app.db"),
        "{found}"
    );
    assert_eq!(found["version_table"]["rows"], json!(["a1", "b2"]));
}
