//! The shop in Rust, migrated by `limbeck::Migrator` at its start or by `limbeck run` before. For its clients it behaves
//! like the shop in Python.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use limbeck::url::convert_to;
use limbeck_testkit::{Postgres, Sandbox, Tls, axum_shop, shop_python};
use serde_json::{Value, json};

use super::shop::{ENDED_BY_SIGTERM, ROWS, Shop};
use super::support::{Launched, assert_gone, get, launch_command, stderr, wait_for};
use crate::support::{limbeck, sqlite_schema};

/// The service in its own folder.
struct Service<'a> {
    program: &'a Path,
    shop: &'a Shop<'a>,
    folder: &'a Sandbox,
}

impl Service<'_> {
    /// Starts the service with a URL, its port, and the location of its migrations.
    fn start(&self, url: &str) -> Launched {
        launch_command(self.folder, |port, _| {
            let mut command = self.folder.command(self.program, Some(self.shop.python));
            command
                .env("DATABASE_URL", url)
                .env("PORT", port.to_string())
                .env(
                    "ALEMBIC_CONFIG",
                    self.shop.sandbox.path().join("alembic.ini"),
                );
            command
        })
    }

    /// Starts two services at once on an empty database: one migrates, and both serve. The first one then passes the tests of
    /// the Python application and shares its database with it.
    fn check(&self, urls: [&str; 2], schemas_are_equal: impl Fn()) {
        let [one, other] = urls.map(|url| self.start(url));
        wait_until_ready(&one);
        wait_until_ready(&other);
        schemas_are_equal();
        self.shop.passes_its_tests(&one);
        let python = self.shop.start();
        check_exchange([one.port, python.port]);
        check_exchange([python.port, other.port]);
        Shop::shut_down(python, ENDED_BY_SIGTERM);
        let logs = [one, other].map(shut_down);
        let count = |words: &str| logs.iter().filter(|text| text.contains(words)).count();
        assert_eq!(
            (count("applied=15"), count("applied=0")),
            (1, 1),
            "{logs:?}"
        );
    }
}

fn wait_until_ready(launched: &Launched) {
    wait_for("the service is ready", || status(launched, "ready") == 200);
    assert_eq!(status(launched, "live"), 200);
}

/// Returns the status of `/health/…`, or 0 if nothing listens.
fn status(launched: &Launched, name: &str) -> u16 {
    let address = SocketAddr::from(([127, 0, 0, 1], launched.port));
    get(address, &format!("/health/{name}")).map_or(0, |(status, _)| status)
}

/// Shuts the service down and returns its log.
fn shut_down(launched: Launched) -> String {
    launched.signal("TERM");
    let output = launched.wait();
    let log = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.contains("shut down cleanly"), "{log}");
    assert!(!log.contains("secret"), "{log}");
    log
}

/// Sends a request and returns the status and the body.
fn send(port: u16, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the application listens");
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    let mut body = serde_json::from_str(body).unwrap_or(Value::Null);
    // On SQLite, SQLAlchemy returns times without a zone.
    for time in ["created_at", "placed_at"] {
        if let Some(Value::String(time)) = body.get_mut(time) {
            time.truncate("2026-01-02T03:04:05".len());
        }
    }
    (status.parse().expect("a number"), body)
}

/// Checks that one application can read and change what the other one writes.
fn check_exchange([writer, reader]: [u16; 2]) {
    let create = |path: &str, body: Value| {
        let (status, created) = send(writer, "POST", path, &body);
        assert_eq!(status, 201, "{created}");
        (format!("{path}/{}", created["id"]), created)
    };
    let key = format!("{writer}-{reader}");
    let customer = json!({
        "email": format!("{key}@example.com"), "full_name": "Ada", "tier": "gold",
        "preferences": {"ways": [1, 2.5, null], "news": true},
        "addresses": [{"kind": "shipping", "street": "Hauptstraße 1", "city": "Köln", "country": "de"}],
    });
    let (customer_path, customer) = create("/customers", customer);
    let category = json!({"name": key, "parent_id": null});
    let (_, category) = create("/categories", category);
    let product = json!({
        "sku": key, "name": "Tea", "price": "3.50", "stock": 5, "attributes": {"origin": "日本"},
        "category_id": category["id"], "tags": ["green", "tea"],
    });
    let (product_path, product) = create("/products", product);
    assert_eq!(product["price"], "3.50");
    let lines = json!([{"product_id": product["id"], "quantity": 2}]);
    let order = json!({"customer_id": customer["id"], "lines": lines});
    let (plain_path, plain) = create("/orders", order);
    let address = &customer["addresses"][0]["id"];
    let order =
        json!({"customer_id": customer["id"], "lines": lines, "shipping_address_id": address});
    let (order_path, order) = create("/orders", order);
    assert_eq!(
        (&order["total"], &order["status"]),
        (&json!("7.00"), &json!("pending"))
    );

    let read = |path: &str| send(reader, "GET", path, &Value::Null);
    assert_eq!(read(&customer_path), (200, customer.clone()));
    assert_eq!(read(&plain_path), (200, plain));
    assert_eq!(read(&order_path), (200, order));
    let mut sold = product;
    sold["stock"] = json!(1);
    assert_eq!(read(&product_path), (200, sold.clone()));

    let (status, changed) = send(
        reader,
        "PATCH",
        &product_path,
        &json!({"price": "8", "tags": ["tea", "new"]}),
    );
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        send(writer, "GET", &product_path, &Value::Null),
        (200, changed)
    );
    let (status, body) = send(reader, "DELETE", &customer_path, &Value::Null);
    assert_eq!(
        (status, &body["detail"]),
        (
            409,
            &json!("the database refuses it: it conflicts with other data")
        )
    );
    assert_eq!(
        send(
            reader,
            "POST",
            "/customers",
            &json!({"email": customer["email"], "full_name": "X"})
        )
        .0,
        409
    );
}

#[test]
fn migrates_postgresql_with_required_tls() {
    let server = Postgres::start(Tls::Required);
    let python = shop_python();
    let program = axum_shop();
    let shop = |name: &str| {
        server.create_database(name);
        Shop::new(
            &python,
            Some(server.url("postgresql+asyncpg", name, "?ssl=require")),
        )
    };
    let oracle = shop("oracle");
    oracle.alembic(&["upgrade", "head"]).success();
    let shop = shop("shop");
    let service = Service {
        program: &program,
        shop: &shop,
        folder: &Sandbox::new(),
    };
    let url = shop.url.as_deref().expect("a URL");
    let libpq = convert_to(url, "libpq").expect("libpq's URL");
    service.check([url, libpq.reveal_url()], || {
        assert_eq!(server.dump_schema("shop"), server.dump_schema("oracle"));
        assert_eq!(server.sql("shop", ROWS), server.sql("oracle", ROWS));
        let sessions = "select count(*) > 0 and coalesce(bool_and(ssl), true) from pg_stat_activity \
             left join pg_stat_ssl using (pid) where datname = 'shop' and pid <> pg_backend_pid()";
        assert_eq!(server.sql("shop", sessions).trim(), "t");
    });
    let sessions =
        "select count(*) from pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()";
    wait_for("no session is left", || {
        server.sql("shop", sessions).trim() == "0"
    });
}

#[test]
fn migrates_sqlite() {
    let python = shop_python();
    let program = axum_shop();
    let oracle = Shop::new(&python, None);
    oracle.alembic(&["upgrade", "head"]).success();
    let folder = Sandbox::new();
    let file = folder.path().join("shop.db");
    let shop = Shop::new(
        &python,
        Some(format!("sqlite+aiosqlite:///{}", file.display())),
    );
    let service = Service {
        program: &program,
        shop: &shop,
        folder: &folder,
    };
    // Relative paths are relative to the service's folder, in migrations, too.
    service.check(
        ["sqlite+aiosqlite:///shop.db", "sqlite://shop.db?mode=rwc"],
        || {
            assert_eq!(
                sqlite_schema(&file),
                sqlite_schema(&oracle.sandbox.path().join("shop.db"))
            );
        },
    );
}

/// `limbeck run` migrates, and gives the service a URL that sqlx accepts.
#[test]
fn runs_under_limbeck_run() {
    let server = Postgres::start(Tls::Required);
    let python = shop_python();
    let program = axum_shop();
    for url in [
        server.url("postgresql+asyncpg", "postgres", "?ssl=require"),
        "sqlite+aiosqlite:///shop.db".to_owned(),
    ] {
        let shop = Shop::new(&python, Some(url.clone()));
        let launch = |command: &mut Command, port: u16, health: u16, program: &[&str]| {
            command
                .env("DATABASE_URL", &url)
                .env("PORT", port.to_string())
                .env("MIGRATE", "false")
                .args(["run", "--driver", "sqlx"])
                .arg(format!("--probe=http://127.0.0.1:{port}/health/ready"))
                .arg(format!("--health-addr={health}"))
                .arg("--")
                .args(program);
        };
        let mut given = shop.sandbox.command(&limbeck(), Some(&python));
        launch(&mut given, 1, 0, &["sh", "-c", "echo $DATABASE_URL"]);
        let given = given.output().expect("limbeck runs");
        let given = String::from_utf8_lossy(&given.stdout);
        let expected = convert_to(&url, "sqlx").expect("sqlx's URL");
        assert_eq!(given.trim(), expected.reveal_url());

        let program = program.to_str().expect("a path in UTF-8");
        let launched = launch_command(&shop.sandbox, |port, health| {
            let mut command = shop.sandbox.command(&limbeck(), Some(&python));
            launch(&mut command, port, health, &[program]);
            command
        });
        launched.wait_until_ready();
        let customer = json!({"email": "ada@example.com", "full_name": "Ada"});
        assert_eq!(send(launched.port, "POST", "/customers", &customer).0, 201);
        let log = shut_down(launched);
        assert!(!log.contains("applied="), "{log}");
    }
}

/// A service that migrates exits with the reason. A service that does not migrate is alive and not ready.
#[test]
fn reports_an_unreachable_database() {
    let python = shop_python();
    let program = axum_shop();
    // Nothing listens on port 9.
    let url = "postgresql+asyncpg://nobody:secret@127.0.0.1:9/nothing";
    let shop = Shop::new(&python, Some(url.to_owned()));
    let mut service = shop.sandbox.command(&program, Some(&python));
    let output = service
        .env("DATABASE_URL", url)
        .output()
        .expect("the service starts");
    let log = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("127.0.0.1:9: nothing listens there"), "{log}");
    assert!(!log.contains("secret"), "{log}");

    let launched = launch_command(&shop.sandbox, |port, _| {
        let mut command = shop.sandbox.command(&program, Some(&python));
        command
            .env("DATABASE_URL", url)
            .env("MIGRATE", "false")
            .env("PORT", port.to_string());
        command
    });
    wait_for("the service is alive", || status(&launched, "live") == 200);
    assert_eq!(status(&launched, "ready"), 503);
    let log = shut_down(launched);
    assert!(log.contains("the database does not answer"), "{log}");
}

/// The open step is rolled back, and no process is left.
#[test]
fn rolls_back_when_ended_during_a_migration() {
    let server = Postgres::start(Tls::Off);
    let python = shop_python();
    let program = axum_shop();
    server.create_database("shop");
    let url = server.url("postgresql+asyncpg", "shop", "");
    let shop = Shop::new(&python, None);
    shop.sandbox.write(
        "app/alembic/versions/slow.py",
        "\"\"\"slow\"\"\"\nfrom alembic import op\nrevision = 'slow'\ndown_revision = '4d08b6f2e7a1'\n\n\n\
         def upgrade():\n    op.execute('create table slow as select 1 as x from pg_sleep(3)')\n",
    );
    let service = Service {
        program: &program,
        shop: &shop,
        folder: &Sandbox::new(),
    };
    let launched = service.start(&url);
    let count = |sql: &str| server.sql("shop", &format!("select count(*) from {sql}"));
    let running = "pg_stat_activity where query like 'create table slow%'";
    wait_for("the slow step runs", || count(running).trim() == "1");
    assert_eq!(status(&launched, "live"), 0);
    let processes = launched.children();
    assert!(!processes.is_empty());
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_gone(&processes);
    let sessions = "pg_stat_activity where datname = 'shop' and pid <> pg_backend_pid()";
    wait_for("no session is left", || count(sessions).trim() == "0");
    let tables = "pg_class where relname = 'slow'";
    assert_eq!(count(tables).trim(), "0");
    let before = server.sql("shop", "select version_num from alembic_version");
    // The step before the slow one has an autocommit block, which commits the steps before that block.
    assert_eq!(before.trim(), "a5f91d3e60b2");
}
