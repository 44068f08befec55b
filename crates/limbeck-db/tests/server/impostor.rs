//! Tests with servers that present a certificate without its key, and of TLS versions.

use std::sync::Arc;

use limbeck_db::ConnectErrorKind;
use limbeck_testkit::certificates::{Authority, CertificateRequest, IssuedCertificate};
use limbeck_testkit::{Postgres, Tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{TLS_ON, Table, block_on, both, open};

/// Returns a TLS acceptor with a certificate and a key, which may not belong together.
fn acceptor(
    shown: &IssuedCertificate,
    key: &IssuedCertificate,
    version: &'static SupportedProtocolVersion,
) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from_pem_file(&key.key).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let certificate = CertificateDer::from_pem_file(&shown.certificate).unwrap();
    let resolver = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    TlsAcceptor::from(Arc::new(config))
}

/// Serves one connection: TLS, no authentication, ready for a query.
async fn serve(listener: &TcpListener, acceptor: &TlsAcceptor) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut request = [0; 8];
    socket.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "not a TLS request");
    socket.write_all(b"S").await.unwrap();
    // A client that rejects the certificate ends the handshake.
    let Ok(mut stream) = acceptor.accept(socket).await else {
        return;
    };
    let mut start = [0; 1024];
    if stream.read(&mut start).await.is_ok_and(|count| count > 0) {
        stream
            .write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        // Wait until the client closes the session.
        let _ = stream.read(&mut start).await;
    }
}

#[test]
fn rejects_a_certificate_without_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let localhost = "subjectAltName=DNS:localhost";
    let authority = Authority::new(&folder.path().join("authority"), "authority");
    let own = |name: &str, extensions: &str| {
        let wanted = CertificateRequest::new("own", "localhost", extensions);
        Authority::with(&folder.path().join(name), &wanted).own
    };
    let good = authority.issue(&CertificateRequest::new("good", "good", localhost));
    let old = authority.issue(&CertificateRequest::new("v1", "localhost", ""));
    let old_rsa = authority.issue(&CertificateRequest::new("v1rsa", "localhost", "").rsa());
    let alone = own("alone", &format!("basicConstraints=CA:TRUE\n{localhost}"));
    let alone_old = own("alone_old", "");
    let other = authority.issue(&CertificateRequest::new("other", "other", localhost));
    let other_rsa = authority.issue(&CertificateRequest::new("otherrsa", "other", localhost).rsa());
    let right = authority.own.certificate.clone();
    for (name, shown, root, other) in [
        ("good", &good, &right, &other),
        ("version 1", &old, &right, &other),
        ("version 1, RSA", &old_rsa, &right, &other_rsa),
        ("own authority", &alone, &alone.certificate, &other),
        (
            "self-signed, version 1",
            &alone_old,
            &alone_old.certificate,
            &other,
        ),
    ] {
        for (version_name, version) in [
            ("1.2", &rustls::version::TLS12),
            ("1.3", &rustls::version::TLS13),
        ] {
            for (mode, root) in [
                ("require", String::new()),
                ("verify-full", format!("&sslrootcert={}", root.display())),
            ] {
                let attempt = |key: &IssuedCertificate| {
                    let acceptor = acceptor(shown, key, version);
                    block_on(async {
                        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                        let port = listener.local_addr().unwrap().port();
                        let url = format!("postgresql://u@localhost:{port}/d?sslmode={mode}{root}");
                        let connecting = async {
                            let session = open(&url, home.path(), &[]).await?;
                            session.close().await.unwrap();
                            Ok(())
                        };
                        tokio::join!(connecting, serve(&listener, &acceptor)).0
                    })
                };
                attempt(shown).unwrap();
                let error: limbeck_db::ConnectError = attempt(other).unwrap_err();
                println!("{name:24}TLS {version_name}  {mode:12}{}", error.message);
                assert_eq!(error.kind, ConnectErrorKind::TlsUnverified, "{error}");
            }
        }
    }
}

#[test]
fn keeps_the_configured_tls_versions() {
    let server = Postgres::start(Tls::Off);
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("authority"), "authority");
    let localhost = "subjectAltName=DNS:localhost";
    let rows = [
        (
            "P-256",
            authority.issue(&CertificateRequest::new("ec", "ec", localhost)),
        ),
        (
            "RSA",
            authority.issue(&CertificateRequest::new("rsa", "rsa", localhost).rsa()),
        ),
        (
            "version 1",
            authority.issue(&CertificateRequest::new("v1", "localhost", "")),
        ),
    ];
    let mut table = Table::new(&[]);
    for (name, certificate) in rows {
        server.copy_to_data_folder(&certificate.certificate, "row.crt");
        server.copy_to_data_folder(&certificate.key, "row.key");
        for (lowest, highest) in [
            ("TLSv1.2", "TLSv1.2"),
            ("TLSv1.3", "TLSv1.3"),
            ("TLSv1.2", ""),
        ] {
            let mut settings = TLS_ON.to_vec();
            settings.push(("ssl_min_protocol_version", lowest));
            settings.push(("ssl_max_protocol_version", highest));
            server.configure(&settings, "host all all 0.0.0.0/0 trust");
            for query in [
                "",
                "&ssl_min_protocol_version=TLSv1.3",
                "&ssl_max_protocol_version=TLSv1.2",
                "&ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
                "&ssl_min_protocol_version=TLSv1",
                "&ssl_min_protocol_version=TLSv2",
                "&sslsni=0",
                "&sslsni=1",
            ] {
                let url = format!(
                    "postgresql://postgres@localhost:{}/postgres?sslmode=verify-full&sslrootcert={}{query}",
                    server.port,
                    authority.own.certificate.display()
                );
                let (theirs, ours) = both(&server, &url, home.path(), &[]);
                let cell = format!("{name}, {lowest} to {highest}: {query}");
                println!("{cell:110}{}", table.cell(&cell, &theirs, &ours));
            }
        }
    }
    table.finish();
}

/// Connects in another process, because a variable that this process must not set locates the system's authorities.
#[test]
fn uses_the_systems_authorities_only_on_request() {
    let server = Postgres::start(Tls::Required);
    let folder = tempfile::tempdir().unwrap();
    let other = Authority::new(&folder.path().join("other"), "other authority");
    let other = other.own.certificate;
    let system = |query: &str, file: &std::path::Path| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "impostor::connect_to",
            "--ignored",
            "--nocapture",
        ]);
        command
            .env("SSL_CERT_FILE", file)
            .env_remove("SSL_CERT_DIR");
        let url = server.url("postgresql", "postgres", query);
        let output = command.env("LIMBECK_TEST_URL", url).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("found: "));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let authority = server.authority();
    assert_eq!(system("?sslrootcert=system", &authority), "connected");
    assert_eq!(
        system("?sslrootcert=system&sslmode=verify-full", &authority),
        "connected"
    );
    assert_eq!(system("?sslrootcert=system", &other), "TlsUnverified");
    for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
        let query = format!("?sslrootcert=system&sslmode={mode}");
        assert_eq!(system(&query, &authority), "Parameter", "{mode}");
    }
}

#[test]
#[ignore = "another test starts it"]
fn connect_to() {
    let url = std::env::var("LIMBECK_TEST_URL").unwrap();
    let home = tempfile::tempdir().unwrap();
    match block_on(open(&url, home.path(), &[])) {
        Ok(_) => println!("\nfound: connected"),
        Err(error) => println!("\nfound: {:?}", error.kind),
    }
}
