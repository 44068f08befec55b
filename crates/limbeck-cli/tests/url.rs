//! `limbeck url` for programs: outputs, JSON and exit statuses.

use std::process::{Command, Output};

use serde_json::{Value, json};

fn limbeck(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_limbeck"));
    let output = command.arg("url").args(arguments).env_clear().output();
    output.expect("limbeck starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json_of(arguments: &[&str], status: i32) -> Value {
    let output = limbeck(arguments);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{}",
        text(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn prints_a_converted_url() {
    let output = limbeck(&[
        "convert",
        "--to",
        "postgresql+psycopg2",
        "postgresql+asyncpg://u:p%40w@h/d?ssl=require",
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        "postgresql+psycopg2://u:p%40w@h/d?sslmode=require\n"
    );
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn returns_arguments_that_a_url_cannot_hold() {
    let url =
        "postgresql://u:hunter2@h/d?sslmode=verify-full&sslrootcert=/ca.pem&keepalives_idle=9";
    let converted = json_of(&["convert", "--json", "--to", "postgresql+asyncpg", url], 0);
    assert_eq!(converted["url"], "postgresql+asyncpg://u:hunter2@h/d");
    let context = &converted["connect_args"]["ssl"]["$sslcontext"];
    assert_eq!(context["cafile"], "/ca.pem");
    assert_eq!(
        (&context["check_hostname"], &context["verify_mode"]),
        (&json!(true), &json!("CERT_REQUIRED"))
    );
    assert_eq!(converted["warnings"][0]["parameter"], "keepalives_idle");
    // The URL alone would open a different connection, so none is printed.
    let output = limbeck(&["convert", "--to", "postgresql+asyncpg", url]);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(1), String::new())
    );
    assert!(text(&output.stderr).contains("--json"));
    assert!(!text(&output.stderr).contains("hunter2"));
}

#[test]
fn errors_have_a_kind_and_no_password() {
    for (target, url, kind) in [
        (
            "postgresql+psycopg2",
            "postgresql://u:hunter2@b@h/d",
            "invalid_url",
        ),
        (
            "mysql+pymysql",
            "postgresql://u:hunter2@h/d",
            "backend_mismatch",
        ),
        (
            "nothing",
            "postgresql://u:hunter2@h/d",
            "unsupported_scheme",
        ),
        ("sqlx", "postgresql://u:hunter2@h:99999/d", "invalid_port"),
        (
            "libpq",
            "postgresql://u:hunter2@h/d?sslmode=hunter2",
            "invalid_parameter_value",
        ),
        (
            "sqlx",
            "postgresql://u:hunter2@h/d?sslmode=verify-full&sslpassword=hunter2",
            "inexpressible_parameter",
        ),
    ] {
        let error = json_of(&["convert", "--json", "--to", target, url], 1);
        assert_eq!(error["error"]["kind"], kind, "{url}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let output = limbeck(&["convert", "--to", target, url]);
        assert_eq!(
            (output.status.code(), text(&output.stdout)),
            (Some(1), String::new())
        );
        assert!(
            !text(&output.stderr).contains("hunter2"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn reads_the_applications_url_without_an_argument() {
    let folder = std::env::temp_dir().join(format!("limbeck-url-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(
        folder.join(".env"),
        "DB_PASSWORD='p w'\nDATABASE_URL=postgresql+asyncpg://u:${DB_PASSWORD}@h/d\n",
    )
    .expect("a file");
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_limbeck"));
        command
            .args(["url", "convert", "--to", "libpq"])
            .current_dir(&folder);
        let output = command
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .expect("limbeck starts");
        (text(&output.stdout), text(&output.stderr))
    };
    let (url, source) = run(&[]);
    assert_eq!(url, "postgresql://u:p%20w@h/d\n");
    assert!(source.contains("DATABASE_URL (.env, line 2)"), "{source}");
    let (url, source) = run(&[("DATABASE_URL", "postgres://other/d")]);
    assert_eq!(url, "postgresql://other/d\n");
    assert!(
        source.contains("DATABASE_URL") && !source.contains(".env"),
        "{source}"
    );
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
    let output = limbeck(&["convert", "--to", "libpq"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
}

#[test]
fn explains_a_url_without_its_secrets() {
    let url = "postgresql+asyncpg://app:hunter2@[::1]:5433/shop?ssl=verify-full&api_token=hunter2&application_name=web";
    let output = limbeck(&["show", url]);
    let shown = text(&output.stdout);
    for line in [
        "server                    [::1]:5433",
        "TLS                       verify-full",
        "password                  ***",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(!shown.contains("hunter2"));
    let meaning = json_of(&["show", "--json", url], 0);
    assert_eq!(meaning["meaning"]["setting_application_name"], "web");
    assert!(!meaning.to_string().contains("hunter2"));
}

#[test]
fn refuses_a_password_that_reaches_into_the_host_and_the_database() {
    for (url, place) in [
        (
            "postgresql+psycopg2://app:Gehe1mes@Zweites1/Drittes1@127.0.0.1/shop",
            53,
        ),
        (
            "postgresql://app:Gehe1mes@Zweites1/Drittes1@127.0.0.1/shop",
            44,
        ),
        (
            "postgresql://app:Gehe1mes@Zweites1?Drittes1@127.0.0.1/shop?x=Zweites1",
            44,
        ),
        (
            "postgresql+asyncpg://app:Gehe1mes@Zweites1?Drittes1@127.0.0.1/shop",
            52,
        ),
        ("postgres://app:12345/Zweites1@127.0.0.1/shop", 30),
        ("postgresql://app:Gehe1mes/Zweites1@127.0.0.1/shop", 35),
        ("postgresql://app:Gehe1mes/Zweites1@127.0.0.1", 35),
        ("mysql://app:Gehe1mes@Zweites1/Drittes1@127.0.0.1/shop", 39),
        (
            "mysql+pymysql://app:Gehe1mes@Zweites1/Drittes1@127.0.0.1/shop",
            47,
        ),
    ] {
        for arguments in [
            &["show", url][..],
            &["show", "--json", url],
            &["convert", "--to", "libpq", url],
            &["check", url],
        ] {
            let output = limbeck(arguments);
            let all = text(&output.stdout) + &text(&output.stderr);
            assert_ne!(output.status.code(), Some(0), "{arguments:?}: {all}");
            for piece in ["Gehe1mes", "Zweites1", "Drittes1", "12345"] {
                assert!(!all.contains(piece), "{arguments:?}: {all}");
            }
            assert!(
                all.contains(&format!("the `@` at character {place} of the URL")),
                "{arguments:?}: {all}"
            );
            assert!(all.contains("write `%40` for `@`"), "{arguments:?}: {all}");
        }
        let error = json_of(&["convert", "--json", "--to", "libpq", url], 1);
        assert_eq!(error["error"]["kind"], "invalid_url", "{url}: {error}");
    }
}

#[test]
fn converts_to_a_kind_of_driver() {
    for (kind, url, expected) in [
        (
            "sync",
            "postgresql+asyncpg://u@h/d",
            "postgresql+psycopg2://u@h/d",
        ),
        (
            "sync",
            "postgresql+psycopg://u@h/d",
            "postgresql+psycopg://u@h/d",
        ),
        (
            "async",
            "postgres://u@h/d?sslmode=require",
            "postgresql+asyncpg://u@h/d?ssl=require",
        ),
        ("async", "sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
        ("sync", "mysql+aiomysql://u@h/d", "mysql+pymysql://u@h/d"),
    ] {
        let output = limbeck(&["convert", "--to", kind, url]);
        assert_eq!(text(&output.stdout).trim_end(), expected, "{kind} {url}");
    }
}
