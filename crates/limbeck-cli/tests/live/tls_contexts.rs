//! The project's `ssl.SSLContext`: its settings and client certificate apply to limbeck's connection.

use limbeck_testkit::certificates::{Authority, CertificateRequest};
use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls};

use crate::support::{async_env, linear, run, run_alembic};

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
