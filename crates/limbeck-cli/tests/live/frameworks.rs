//! Projects of Flask-Migrate and advanced-alchemy, compared with the frameworks' own commands. The applications are those
//! of docs/frameworks.md.

use std::path::{Path, PathBuf};

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls, frameworks_python};

use crate::support::{limbeck, to_command_output};

/// Creates a project with a file of docs/frameworks.md.
fn project(file: &str) -> Sandbox {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/frameworks.md");
    let page = std::fs::read_to_string(path).expect("the page exists");
    let start = format!("```python\n# {file}\n");
    let (_, after) = page.split_once(&start).expect("the page has the file");
    let (text, _) = after.split_once("```").expect("the block ends");
    let sandbox = Sandbox::new();
    sandbox.write(file, text);
    sandbox
}

fn run(
    sandbox: &Sandbox,
    program: &Path,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> CommandOutput {
    let output = sandbox
        .command(program, Some(&frameworks_python()))
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("the program starts");
    to_command_output(&output)
}

fn program(name: &str) -> PathBuf {
    frameworks_python().with_file_name(name)
}

#[test]
fn runs_the_migrations_of_flask_migrate() {
    let server = Postgres::start(Tls::Off);
    for database in ["theirs", "ours"] {
        server.create_database(database);
    }
    let url = |scheme: &str, database: &str| server.url(scheme, database, "");
    let (theirs, ours) = (
        url("postgresql+psycopg2", "theirs"),
        url("postgresql+psycopg2", "ours"),
    );
    let sandbox = project("app.py");
    let flask = |arguments: &[&str]| {
        let variables = [("DATABASE_URL", theirs.as_str())];
        run(&sandbox, &program("flask"), &variables, arguments)
    };
    let limbeck = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut variables = variables.to_vec();
        if !variables.iter().any(|(name, _)| *name == "DATABASE_URL") {
            variables.push(("DATABASE_URL", &ours));
        }
        variables.push(("ALEMBIC_CONFIG", "migrations/alembic.ini"));
        run(&sandbox, &limbeck(), &variables, arguments)
    };
    flask(&["db", "init"]).success();
    flask(&["db", "migrate", "-m", "users"]).success();
    flask(&["db", "upgrade"]).success();

    limbeck(&[], &["upgrade", "head"]).success();
    assert_eq!(server.dump_schema("ours"), server.dump_schema("theirs"));
    let current = limbeck(&[], &["current"]).success().stdout;
    assert_eq!(current, flask(&["db", "current"]).success().stdout);
    assert!(current.contains("(head)"), "{current}");
    let check = limbeck(&[], &["check"]).success();
    assert_eq!(check.stdout, "No new upgrade operations detected.\n");
    limbeck(&[], &["revision", "--autogenerate", "-m", "nothing"]).success();
    assert_eq!(limbeck(&[], &["heads"]).success().stdout, current);

    // The driver of the URL doesn't matter.
    let asynchronous = url("postgresql+asyncpg", "ours");
    let variables = [("DATABASE_URL", asynchronous.as_str())];
    limbeck(&variables, &["downgrade", "base"]).success();
    let users = "select count(*) from pg_class where relname = 'user'";
    assert_eq!(server.sql("ours", users).trim(), "0");

    // The application of another name.
    std::fs::rename(
        sandbox.path().join("app.py"),
        sandbox.path().join("shop.py"),
    )
    .expect("the file is renamed");
    let refused = limbeck(&[], &["upgrade", "head"]);
    assert_eq!(refused.status, 255);
    for part in [
        "FAILED: `env.py` needs the Flask application: Could not locate a Flask application.",
        "Set FLASK_APP, or `app` in [tool.limbeck]",
    ] {
        let text = refused.stdout.replace("\n  ", " ");
        assert!(text.contains(part), "{part}: {text}");
    }
    let named = [("FLASK_APP", "shop:create_app()")];
    limbeck(&named, &["upgrade", "head"]).success();
    sandbox.write(
        "pyproject.toml",
        "[tool.limbeck]\napp = 'shop:create_app'\n",
    );
    limbeck(&[], &["downgrade", "base"]).success();
    sandbox.write("pyproject.toml", "[tool.limbeck]\napp = 'shop:nothing'\n");
    let refused = limbeck(&[], &["upgrade", "head"]);
    assert_eq!(refused.status, 255);
    let text = refused.stdout.replace("\n  ", " ");
    assert!(
        text.contains("FAILED: `shop:nothing`, which is `app` in [tool.limbeck]"),
        "{text}"
    );
}

#[test]
fn runs_the_migrations_of_advanced_alchemy() {
    let server = Postgres::start(Tls::Off);
    for database in ["theirs", "ours"] {
        server.create_database(database);
    }
    let (theirs, ours) = (
        server.url("postgresql+asyncpg", "theirs", ""),
        server.url("postgresql+asyncpg", "ours", ""),
    );
    let sandbox = project("models.py");
    sandbox.write(
        "pyproject.toml",
        "[tool.limbeck]\napp = \"models:alchemy_config\"\n",
    );
    let alchemy = |arguments: &[&str]| {
        let arguments = [&["--config", "models.alchemy_config"], arguments].concat();
        let variables = [("DATABASE_URL", theirs.as_str())];
        run(&sandbox, &program("alchemy"), &variables, &arguments).success()
    };
    let limbeck = |arguments: &[&str]| {
        let variables = [("DATABASE_URL", ours.as_str())];
        run(&sandbox, &limbeck(), &variables, arguments).success()
    };
    alchemy(&["init", "migrations", "--no-prompt"]);
    alchemy(&["make-migrations", "--no-prompt", "-m", "authors"]);
    alchemy(&["upgrade", "--no-prompt"]);

    limbeck(&["upgrade", "head"]);
    assert_eq!(server.dump_schema("ours"), server.dump_schema("theirs"));
    let versions = "select version_num from alembic_versions";
    assert_eq!(server.sql("ours", versions), server.sql("theirs", versions));
    let check = limbeck(&["check"]);
    assert_eq!(check.stdout, "No new upgrade operations detected.\n");
    let current = limbeck(&["current"]).stdout;
    assert!(current.contains("(head)"), "{current}");
    let shown = alchemy(&["show-current-revision"]).stdout;
    assert!(shown.contains(current.trim()), "{shown}");
    limbeck(&["downgrade", "base"]);
    let authors = "select count(*) from pg_class where relname = 'author'";
    assert_eq!(server.sql("ours", authors).trim(), "0");
}
