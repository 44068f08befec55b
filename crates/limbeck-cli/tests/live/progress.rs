//! The line on a terminal while a statement takes its time.

use std::path::Path;

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls, python};

use crate::support::{limbeck, linear, ran, run, sync_env};

/// Runs limbeck in front of a terminal, and gives everything that came there.
fn on_terminal(sandbox: &Sandbox, url: &str, arguments: &str) -> CommandOutput {
    let python = python();
    let command = format!("'{}' {arguments}", limbeck().display());
    let output = sandbox
        .command(Path::new("script"), Some(&python))
        .env("DATABASE_URL", url)
        .env("TERM", "xterm-256color")
        .args(["-qec", &command, "/dev/null"])
        .output()
        .expect("`script` runs");
    ran(&output)
}

fn check(url: &str, slow: &str, shown: &str) {
    let sandbox = linear(
        &sync_env(""),
        &[
            (
                "a1",
                "op.execute('create table t (id int)')",
                "op.execute('drop table t')",
            ),
            (
                "b2",
                &format!("op.execute('''{slow}''')\nprint('after it')"),
                "pass",
            ),
        ],
    );
    let seen = on_terminal(&sandbox, url, "upgrade head");
    let seen = seen.success();
    let (before, after) = seen
        .stdout
        .rsplit_once(shown)
        .unwrap_or_else(|| panic!("no line: {:?}", seen.stdout));
    assert!(before.contains(" 2/2 b2 0s "), "{before:?}");
    // It is taken away before Python goes on.
    let (_, rest) = after
        .split_once("\u{1b}[2K")
        .unwrap_or_else(|| panic!("it stays: {after:?}"));
    assert_eq!(rest.trim_start_matches('\r'), "after it\r\n");
    assert!(!seen.stdout.contains("1/2 a1"), "{:?}", seen.stdout);

    for quiet in ["upgrade head", "-q upgrade head"] {
        let back = run(&sandbox, url, &["downgrade", "base"]);
        back.success();
        let seen = if quiet.starts_with('-') {
            on_terminal(&sandbox, url, quiet)
        } else {
            run(&sandbox, url, &["upgrade", "head"])
        };
        let seen = seen.success();
        let all = format!("{}{}", seen.stdout, seen.stderr);
        assert!(!all.contains("2/2 b2"), "{all:?}");
        assert!(!all.contains('\u{1b}'), "{all:?}");
    }
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    check(
        &server.url("postgresql+asyncpg", "app", ""),
        "select pg_sleep(0.9),\n    1",
        "select pg_sleep(0.9), 1",
    );
}

#[test]
fn sqlite() {
    check(
        "sqlite+aiosqlite:///project.db",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000000) select max(i) from n",
        "with recursive n(i)",
    );
}
