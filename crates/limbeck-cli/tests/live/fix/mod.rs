//! `limbeck fix` on the usual kinds of `env.py`: real Alembic fails before the fix and reaches head after it, and an undo
//! leaves no trace.

mod files;
mod shapes;
mod urls;

use std::collections::BTreeMap;
use std::path::Path;

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls, reference_python};

use crate::replay::stock;
use crate::support::{alembic, limbeck, to_command_output};
use shapes::{Shape, Url};

/// The application's role, with a password that URLs must encode.
const ROLE: &str = "app:p%40ss%25";

/// Alembic's errors for the application's URL before the fix.
const ERRORS_BEFORE: [&str; 6] = [
    "greenlet_spawn has not been called",
    "asyncio extension requires an async driver",
    "unexpected keyword argument 'sslmode'",
    "invalid connection option \"ssl\"",
    "invalid interpolation syntax",
    "Can't load plugin: sqlalchemy.dialects:postgres",
];

pub(crate) const REVISION: &str = "\
import sqlalchemy as sa
from alembic import op

revision = 'a1'
down_revision = None


def upgrade(engine_name=None):
    op.create_table('shop', sa.Column('id', sa.Integer))


def downgrade(engine_name=None):
    op.drop_table('shop')
";

/// Returns all files and link targets below a folder, without `__pycache__`.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .strip_prefix(folder)
                .expect("below it")
                .display()
                .to_string();
            if name.ends_with("__pycache__") {
                continue;
            }
            let kind = path.symlink_metadata().expect("an entry").file_type();
            let bytes = if kind.is_symlink() {
                path.read_link()
                    .expect("a link")
                    .into_os_string()
                    .into_encoded_bytes()
            } else if kind.is_dir() {
                folders.push(path);
                Vec::new()
            } else {
                std::fs::read(&path).expect("a file")
            };
            found.insert(name, bytes);
        }
    }
    found
}

/// Runs `limbeck fix`, which needs no Python.
pub(crate) fn fix(sandbox: &Sandbox, arguments: &[&str]) -> CommandOutput {
    let mut all = vec!["fix"];
    all.extend(arguments);
    sandbox.run(&limbeck(), None, &all)
}

#[track_caller]
fn expect_status(output: CommandOutput, expected: i32, what: &str) -> CommandOutput {
    assert_eq!(
        output.status, expected,
        "{what}\nstdout:\n{}\nstderr:\n{}",
        output.stdout, output.stderr
    );
    output
}

struct World {
    server: Postgres,
    python: std::path::PathBuf,
}

impl World {
    fn new() -> Self {
        let python = reference_python();
        let server = Postgres::start(Tls::Required);
        server.sql(
            "postgres",
            "create role app login superuser password 'p@ss%'",
        );
        Self { server, python }
    }

    fn url(&self, scheme: &str, database: &str, query: &str) -> String {
        format!(
            "{scheme}://{ROLE}@127.0.0.1:{}/{database}{query}",
            self.server.port
        )
    }

    fn alembic(&self, sandbox: &Sandbox, arguments: &[&str]) -> CommandOutput {
        let mut command = sandbox.command(&alembic(&self.python), Some(&self.python));
        to_command_output(&command.args(arguments).output().expect("alembic starts"))
    }

    /// Creates a shape's project and its databases.
    fn project(&self, number: usize, shape: &Shape) -> (Sandbox, Vec<String>) {
        let mut sandbox = Sandbox::new();
        let template = shape.template.unwrap_or("generic");
        stock(&sandbox, template, "migrations");
        let databases: Vec<String> = shape
            .databases
            .iter()
            .map(|name| format!("{name}_{number}"))
            .collect();
        let (scheme, query) = match shape.url {
            Url::Asyncpg => ("postgresql+asyncpg", "?ssl=require"),
            Url::AsyncpgWithSslmode => ("postgresql+asyncpg", "?sslmode=require"),
            Url::Bare => ("postgres", "?sslmode=require"),
        };
        let mut ini = sandbox.read("alembic.ini");
        for (name, database) in shape.databases.iter().zip(&databases) {
            self.server.create_database(database);
            let url = self.url(scheme, database, query);
            let placeholder = match *name {
                "main" => "driver://user:pass@localhost/dbname".to_owned(),
                name => format!(
                    "driver://user:pass@localhost/dbname{}",
                    &name["engine".len()..].replace('1', "")
                ),
            };
            let value = if shape.in_ini {
                url.replace('%', "%%")
            } else {
                "driver://".into()
            };
            ini = ini.replacen(
                &format!("sqlalchemy.url = {placeholder}\n"),
                &format!("sqlalchemy.url = {value}\n"),
                1,
            );
            let variables = [
                ("DATABASE_URL", url),
                ("DB_USER", "app".into()),
                ("DB_PASSWORD", "p@ss%".into()),
                ("DB_PORT", self.server.port.to_string()),
                ("DB_NAME", database.clone()),
            ];
            if !shape.in_ini {
                let named = variables
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                sandbox.variables.extend(named);
            }
        }
        sandbox.write("alembic.ini", &ini);
        for (file, text) in shape.files {
            sandbox.write(file, text);
        }
        sandbox.write("migrations/versions/a1.py", REVISION);
        (sandbox, databases)
    }

    fn check(&self, number: usize, shape: &Shape) {
        let (sandbox, databases) = self.project(number, shape);
        let name = shape.name;
        let tables = |database: &String| {
            let sql = "select count(*) from information_schema.tables where table_name = 'shop'";
            self.server.sql(database, sql).trim().to_owned()
        };
        let before = tree(sandbox.path());
        let failed = self.alembic(&sandbox, &["upgrade", "head"]);
        assert_ne!(failed.status, 0, "{name}: Alembic must fail before");
        assert!(
            ERRORS_BEFORE
                .iter()
                .any(|error| failed.stderr.contains(error)),
            "{name}: {}",
            failed.stderr
        );

        let offered = expect_status(fix(&sandbox, &["--check"]), 1, name);
        assert!(
            offered.stdout.starts_with("--- a/migrations/env.py\n"),
            "{}",
            offered.stdout
        );
        assert_eq!(
            tree(sandbox.path()),
            before,
            "{name}: a check changes nothing"
        );
        expect_status(fix(&sandbox, &["--yes"]), 0, name);

        let what = format!("{name}, fixed:\n{}", offered.stdout);
        let offline = expect_status(
            self.alembic(&sandbox, &["upgrade", "head", "--sql"]),
            0,
            &what,
        );
        let mut sql = offline.stdout;
        for file in ["engine1.sql", "engine2.sql"] {
            if sandbox.path().join(file).exists() {
                sql += &sandbox.read(file);
                std::fs::remove_file(sandbox.path().join(file)).expect("a file");
            }
        }
        assert!(sql.contains("CREATE TABLE shop"), "{what}\n{sql}");
        expect_status(self.alembic(&sandbox, &["upgrade", "head"]), 0, &what);
        for database in &databases {
            assert_eq!(tables(database), "1", "{what}");
            assert_eq!(
                self.server
                    .sql(database, "select version_num from alembic_version")
                    .trim(),
                "a1"
            );
        }

        let again = expect_status(fix(&sandbox, &["--yes"]), 0, name);
        assert!(
            again.stderr.contains("nothing to do"),
            "{name}: {}",
            again.stderr
        );
        expect_status(fix(&sandbox, &["--undo"]), 0, name);
        assert_eq!(
            tree(sandbox.path()),
            before,
            "{name}: an undo leaves no trace"
        );
    }
}

fn check_all(shapes: &[Shape]) {
    let world = World::new();
    for (number, shape) in shapes.iter().enumerate() {
        world.check(number, shape);
    }
}

#[test]
fn fixes_synchronous_shapes() {
    check_all(shapes::SYNCHRONOUS);
}

#[test]
fn fixes_asynchronous_shapes() {
    check_all(shapes::ASYNCHRONOUS);
}
