//! The number of connections of a command: a run reuses the session of the version probe before it.

use limbeck_testkit::{Postgres, Sandbox, Tls, python};

use crate::support::{limbeck, run};

/// Creates a project with `limbeck init`, with one revision.
fn stock(template: &str, url: &str) -> Sandbox {
    let python = python();
    let sandbox = Sandbox::new();
    let arguments = ["init", "-t", template, "migrations"];
    sandbox.run(&limbeck(), Some(&python), &arguments).success();
    let ini = sandbox.read("alembic.ini");
    let line = ini
        .lines()
        .find(|line| line.starts_with("sqlalchemy.url"))
        .expect("the URL's line")
        .to_owned();
    sandbox.write(
        "alembic.ini",
        &ini.replace(&line, &format!("sqlalchemy.url = {url}")),
    );
    sandbox.write(
        "migrations/versions/a1.py",
        "from alembic import op\n\nrevision = 'a1'\ndown_revision = None\n\n\ndef upgrade():\n    \
         op.execute('create table t (x int)')\n\n\ndef downgrade():\n    op.execute('drop table t')\n",
    );
    sandbox
}

#[test]
fn a_run_reuses_the_session_of_the_version_probe() {
    let server = Postgres::start(Tls::Off);
    server.configure(
        &[("log_connections", "on")],
        "host all all 127.0.0.1/32 trust",
    );
    for (template, scheme) in [
        ("generic", "postgresql+psycopg2"),
        ("async", "postgresql+asyncpg"),
    ] {
        server.create_database(template);
        let url = server.url(scheme, template, "");
        let sandbox = stock(template, &url);
        let authorized = format!("connection authorized: user=postgres database={template}");
        let count = || server.log().matches(&authorized).count();
        for (arguments, connections) in [
            // The session of the version probe, and the session of the lock.
            (["upgrade", "head"], 2),
            (["upgrade", "head"], 1),
        ] {
            let before = count();
            let output = run(&sandbox, &url, &arguments);
            output.success();
            assert_eq!(count() - before, connections, "{}", server.log());
        }
        assert!(!server.log().contains("unexpected EOF"), "{}", server.log());
        assert_eq!(
            server
                .sql(template, "select version_num from alembic_version")
                .trim(),
            "a1"
        );
    }
}
