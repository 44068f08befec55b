//! A real application, migrated and run by limbeck with one asynchronous URL that plain Alembic can't use.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls, shop_python};

use super::support::{Launched, assert_gone, get, launch_command, stderr, wait_for};
use crate::support::{alembic, example, limbeck, sqlite_schema, to_command_output};

/// The `env.py` of `alembic init` without the asynchronous template, with the application's URL.
const SYNCHRONOUS: &str =
    include_str!("../../../../../examples/fastapi-shop/scripts/env_of_init.py");

/// The exit status of uvicorn, which cleans up and then lets SIGTERM end it.
pub(super) const ENDED_BY_SIGTERM: i32 = 143;

/// The application with one database.
pub(super) struct Shop<'a> {
    pub(super) sandbox: Sandbox,
    /// The interpreter with the application's dependencies.
    pub(super) python: &'a Path,
    /// The database's URL, unless the application uses its default.
    pub(super) url: Option<String>,
}

impl<'a> Shop<'a> {
    pub(super) fn new(python: &'a Path, url: Option<String>) -> Self {
        let sandbox = example("fastapi-shop");
        Self {
            sandbox,
            python,
            url,
        }
    }

    fn run(&self, program: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> CommandOutput {
        let mut command = self.sandbox.command(program, Some(self.python));
        if let Some(url) = &self.url {
            command.env("DATABASE_URL", url);
        }
        let output = command
            .envs(variables.iter().copied())
            .args(arguments)
            .output()
            .expect("the program starts");
        to_command_output(&output)
    }

    pub(super) fn alembic(&self, arguments: &[&str]) -> CommandOutput {
        self.run(&alembic(self.python), &[], arguments)
    }

    fn limbeck(&self, arguments: &[&str]) -> CommandOutput {
        self.run(&limbeck(), &[], arguments)
    }

    /// Checks that plain Alembic fails with this URL.
    fn expect_plain_alembic_to_fail(&self) {
        self.sandbox.write("app/alembic/env.py", SYNCHRONOUS);
        let ran = self.alembic(&["upgrade", "head"]);
        assert_ne!(ran.status, 0);
        assert!(ran.stderr.contains("MissingGreenlet"), "{}", ran.stderr);
    }

    /// Starts `limbeck run` with uvicorn, and waits until it is ready.
    pub(super) fn start(&self) -> Launched {
        let launched = launch_command(&self.sandbox, |port, health| {
            let mut command = self.sandbox.command(&limbeck(), Some(self.python));
            if let Some(url) = &self.url {
                command.env("DATABASE_URL", url);
            }
            command
                .arg("run")
                .arg(format!("--probe=http://127.0.0.1:{port}/health/ready"))
                .arg(format!("--health-addr={health}"))
                .args(["--", "python", "-m", "uvicorn", "app.main:app"])
                // The test reads the pipe only at the end, and a full pipe would block the application.
                .args(["--no-access-log", "--port", &port.to_string()]);
            command
        });
        launched.wait_until_ready();
        for path in ["/livez", "/startupz", "/readyz", "/health", "/metrics"] {
            let (status, body) = launched.get(path).expect("a response");
            assert_eq!(status, 200, "{path}: {body}");
        }
        for path in ["/health/live", "/health/ready"] {
            let address = SocketAddr::from(([127, 0, 0, 1], launched.port));
            let (status, body) = get(address, path).expect("a response");
            assert_eq!(status, 200, "{path}: {body}");
        }
        launched
    }

    /// Runs the application's own tests against the running application.
    pub(super) fn passes_its_tests(&self, launched: &Launched) {
        let base_url = format!("http://127.0.0.1:{}", launched.port);
        self.tests_pass(&[("BASE_URL", &base_url)]);
    }

    fn tests_pass(&self, variables: &[(&str, &str)]) {
        let pytest = self.python.with_file_name("pytest");
        let ran = self.run(&pytest, variables, &["-q", "-p", "no:cacheprovider"]);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(" passed"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("skipped"), "{}", ran.stdout);
    }

    /// Sends SIGTERM, and checks that the application shuts down cleanly with this exit status.
    pub(super) fn shut_down(launched: Launched, status: i32) {
        let processes = launched.children();
        assert!(!processes.is_empty());
        launched.signal("TERM");
        let output = launched.wait();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{text}");
        assert!(text.contains("Application shutdown complete"), "{text}");
        assert!(!text.contains("Traceback"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        assert_gone(&processes);
    }

    /// Downgrades to the base and upgrades again, and compares the schema after each with plain Alembic's.
    fn check_downgrade_and_upgrade(&self, oracle: &Shop, schema: impl Fn(&Shop) -> String) {
        self.limbeck(&["check"]).success();
        let full = schema(self);
        for command in [["downgrade", "base"], ["upgrade", "head"]] {
            self.limbeck(&command).success();
            oracle.alembic(&command).success();
            assert_eq!(schema(self), schema(oracle), "{command:?}");
        }
        assert_eq!(schema(self), full);
    }
}

/// The rows that migrations write: the version rows, and the changed products.
pub(super) const ROWS: &str = "select version_num from alembic_version union all \
    select sku || name || slug || price || stock || status || attributes from products order by 1";

#[test]
fn runs_on_postgresql_with_required_tls() {
    let server = Postgres::start(Tls::Required);
    let python = shop_python();
    let shop = |name: &str| {
        server.create_database(name);
        let url = server.url("postgresql+asyncpg", name, "?ssl=require");
        Shop::new(&python, Some(url))
    };
    let before = server.dump_schema("postgres");
    let plain = shop("plain");
    plain.expect_plain_alembic_to_fail();
    assert_eq!(server.dump_schema("plain"), before);

    let oracle = shop("oracle");
    oracle.alembic(&["upgrade", "head"]).success();
    let shop = shop("shop");
    let launched = shop.start();
    assert_eq!(server.dump_schema("shop"), server.dump_schema("oracle"));
    let rows = server.sql("shop", ROWS);
    assert_eq!(rows, server.sql("oracle", ROWS));
    assert_eq!(rows.lines().count(), 4, "{rows}");
    // The application has sessions, and all of them are encrypted.
    let sessions = "select count(*), coalesce(bool_and(ssl), true) from pg_stat_activity \
         left join pg_stat_ssl using (pid) where datname = 'shop' and pid <> pg_backend_pid()";
    let now = server.sql("shop", sessions);
    assert!(
        !now.starts_with("0|") && now.trim().ends_with("|t"),
        "{now}"
    );

    shop.passes_its_tests(&launched);
    Shop::shut_down(launched, ENDED_BY_SIGTERM);
    wait_for("no session is left", || {
        server.sql("shop", sessions).trim() == "0|t"
    });
    let orders = "select count(*) from orders where status = 'refunded'";
    assert_ne!(server.sql("shop", orders).trim(), "0");
    let names = BTreeMap::from([
        (shop.sandbox.path().to_owned(), "shop"),
        (oracle.sandbox.path().to_owned(), "oracle"),
    ]);
    shop.check_downgrade_and_upgrade(&oracle, |shop| {
        server.dump_schema(names[shop.sandbox.path()])
    });
}

#[test]
fn runs_on_sqlite_without_a_url() {
    let python = shop_python();
    let file = |shop: &Shop| -> PathBuf { shop.sandbox.path().join("shop.db") };
    let schema = |shop: &Shop| sqlite_schema(&file(shop));
    let rows = |shop: &Shop| -> Vec<String> {
        let database = rusqlite::Connection::open(file(shop)).expect("the database");
        let mut query = database.prepare(ROWS).expect("a query");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let plain = Shop::new(&python, None);
    plain.expect_plain_alembic_to_fail();
    assert_eq!(schema(&plain), "");

    let oracle = Shop::new(&python, None);
    oracle.alembic(&["upgrade", "head"]).success();
    let shop = Shop::new(&python, None);
    let launched = shop.start();
    assert_eq!(schema(&shop), schema(&oracle));
    assert_eq!(rows(&shop), rows(&oracle));
    assert_eq!(rows(&shop).len(), 4);
    shop.passes_its_tests(&launched);
    Shop::shut_down(launched, ENDED_BY_SIGTERM);
    let database = rusqlite::Connection::open(file(&shop)).expect("the database");
    database
        .execute_batch("begin exclusive; rollback")
        .expect("no other connection");
    shop.check_downgrade_and_upgrade(&oracle, schema);
}

/// The developers of the application run its tests without limbeck, a server or a URL.
#[test]
fn the_tests_of_the_application_pass_without_limbeck() {
    let python = shop_python();
    let shop = Shop::new(&python, None);
    shop.tests_pass(&[]);
    assert!(!shop.sandbox.path().join("shop.db").exists());
}

/// The example's script replaces itself with limbeck, which gets the signals and sets the exit status.
#[test]
fn starts_through_the_development_script_of_the_example() {
    let python = shop_python();
    let shop = Shop::new(&python, None);
    let settings = shop.sandbox.read("pyproject.toml");
    let launched = launch_command(&shop.sandbox, |port, health| {
        let address = format!("127.0.0.1:{health}");
        assert!(settings.contains("127.0.0.1:8081"));
        let settings = settings.replace("127.0.0.1:8081", &address);
        shop.sandbox.write("pyproject.toml", &settings);
        let mut command = shop.sandbox.command(&python, Some(&python));
        let found = limbeck();
        let mut path = vec![found.parent().expect("a folder").to_owned()];
        path.extend([python.parent().expect("a folder").to_owned()]);
        path.extend([PathBuf::from("/usr/bin"), PathBuf::from("/bin")]);
        command
            .env("PATH", std::env::join_paths(path).expect("a PATH"))
            .args(["scripts/dev_launcher.py", "--port", &port.to_string()]);
        command
    });
    launched.wait_until_ready();
    // uvicorn's reloader exits with 0 on SIGTERM.
    Shop::shut_down(launched, 0);
    assert!(shop.sandbox.path().join("shop.db").exists());

    let ran = shop.run(
        &python,
        &[("PATH", "/nowhere")],
        &["scripts/dev_launcher.py"],
    );
    assert_eq!(ran.status, 127, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("`limbeck` not found on PATH"),
        "{}",
        ran.stderr
    );
}
