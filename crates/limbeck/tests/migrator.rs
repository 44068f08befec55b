//! A service that migrates at its start: the results of `Migrator`, its errors, and the database afterwards.

use std::path::Path;
use std::time::Duration;

use limbeck::migrator::Pending;
use limbeck::{MigrateError, Migrator};
use limbeck_testkit::{Postgres, Sandbox, Tls, python};

const ENV: &str = "\
import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ['DATABASE_URL'], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
";

/// A stock `env.py`, whose version table limbeck reads without Python.
const STOCK: &str = "\
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
target_metadata = None


def run_migrations_offline() -> None:
    url = config.get_main_option('sqlalchemy.url')
    context.configure(url=url, target_metadata=target_metadata, literal_binds=True, dialect_opts={'paramstyle': 'named'})
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}), prefix='sqlalchemy.', poolclass=pool.NullPool
    )
    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
";

fn project(env: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "alembic.ini",
        "[alembic]\nscript_location = %(here)s/migrations\n",
    );
    sandbox.write("migrations/env.py", env);
    for (id, down) in [("a1", "None"), ("b2", "'a1'"), ("c3", "'b2'")] {
        let text = format!(
            "\"\"\"step {id}\"\"\"\nfrom alembic import op\nrevision = '{id}'\ndown_revision = {down}\n\n\n\
             def upgrade():\n    op.execute('create table {id} (x int)')\n\n\n\
             def downgrade():\n    op.execute('drop table {id}')\n"
        );
        sandbox.write(&format!("migrations/versions/{id}.py"), &text);
    }
    sandbox
}

fn migrator(sandbox: &Sandbox, url: &str) -> Migrator {
    let python = python();
    let environment = python
        .parent()
        .and_then(Path::parent)
        .expect("an environment");
    let variables = [
        ("VIRTUAL_ENV".to_owned(), environment.display().to_string()),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
    ];
    let config = sandbox.path().join("alembic.ini");
    let migrator = Migrator::for_project(&config, variables).expect("a configuration");
    migrator
        .with_database_url(url)
        .with_lock_wait(Duration::from_secs(60))
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

async fn check(sandbox: &Sandbox, url: &str) {
    let migrator = migrator(sandbox, url);
    let status = migrator.status("head").await.expect("a status");
    assert_eq!(status.len(), 1);
    assert_eq!(
        (&status[0].current, &status[0].heads),
        (&ids(&[]), &ids(&["c3"]))
    );
    let first = Pending {
        revision: "a1".into(),
        doc: "step a1".into(),
    };
    assert_eq!(
        (status[0].pending.len(), &status[0].pending[0]),
        (3, &first)
    );
    let migrated = migrator.upgrade("b2").await.expect("an upgrade");
    assert_eq!(migrated.revisions, ids(&["a1", "b2"]));
    assert_eq!(migrated.before, Some(ids(&[])));
    assert_eq!(migrated.after, Some(ids(&["b2"])));
    let (one, other) = tokio::join!(migrator.upgrade("head"), migrator.upgrade("head"));
    let mut both = [
        one.expect("an upgrade").revisions,
        other.expect("an upgrade").revisions,
    ];
    both.sort();
    assert_eq!(both, [ids(&[]), ids(&["c3"])]);
    assert!(migrator.status("head").await.expect("a status")[0].is_up_to_date());
    let migrated = migrator.downgrade("-1").await.expect("a downgrade");
    assert_eq!(migrated.revisions, ids(&["c3"]));
    let error = migrator.upgrade("nowhere").await.expect_err("a refusal");
    assert!(matches!(error, MigrateError::Refused(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "Can't locate revision identified by 'nowhere'"
    );
    assert_eq!(
        migrator.status("head").await.expect("a status")[0].current,
        ids(&["b2"])
    );
}

#[tokio::test]
async fn postgresql() {
    let server = Postgres::start(Tls::Required);
    for (name, env, scheme, query) in [
        ("asks", ENV, "postgresql+asyncpg", "?ssl=require"),
        ("stock", STOCK, "postgresql+psycopg2", "?sslmode=require"),
    ] {
        server.create_database(name);
        check(&project(env), &server.url(scheme, name, query)).await;
    }
}

#[tokio::test]
async fn sqlite() {
    for env in [ENV, STOCK] {
        let sandbox = project(env);
        let url = format!("sqlite:///{}/app.db", sandbox.path().display());
        check(&sandbox, &url).await;
    }
}

/// What a service can log of a migration that fails.
#[tokio::test]
async fn a_report_of_a_failure() {
    let server = Postgres::start(Tls::Off);
    let sandbox = project(ENV);
    let script = sandbox.read("migrations/versions/c3.py");
    let script = script.replace(
        "'create table c3 (x int)'",
        "\"insert into nowhere values ('hidden')\"",
    );
    sandbox.write("migrations/versions/c3.py", &script);
    let file = sandbox.path().join("migrations/versions/c3.py");
    let migrator = migrator(&sandbox, &server.url("postgresql+asyncpg", "postgres", ""));
    let expected = |end: &str| {
        format!(
            "relation \"nowhere\" does not exist (42P01)\n  in upgrade of `c3`, step 3 of 3\n  at {}:8\n  {end}",
            file.display()
        )
    };
    // Of one transaction for all.
    let error = migrator.upgrade("head").await.expect_err("a failure");
    assert_eq!(
        error.report(),
        expected("its work was rolled back\n  the database is at no revision")
    );
    assert!(!error.report().contains("hidden"));
    let error = migrator.upgrade("nowhere").await.expect_err("a refusal");
    assert_eq!(error.report(), error.to_string());
}

/// The service's current folder is not the project's: `env.py` finds its imports in `PYTHONPATH` and the import folders.
#[tokio::test]
async fn finds_imports_in_the_import_folders() {
    let env = format!("import shop.settings\nimport beside\n{ENV}");
    let sandbox = project(&env);
    sandbox.write("shop/settings.py", "");
    let other = Sandbox::new();
    other.write("beside.py", "");
    let url = format!("sqlite:///{}/app.db", sandbox.path().display());
    let migrator = migrator(&sandbox, &url);
    let migrator = migrator.with_variable("PYTHONPATH", &other.path().display().to_string());
    let error = migrator.upgrade("head").await.expect_err("no such module");
    assert!(
        error.to_string().contains("No module named 'shop'"),
        "{error}"
    );
    let migrator = migrator.with_import_folder(sandbox.path());
    let migrated = migrator.upgrade("head").await.expect("an upgrade");
    assert_eq!(migrated.revisions, ids(&["a1", "b2", "c3"]));
}

/// A future that is dropped in the middle of a migration leaves no session and no table.
#[tokio::test]
async fn dropping_the_future_rolls_back() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let sandbox = project(ENV);
    let slow = sandbox.read("migrations/versions/c3.py");
    let slow = slow.replace(
        "'create table c3 (x int)'",
        "'create table c3 as select 1 as x from pg_sleep(3)'",
    );
    sandbox.write("migrations/versions/c3.py", &slow);
    let url = server.url("postgresql+asyncpg", "app", "");
    let migrator = migrator(&sandbox, &url);
    let count = |condition: &str| {
        let sql = format!(
            "select count(*) from pg_stat_activity \
             where datname = 'app' and pid <> pg_backend_pid() and {condition}"
        );
        server.sql("app", &sql).trim().to_owned()
    };
    let pause = || tokio::time::sleep(Duration::from_millis(100));
    let until_it_runs = async {
        while count("query like '%pg_sleep%'") == "0" {
            pause().await;
        }
    };
    tokio::select! {
        done = migrator.upgrade("head") => panic!("{done:?}"),
        () = until_it_runs => {}
    }
    // The server notices the closed connection when the statement has ended.
    for _ in 0..200 {
        if count("true") == "0" {
            break;
        }
        pause().await;
    }
    assert_eq!(count("true"), "0");
    let tables = "select count(*) from pg_class where relname in ('a1', 'alembic_version')";
    assert_eq!(server.sql("app", tables).trim(), "0");
}
