//! The project's `ssl.SSLContext`: its settings and client certificate apply to limbeck's connection.

use limbeck_testkit::certificates::{Authority, CertificateRequest, authority_folder};
use limbeck_testkit::{CommandOutput, MariaDb, Postgres, Sandbox, Tls};

use crate::support::{async_env, linear, run, run_alembic, sync_env};

/// Returns an asynchronous `env.py` whose engine uses the context `tls`, which `lines` create.
fn env(lines: &str) -> String {
    async_env(lines, "connect_args={'ssl': tls}")
}

#[test]
fn presents_the_client_certificate_of_a_context() {
    let server = Postgres::start(Tls::Off);
    let folder = Sandbox::new();
    let authority = Authority::new(&folder.path().join("servers"), "authority of servers");
    let own = authority.issue(&CertificateRequest::new(
        "row",
        "row",
        "subjectAltName=DNS:localhost",
    ));
    let clients = Authority::new(&folder.path().join("clients"), "authority of clients");
    let client = clients.issue(&CertificateRequest::new(
        "right",
        "postgres",
        "basicConstraints=CA:FALSE",
    ));
    server.copy_to_data_folder(&own.certificate, "row.crt");
    server.copy_to_data_folder(&own.key, "row.key");
    server.copy_to_data_folder(&clients.own.certificate, "clients.crt");
    server.configure(
        &[
            ("ssl", "on"),
            ("ssl_cert_file", "row.crt"),
            ("ssl_key_file", "row.key"),
            ("ssl_ca_file", "clients.crt"),
        ],
        "hostssl all all 0.0.0.0/0 cert\nhostssl all all ::/0 cert",
    );
    let url = format!(
        "postgresql+asyncpg://postgres@localhost:{}/postgres",
        server.port
    );
    let trusting = format!(
        "tls = ssl.create_default_context(cafile={:?})",
        authority.own.certificate
    );
    let with_client = format!(
        "{trusting}\ntls.load_cert_chain({:?}, {:?})",
        client.certificate, client.key
    );
    let with_lists = format!("{with_client}\ntls.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF");
    let project = |lines: &str| -> Sandbox {
        linear(
            &env(lines),
            &[(
                "a1",
                "op.create_table('t', sa.Column('x', sa.Integer))",
                "op.drop_table('t')",
            )],
        )
    };
    let both = |lines: &str| -> (CommandOutput, CommandOutput) {
        let theirs = run_alembic(&project(lines), &url, &["upgrade", "head"]);
        server.sql("postgres", "drop table if exists t, alembic_version");
        let ours = run(&project(lines), &url, &["upgrade", "head"]);
        server.sql("postgres", "drop table if exists t, alembic_version");
        (theirs, ours)
    };
    let (theirs, ours) = both(&with_client);
    assert_eq!(
        (theirs.status, ours.status),
        (0, 0),
        "{}\n{}",
        theirs.stderr,
        ours.stderr
    );
    let (theirs, ours) = both(&trusting);
    assert_eq!((theirs.status, ours.status), (1, 1), "{}", ours.stderr);
    assert!(
        ours.stderr.contains("requires a valid client certificate"),
        "{}",
        ours.stderr
    );
    // There is no revocation list, so the driver refuses; limbeck reports that it doesn't support such a context.
    let (theirs, ours) = both(&with_lists);
    assert_eq!((theirs.status, ours.status), (1, 1), "{}", ours.stderr);
    assert!(
        ours.stderr
            .contains("an SSLContext that checks revocation lists"),
        "{}",
        ours.stderr
    );
}

#[test]
fn reads_pymysqls_dictionary_as_pymysql() {
    let folder = Sandbox::new();
    let folder = folder.path();
    let right = Authority::new(&folder.join("right"), "right authority");
    let wrong = Authority::new(&folder.join("wrong"), "wrong authority");
    let localhost = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    let own = right.issue(&CertificateRequest::new("server", "a server", localhost));
    let client = right.issue(&CertificateRequest::new(
        "client",
        "client",
        "basicConstraints=CA:FALSE",
    ));
    let server = MariaDb::start_with_tls(&own, &right.own.certificate);
    let (trusted, other) = (&right.own.certificate, &wrong.own.certificate);
    let trusted_folder = authority_folder(&folder.join("trusted"), &[trusted]);
    let other_folder = authority_folder(&folder.join("other"), &[other]);
    let protected = "op.execute(\"CREATE TABLE t AS SELECT IF(VARIABLE_VALUE = '', 'plain', 'tls') AS protection \
         FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'\")";
    let rows = [
        ("{'fake_flag_to_enable_tls': True}".to_owned(), "tls"),
        ("{'check_hostname': False}".to_owned(), "tls"),
        (format!("{{'ca': {trusted:?}}}"), "tls"),
        (format!("{{'ca': {other:?}}}"), "-"),
        (format!("{{'capath': {trusted_folder:?}}}"), "tls"),
        (format!("{{'capath': {other_folder:?}}}"), "-"),
        (
            format!("{{'ca': {trusted:?}, 'check_hostname': False}}"),
            "tls",
        ),
        (
            format!("{{'ca': {trusted:?}, 'verify_mode': 'required'}}"),
            "tls",
        ),
        (
            format!("{{'ca': {other:?}, 'check_hostname': False, 'verify_mode': 'none'}}"),
            "tls",
        ),
        (
            format!("{{'ca': {other:?}, 'check_hostname': False, 'verify_mode': False}}"),
            "tls",
        ),
        // PyMySQL doesn't read Python's constants, and verifies.
        (
            format!("{{'ca': {other:?}, 'check_hostname': False, 'verify_mode': ssl.CERT_NONE}}"),
            "-",
        ),
        (
            format!(
                "{{'ca': {trusted:?}, 'cert': {:?}, 'key': {:?}}}",
                client.certificate, client.key
            ),
            "tls",
        ),
        (
            format!("ssl.create_default_context(cafile={trusted:?})"),
            "tls",
        ),
        (format!("ssl.create_default_context(cafile={other:?})"), "-"),
    ];
    for (index, (tls, expected)) in rows.iter().enumerate() {
        let env = sync_env("").replace(
            "poolclass=pool.NullPool",
            &format!("poolclass=pool.NullPool, connect_args={{'ssl': {tls}}}"),
        );
        let project = linear(
            &env.replace("import os", "import os, ssl"),
            &[("a1", protected, "pass")],
        );
        for program in ["alembic", "limbeck"] {
            let database = format!("{program}{index}");
            server.create_database(&database);
            let url = server.url("mysql+pymysql", &database);
            let output = match program {
                "alembic" => run_alembic(&project, &url, &["upgrade", "head"]),
                _ => run(&project, &url, &["upgrade", "head"]),
            };
            let found = match output.status {
                0 => server.sql(&database, "SELECT protection FROM t"),
                _ => "-".into(),
            };
            assert_eq!(
                found.trim(),
                *expected,
                "{program} {tls}: {}",
                output.stderr
            );
        }
    }
}
