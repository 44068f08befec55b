//! The shop in Rust: migrated at its start by `limbeck::Migrator`, or before it by `limbeck run`, and the same to its
//! clients as the one in Python.

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

/// The service, in a folder of its own.
struct Service<'a> {
    program: &'a Path,
    shop: &'a Shop<'a>,
    folder: &'a Sandbox,
}

impl Service<'_> {
    /// Started with one setting, beside where it listens and where its migrations are.
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

    /// Two of them at once on an empty database: one migrates, both serve. The first one then passes the tests of the
    /// application in Python, and shares its database with that.
    fn checked(&self, urls: [&str; 2], schemas_are_equal: impl Fn()) {
        let [one, other] = urls.map(|url| self.start(url));
        is_ready(&one);
        is_ready(&other);
        schemas_are_equal();
        self.shop.passes_its_tests(&one);
        let python = self.shop.start();
        see_each_other([one.port, python.port]);
        see_each_other([python.port, other.port]);
        Shop::ends(python, ENDED_BY_SIGTERM);
        let told = [one, other].map(ended);
        let has = |words: &str| told.iter().filter(|text| text.contains(words)).count();
        assert_eq!((has("applied=15"), has("applied=0")), (1, 1), "{told:?}");
    }
}

fn is_ready(launched: &Launched) {
    wait_for("the service is ready", || status(launched, "ready") == 200);
    assert_eq!(status(launched, "live"), 200);
}

/// What `/health/…` says; 0 while nothing listens.
fn status(launched: &Launched, what: &str) -> u16 {
    let address = SocketAddr::from(([127, 0, 0, 1], launched.port));
    get(address, &format!("/health/{what}")).map_or(0, |(status, _)| status)
}

/// Ends the service in good order, and gives what it has told.
fn ended(launched: Launched) -> String {
    launched.signal("TERM");
    let output = launched.wait();
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("shut down cleanly"), "{told}");
    assert!(!told.contains("secret"), "{told}");
    told
}

fn ask(port: u16, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the application listens");
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    let mut body = serde_json::from_str(body).unwrap_or(Value::Null);
    // SQLAlchemy tells no zone on SQLite.
    for time in ["created_at", "placed_at"] {
        if let Some(Value::String(time)) = body.get_mut(time) {
            time.truncate("2026-01-02T03:04:05".len());
        }
    }
    (status.parse().expect("a number"), body)
}

/// What the one application writes, the other reads as the same, and can change.
fn see_each_other([writer, reader]: [u16; 2]) {
    let make = |path: &str, body: Value| {
        let (status, made) = ask(writer, "POST", path, &body);
        assert_eq!(status, 201, "{made}");
        (format!("{path}/{}", made["id"]), made)
    };
    let key = format!("{writer}-{reader}");
    let customer = json!({
        "email": format!("{key}@example.com"), "full_name": "Ada", "tier": "gold",
        "preferences": {"ways": [1, 2.5, null], "news": true},
        "addresses": [{"kind": "shipping", "street": "Hauptstraße 1", "city": "Köln", "country": "de"}],
    });
    let (customer_path, customer) = make("/customers", customer);
    let category = json!({"name": key, "parent_id": null});
    let (_, category) = make("/categories", category);
    let product = json!({
        "sku": key, "name": "Tea", "price": "3.50", "stock": 5, "attributes": {"origin": "日本"},
        "category_id": category["id"], "tags": ["green", "tea"],
    });
    let (product_path, product) = make("/products", product);
    assert_eq!(product["price"], "3.50");
    let lines = json!([{"product_id": product["id"], "quantity": 2}]);
    let order = json!({"customer_id": customer["id"], "lines": lines});
    let (plain_path, plain) = make("/orders", order);
    let address = &customer["addresses"][0]["id"];
    let order =
        json!({"customer_id": customer["id"], "lines": lines, "shipping_address_id": address});
    let (order_path, order) = make("/orders", order);
    assert_eq!(
        (&order["total"], &order["status"]),
        (&json!("7.00"), &json!("pending"))
    );

    let read = |path: &str| ask(reader, "GET", path, &Value::Null);
    assert_eq!(read(&customer_path), (200, customer.clone()));
    assert_eq!(read(&plain_path), (200, plain));
    assert_eq!(read(&order_path), (200, order));
    let mut sold = product;
    sold["stock"] = json!(1);
    assert_eq!(read(&product_path), (200, sold.clone()));

    let (status, changed) = ask(
        reader,
        "PATCH",
        &product_path,
        &json!({"price": "8", "tags": ["tea", "new"]}),
    );
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        ask(writer, "GET", &product_path, &Value::Null),
        (200, changed)
    );
    let (status, answer) = ask(reader, "DELETE", &customer_path, &Value::Null);
    assert_eq!(
        (status, &answer["detail"]),
        (
            409,
            &json!("the database refuses it: it conflicts with other data")
        )
    );
    assert_eq!(
        ask(
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
fn on_a_postgresql_that_demands_tls() {
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
    service.checked([url, libpq.reveal_url()], || {
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
fn on_sqlite_without_a_server() {
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
    // Its own folder counts, for the migrations, too.
    service.checked(
        ["sqlite+aiosqlite:///shop.db", "sqlite://shop.db?mode=rwc"],
        || {
            assert_eq!(
                sqlite_schema(&file),
                sqlite_schema(&oracle.sandbox.path().join("shop.db"))
            );
        },
    );
}

/// The other way: `limbeck run` migrates, and gives the service a URL that it could hand to sqlx as it is.
#[test]
fn behind_limbeck_run() {
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
        assert_eq!(ask(launched.port, "POST", "/customers", &customer).0, 201);
        let told = ended(launched);
        assert!(!told.contains("applied="), "{told}");
    }
}

/// It lives and is not ready; where it is to migrate, it ends and says why.
#[test]
fn a_database_that_is_not_there() {
    let python = shop_python();
    let program = axum_shop();
    // Nothing listens on that port.
    let url = "postgresql+asyncpg://nobody:secret@127.0.0.1:9/nothing";
    let shop = Shop::new(&python, Some(url.to_owned()));
    let mut service = shop.sandbox.command(&program, Some(&python));
    let output = service
        .env("DATABASE_URL", url)
        .output()
        .expect("it starts");
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("127.0.0.1:9: nothing listens there"),
        "{told}"
    );
    assert!(!told.contains("secret"), "{told}");

    let launched = launch_command(&shop.sandbox, |port, _| {
        let mut command = shop.sandbox.command(&program, Some(&python));
        command
            .env("DATABASE_URL", url)
            .env("MIGRATE", "false")
            .env("PORT", port.to_string());
        command
    });
    wait_for("it lives", || status(&launched, "live") == 200);
    assert_eq!(status(&launched, "ready"), 503);
    let told = ended(launched);
    assert!(told.contains("the database does not answer"), "{told}");
}

/// Nothing is left half done, and no process.
#[test]
fn ended_while_it_migrates() {
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
    // The step before the slow one has committed what came before itself: it has an autocommit block.
    assert_eq!(before.trim(), "a5f91d3e60b2");
}
