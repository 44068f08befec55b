//! Messages never show passwords, wherever they are.

use limbeck_testkit::{Sandbox, python};

use crate::support::{INI, limbeck, linear, sync_env};

/// The parts of the password, before and after the percent sign that breaks the value.
const SECRETS: [&str; 2] = ["Geheim1", "Geheim2"];

/// The kinds of commands that connect.
const ONLINE: [&[&str]; 4] = [
    &["upgrade", "head"],
    &["--raiseerr", "upgrade", "head"],
    &["current"],
    &["check"],
];

/// Runs each kind of command, which must fail with an output that contains `expected` and no secret.
fn check(sandbox: &Sandbox, variables: &[(&str, &str)], expected: &str) {
    check_online(sandbox, variables, expected);
    check_command(sandbox, variables, &["upgrade", "head", "--sql"], expected);
}

fn check_online(sandbox: &Sandbox, variables: &[(&str, &str)], expected: &str) {
    for arguments in ONLINE {
        check_command(sandbox, variables, arguments, expected);
    }
}

fn check_command(
    sandbox: &Sandbox,
    variables: &[(&str, &str)],
    arguments: &[&str],
    expected: &str,
) {
    let python = python();
    let output = sandbox
        .command(&limbeck(), Some(&python))
        .envs(variables.iter().copied())
        .args(arguments)
        .output()
        .expect("limbeck starts");
    let output_text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    for secret in SECRETS {
        assert!(
            !output_text.contains(secret),
            "{arguments:?}: {output_text}"
        );
    }
    assert_eq!(
        output.status.code(),
        Some(1),
        "{arguments:?}: {output_text}"
    );
    assert!(
        output_text.contains(expected),
        "{arguments:?}: {output_text}"
    );
}

/// Creates a project whose `env.py` reads its URL from the ini.
fn from_ini(url: &str) -> Sandbox {
    let env = sync_env("").replace(
        "os.environ['DATABASE_URL']",
        "context.config.get_main_option('sqlalchemy.url')",
    );
    let sandbox = linear(&env, &[("a1", "pass", "pass")]);
    let ini = INI.replacen(
        "[loggers]",
        &format!("sqlalchemy.url = {url}\n[loggers]"),
        1,
    );
    sandbox.write("alembic.ini", &ini);
    sandbox
}

#[test]
fn hides_a_url_with_a_lone_percent_sign() {
    let sandbox = from_ini("postgresql+asyncpg://u:Geheim1%40Geheim2@127.0.0.1:1/d");
    check(
        &sandbox,
        &[],
        "alembic.ini:3: the value of `sqlalchemy.url` can't be used",
    );
}

#[test]
fn hides_a_url_with_a_missing_interpolation() {
    let sandbox = from_ini("postgresql+asyncpg://u:Geheim1%(x)sGeheim2@127.0.0.1:1/d");
    check(&sandbox, &[], "there is no key `x` for `%(x)s`");
}

#[test]
fn hides_the_url_of_set_main_option() {
    let sandbox = from_ini("x");
    let env = sandbox.read("migrations/env.py").replace(
        "fileConfig(",
        "context.config.set_main_option('sqlalchemy.url', os.environ['URL'])\nfileConfig(",
    );
    sandbox.write("migrations/env.py", &env);
    check(
        &sandbox,
        &[(
            "URL",
            "postgresql+asyncpg://u:Geheim1%40Geheim2@127.0.0.1:1/d",
        )],
        "pass `url.replace('%', '%%')`",
    );
}

#[test]
fn hides_a_url_in_an_exception() {
    let sandbox = from_ini("x");
    let env = "import os\nraise ValueError('cannot use ' + os.environ['URL'])\n";
    sandbox.write("migrations/env.py", env);
    check(
        &sandbox,
        &[(
            "URL",
            "postgresql+asyncpg://u:Geheim1@Geheim2@127.0.0.1:1/d",
        )],
        "cannot use postgresql+asyncpg://u:***@127.0.0.1:1/d",
    );
}

#[test]
fn hides_a_url_in_a_source_line() {
    let sandbox = from_ini("x");
    let env = "connect('postgresql://u:Geheim1/Geheim2@127.0.0.1:1/d')\n";
    sandbox.write("migrations/env.py", env);
    check(&sandbox, &[], "connect('postgresql://u:***@127.0.0.1:1/d')");
}

#[test]
fn hides_a_line_of_toml() {
    let sandbox = from_ini("x");
    sandbox.write(
        "pyproject.toml",
        "[tool.alembic]\nurl = 'Geheim1' 'Geheim2'\n",
    );
    check(&sandbox, &[], "pyproject.toml:2: ");
}

#[test]
fn hides_a_password_that_reaches_into_the_host() {
    for (url, expected) in [
        (
            "'postgresql+psycopg2://u:x' 'y@Geheim1/Geheim2' '@127.0.0.1:1/d'",
            "the database's name contains an `@` and a `/`",
        ),
        (
            "'postgresql+psycopg2://u:x' 'y@Geheim1/Geheim2' '@127.0.0.1:1'",
            "write `%40` for each `@` in the password",
        ),
    ] {
        let env = sync_env("").replace("os.environ['DATABASE_URL']", url);
        let sandbox = linear(&env, &[("a1", "pass", "pass")]);
        check_online(&sandbox, &[], expected);
    }
}
