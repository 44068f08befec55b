//! A project whose ini leaves the URL open: each command takes the same URL from the environment.

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls, all_pythons, python};

use crate::support::limbeck;

/// The commands that use the database, and a text of the output that shows the database's state.
const COMMANDS: [(&[&str], &str); 8] = [
    (&["upgrade", "head"], "Running upgrade  -> "),
    (&["upgrade", "head"], "Context impl"),
    (&["current"], "(head)"),
    (&["status"], "pending      nothing"),
    (&["wait"], "the database is at head"),
    (&["url", "check"], "migrations         can run"),
    (&["doctor"], "at head"),
    (&["run", "--", "true"], "Context impl"),
];

fn run(sandbox: &Sandbox, variables: &[(&str, &str)], arguments: &[&str]) -> CommandOutput {
    run_with(sandbox, &python(), variables, arguments)
}

fn run_with(
    sandbox: &Sandbox,
    python: &std::path::Path,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> CommandOutput {
    let mut command = sandbox.command(&limbeck(), Some(python));
    let output = command.envs(variables.iter().copied()).args(arguments);
    let output = output.output().expect("limbeck starts");
    CommandOutput {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Creates a project from a template, with one empty revision.
fn project(template: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    run(&sandbox, &[], &["init", "-t", template, "migrations"]).success();
    run(&sandbox, &[], &["revision", "-m", "one"]).success();
    sandbox
}

fn edit(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = sandbox.read(file);
    assert!(text.contains(from), "{file} contains {from:?}");
    sandbox.write(file, &text.replace(from, to));
}

const URL_LINE: &str = "sqlalchemy.url = driver://user:pass@localhost/dbname";

/// Runs each command, which must use the URL of the variables and name its source.
#[track_caller]
fn check(sandbox: &Sandbox, variables: &[(&str, &str)], source: &str) {
    for (arguments, expected) in COMMANDS {
        let output = run(sandbox, variables, arguments);
        let text = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(output.status, 0, "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
        let lines = text.lines().filter(|line| line.contains(source)).count();
        assert_eq!(lines, 1, "{arguments:?}: {text}");
        assert!(!text.contains("Geheim"), "{arguments:?}: {text}");
    }
}

#[test]
fn each_command_uses_the_same_url() {
    let server = Postgres::start(Tls::Off);
    let mut number = 0;
    for template in ["generic", "async"] {
        for scheme in [
            "postgresql+asyncpg",
            "postgresql+psycopg",
            "postgresql",
            "postgres",
        ] {
            number += 1;
            let database = format!("d{number}");
            server.create_database(&database);
            let sandbox = project(template);
            match number % 3 {
                0 => edit(&sandbox, "alembic.ini", URL_LINE, "sqlalchemy.url ="),
                1 => edit(&sandbox, "alembic.ini", URL_LINE, ""),
                _ => {}
            }
            // libpq's parameters, as hosters write them. `doctor` reports that asyncpg itself would reject them.
            let query = match scheme {
                "postgresql+asyncpg" => "?ssl=prefer",
                _ => "?sslmode=prefer&application_name=shop&connect_timeout=10",
            };
            let url = server.url(scheme, &database, query);
            check(&sandbox, &[("DATABASE_URL", &url)], "`DATABASE_URL`");
            let rows = server.sql(&database, "select count(*) from alembic_version");
            assert_eq!(rows.trim(), "1", "{template} {scheme}");
        }
    }
}

#[test]
fn prefers_the_url_for_migrations_and_reads_env_files() {
    let sandbox = project("generic");
    let variables = [
        ("DATABASE_URL", "sqlite:///application.db"),
        ("MIGRATION_DATABASE_URL", "sqlite:///migration.db"),
    ];
    check(&sandbox, &variables, "`MIGRATION_DATABASE_URL`");
    assert!(!sandbox.path().join("application.db").exists());

    let sandbox = project("async");
    sandbox.write(".env", "A=b\nDATABASE_URL='sqlite+aiosqlite:///env.db'\n");
    check(&sandbox, &[], "`DATABASE_URL` (.env, line 2)");
    let variables = [("DATABASE_URL", "sqlite+aiosqlite:///other.db")];
    check(&sandbox, &variables, "`DATABASE_URL`");
    assert!(sandbox.path().join("other.db").exists());
}

#[test]
fn reads_the_env_file_beside_the_ini() {
    let sandbox = project("generic");
    edit(
        &sandbox,
        "alembic.ini",
        "%(here)s/migrations",
        "%(here)s/../migrations",
    );
    sandbox.write("config/alembic.ini", &sandbox.read("alembic.ini"));
    std::fs::remove_file(sandbox.path().join("alembic.ini")).expect("the ini");
    sandbox.write("config/.env", "DATABASE_URL=sqlite:///beside.db\n");
    let variables = [("ALEMBIC_CONFIG", "config/alembic.ini")];
    check(&sandbox, &variables, "`DATABASE_URL` (config/.env, line 1)");
    // The file of the current folder comes first.
    sandbox.write(".env", "DATABASE_URL=sqlite:///current.db\n");
    check(&sandbox, &variables, "`DATABASE_URL` (.env, line 1)");
}

#[test]
fn an_env_py_that_requires_a_variable_finds_it_in_the_env_file() {
    let sandbox = project("generic");
    let requires = "config = context.config\nimport os\nconfig.set_main_option('sqlalchemy.url', os.environ['APP_URL'])";
    edit(
        &sandbox,
        "migrations/env.py",
        "config = context.config",
        requires,
    );
    sandbox.write(".env", "APP_URL=sqlite:///app.db\n");
    check(&sandbox, &[], "`APP_URL` (.env, line 1)");
    assert!(sandbox.path().join("app.db").exists());
}

#[test]
fn code_that_works_without_the_env_file_sees_no_change() {
    for python in all_pythons() {
        let sandbox = project("generic");
        sandbox.write(
            ".env",
            "APP_URL=sqlite:///wrong.db\nDATABASE_URL=sqlite:///wrong.db\n",
        );
        let looks = "config = context.config
import os, subprocess, sys
assert 'APP_URL' not in os.environ and 'APP_URL' not in dict(os.environ) and 'APP_URL' not in os.environ.copy()
assert os.getenv('APP_URL') is None and os.environ.pop('APP_URL', 1) == 1 and 'APP_URL' not in list(os.environ)
subprocess.check_call([sys.executable, '-c', 'import os; assert \"APP_URL\" not in os.environ'])
assert os.environ.setdefault('APP_URL', 'sqlite:///right.db') == os.environ['APP_URL'] == os.environ.get('APP_URL')
os.environ['APP_URL'] += ''
url = config.get_main_option('sqlalchemy.url')
assert url.startswith('driver://')
config.set_main_option('sqlalchemy.url', os.environ['APP_URL'])
assert os.environ.pop('APP_URL') == 'sqlite:///right.db'
try:
    os.environ['NO_SUCH']
    raise SystemExit(9)
except KeyError as error:
    assert error.args == ('NO_SUCH',)";
        edit(
            &sandbox,
            "migrations/env.py",
            "config = context.config",
            looks,
        );
        let output = run_with(&sandbox, &python, &[], &["upgrade", "head"]).success();
        assert!(
            !output.stderr.contains("limbeck: using"),
            "{}",
            output.stderr
        );
        assert!(sandbox.path().join("right.db").exists());
        assert!(!sandbox.path().join("wrong.db").exists());
    }
}

#[test]
fn a_url_that_cannot_be_used_is_named_with_its_source() {
    let sandbox = project("generic");
    let variables = [("DATABASE_URL", "postgres://u:Geheim1@Geheim2@db/app")];
    for arguments in [
        &["upgrade", "head"][..],
        &["current"],
        &["upgrade", "head", "--sql"],
    ] {
        let output = run(&sandbox, &variables, arguments);
        assert_ne!(output.status, 0);
        let expected = "the URL from `DATABASE_URL` can't be used";
        assert!(output.stderr.contains(expected), "{}", output.stderr);
        assert!(!output.stderr.contains("Geheim"), "{}", output.stderr);
    }
}

#[test]
fn several_databases_get_no_url_of_the_environment() {
    let sandbox = project("multidb");
    let variables = [("DATABASE_URL", "sqlite:///one.db")];
    let output = run(&sandbox, &variables, &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    assert!(
        !output.stderr.contains("limbeck: using"),
        "{}",
        output.stderr
    );
    assert!(!sandbox.path().join("one.db").exists());
}
