//! The whole promise at once: a real application whose one URL real Alembic can't take, migrated, started and ended.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls, shop_python};

use super::support::{Launched, assert_gone, get, launch_command, stderr, wait_for};
use crate::support::{alembic, example, limbeck, ran, sqlite_schema};

/// What `alembic init` gives to who does not ask for the asynchronous template, with the application's URL.
const SYNCHRONOUS: &str =
    include_str!("../../../../../examples/fastapi-shop/scripts/env_of_init.py");

/// uvicorn cleans up, and then lets the signal end it.
pub(super) const ENDED_BY_SIGTERM: i32 = 143;

/// The application in one database: its URL, if it is told one, and the interpreter that has all it needs.
pub(super) struct Shop<'a> {
    pub(super) sandbox: Sandbox,
    pub(super) python: &'a Path,
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
        ran(&output)
    }

    pub(super) fn alembic(&self, arguments: &[&str]) -> CommandOutput {
        self.run(&alembic(self.python), &[], arguments)
    }

    fn limbeck(&self, arguments: &[&str]) -> CommandOutput {
        self.run(&limbeck(), &[], arguments)
    }

    /// What its users do today, and what they get.
    fn plain_alembic_cannot(&self) {
        self.sandbox.write("app/alembic/env.py", SYNCHRONOUS);
        let ran = self.alembic(&["upgrade", "head"]);
        assert_ne!(ran.status, 0);
        assert!(ran.stderr.contains("MissingGreenlet"), "{}", ran.stderr);
    }

    /// `limbeck run` with uvicorn, until it is ready.
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
                // Nobody reads what is logged before the end, and a pipe holds only so much.
                .args(["--no-access-log", "--port", &port.to_string()]);
            command
        });
        launched.wait_until_ready();
        for path in ["/livez", "/startupz", "/readyz", "/health", "/metrics"] {
            let (status, body) = launched.get(path).expect("an answer");
            assert_eq!(status, 200, "{path}: {body}");
        }
        for path in ["/health/live", "/health/ready"] {
            let address = SocketAddr::from(([127, 0, 0, 1], launched.port));
            let (status, body) = get(address, path).expect("an answer");
            assert_eq!(status, 200, "{path}: {body}");
        }
        launched
    }

    /// The application's own tests, against the one that runs.
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

    /// Everything ends in good order, with the application's own status.
    pub(super) fn ends(launched: Launched, status: i32) {
        let processes = launched.children();
        assert!(!processes.is_empty());
        launched.signal("TERM");
        let output = launched.wait();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(status), "{told}");
        assert!(told.contains("Application shutdown complete"), "{told}");
        assert!(!told.contains("Traceback"), "{told}");
        assert!(!told.contains("secret"), "{told}");
        assert_gone(&processes);
    }

    /// Down to nothing and up again: what is there after each, by limbeck and by real Alembic.
    fn there_and_back(&self, oracle: &Shop, schema: impl Fn(&Shop) -> String) {
        self.limbeck(&["check"]).success();
        let full = schema(self);
        for way in [["downgrade", "base"], ["upgrade", "head"]] {
            self.limbeck(&way).success();
            oracle.alembic(&way).success();
            assert_eq!(schema(self), schema(oracle), "{way:?}");
        }
        assert_eq!(schema(self), full);
    }
}

/// What migrations write, beside tables: where the database stands, and the products that they have rewritten.
pub(super) const ROWS: &str = "select version_num from alembic_version union all \
    select sku || name || slug || price || stock || status || attributes from products order by 1";

#[test]
fn on_a_postgresql_that_demands_tls() {
    let server = Postgres::start(Tls::Required);
    let python = shop_python();
    let shop = |name: &str| {
        server.create_database(name);
        let url = server.url("postgresql+asyncpg", name, "?ssl=require");
        Shop::new(&python, Some(url))
    };
    let before = server.dump_schema("postgres");
    let plain = shop("plain");
    plain.plain_alembic_cannot();
    assert_eq!(server.dump_schema("plain"), before);

    let oracle = shop("oracle");
    oracle.alembic(&["upgrade", "head"]).success();
    let shop = shop("shop");
    let launched = shop.start();
    assert_eq!(server.dump_schema("shop"), server.dump_schema("oracle"));
    let rows = server.sql("shop", ROWS);
    assert_eq!(rows, server.sql("oracle", ROWS));
    assert_eq!(rows.lines().count(), 4, "{rows}");
    // The application's own sessions are there, and each of them is encrypted.
    let sessions = "select count(*), coalesce(bool_and(ssl), true) from pg_stat_activity \
         left join pg_stat_ssl using (pid) where datname = 'shop' and pid <> pg_backend_pid()";
    let now = server.sql("shop", sessions);
    assert!(
        !now.starts_with("0|") && now.trim().ends_with("|t"),
        "{now}"
    );

    shop.passes_its_tests(&launched);
    Shop::ends(launched, ENDED_BY_SIGTERM);
    wait_for("no session is left", || {
        server.sql("shop", sessions).trim() == "0|t"
    });
    let orders = "select count(*) from orders where status = 'refunded'";
    assert_ne!(server.sql("shop", orders).trim(), "0");
    let names = BTreeMap::from([
        (shop.sandbox.path().to_owned(), "shop"),
        (oracle.sandbox.path().to_owned(), "oracle"),
    ]);
    shop.there_and_back(&oracle, |which| {
        server.dump_schema(names[which.sandbox.path()])
    });
}

#[test]
fn on_sqlite_without_a_server_or_a_url() {
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
    plain.plain_alembic_cannot();
    assert_eq!(schema(&plain), "");

    let oracle = Shop::new(&python, None);
    oracle.alembic(&["upgrade", "head"]).success();
    let shop = Shop::new(&python, None);
    let launched = shop.start();
    assert_eq!(schema(&shop), schema(&oracle));
    assert_eq!(rows(&shop), rows(&oracle));
    assert_eq!(rows(&shop).len(), 4);
    shop.passes_its_tests(&launched);
    Shop::ends(launched, ENDED_BY_SIGTERM);
    let left = rusqlite::Connection::open(file(&shop)).expect("the database");
    left.execute_batch("begin exclusive; rollback")
        .expect("nobody else has it open");
    shop.there_and_back(&oracle, schema);
}

/// As its developers run them: no server, no URL.
#[test]
fn its_tests_in_their_own_process() {
    let python = shop_python();
    let shop = Shop::new(&python, None);
    shop.tests_pass(&[]);
    assert!(!shop.sandbox.path().join("shop.db").exists());
}

/// The example's own way to start it: what takes its place gets the signals, and gives the exit status.
#[test]
fn the_launcher_for_development() {
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
    // The one that reloads the other takes the signal for a wish.
    Shop::ends(launched, 0);
    assert!(shop.sandbox.path().join("shop.db").exists());

    let ran = shop.run(
        &python,
        &[("PATH", "/nowhere")],
        &["scripts/dev_launcher.py"],
    );
    assert_eq!(ran.status, 127, "{}", ran.stderr);
    assert!(ran.stderr.contains("no `limbeck`"), "{}", ran.stderr);
}
