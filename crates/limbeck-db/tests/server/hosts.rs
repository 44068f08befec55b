//! Tests that limbeck chooses the same server as psql among hosts, standbys, addresses and sockets.

use std::net::TcpListener;

use limbeck_testkit::certificates::{Authority, CertificateRequest};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{TLS_ON, answers};

const RULES: &str = "\
host all right 0.0.0.0/0 scram-sha-256
host all all 0.0.0.0/0 trust
host all all ::1/128 trust";

#[test]
fn chooses_the_server_that_psql_chooses() {
    let primary = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    primary.sql(
        "postgres",
        "create role right login password 's3cr3t';
         create role careful login; alter role careful set default_transaction_read_only = on",
    );
    let standby = primary.standby(&[]);
    let starting = primary.standby(&[("hot_standby", "off")]);
    let authority = Authority::new(&folder.path().join("authority"), "authority");
    let certificate = authority.issue(&CertificateRequest::new(
        "row",
        "row",
        "subjectAltName=DNS:localhost",
    ));
    primary.copy_to_data_folder(&certificate.certificate, "row.crt");
    primary.copy_to_data_folder(&certificate.key, "row.key");
    primary.configure(&TLS_ON, RULES);

    // A server that accepts connections and never answers, one that closes them, and an unused port.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging_up = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (quiet, rude, unused) = (port(&silent), port(&hanging_up), port(&gone));
    drop(gone);
    std::thread::spawn(move || hanging_up.incoming().for_each(drop));

    let (p, s, starts) = (primary.port, standby.port, starting.port);
    let list = |ports: &[u16], rest: &str| {
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        let hosts = vec!["127.0.0.1"; ports.len()].join(",");
        format!(
            "postgresql://postgres@/postgres?host={hosts}&port={}{rest}",
            ports.join(",")
        )
    };
    let socket = primary.socket_folder().display();
    let root = format!("&sslrootcert={}", authority.own.certificate.display());
    let mut rows = vec![
        ("first refused", list(&[unused, p], "")),
        ("first silent", list(&[quiet, p], "&connect_timeout=4")),
        (
            "first silent, a short time",
            list(&[quiet, p], "&connect_timeout=1"),
        ),
        ("first hangs up", list(&[rude, p], "")),
        ("first is starting up", list(&[starts, p], "")),
        ("first without TLS", list(&[s, p], "&sslmode=require")),
        ("all refused", list(&[unused, unused], "")),
        (
            "first has no address",
            format!("postgresql://postgres@/postgres?host=nowhere.invalid,127.0.0.1&port={p}"),
        ),
        (
            "first asks for a password",
            list(&[p, s], "").replace("postgres@", "right:s3cr3t-not@"),
        ),
        (
            "first has another database",
            list(&[p, s], "").replace("/postgres?", "/gone?"),
        ),
        (
            "one port for all",
            format!("postgresql://postgres@/postgres?host=127.0.0.1,127.0.0.1&port={p}"),
        ),
        (
            "more ports than hosts",
            format!("postgresql://postgres@/postgres?host=127.0.0.1&port={p},{s}"),
        ),
        (
            "fewer ports than hosts",
            format!(
                "postgresql://postgres@/postgres?host=localhost,localhost,localhost&port={p},{s}"
            ),
        ),
        ("IPv6", format!("postgresql://postgres@[::1]:{p}/postgres")),
        (
            "IPv6 in the query",
            format!("postgresql://postgres@/postgres?host=::1&port={p}"),
        ),
        (
            "name and address",
            format!("postgresql://postgres@nowhere.invalid:{p}/postgres?hostaddr=127.0.0.1"),
        ),
        (
            "several addresses",
            format!("postgresql://postgres@/postgres?hostaddr=127.0.0.1,::1&port={unused},{p}"),
        ),
        (
            "more addresses than hosts",
            format!(
                "postgresql://postgres@/postgres?host=localhost&hostaddr=127.0.0.1,::1&port={p}"
            ),
        ),
        (
            "malformed address",
            format!("postgresql://postgres@/postgres?hostaddr=localhost&port={p}"),
        ),
        (
            "name and address, verified",
            format!(
                "postgresql://postgres@localhost:{p}/postgres?hostaddr=127.0.0.1&sslmode=verify-full{root}"
            ),
        ),
        (
            "other name and address, verified",
            format!(
                "postgresql://postgres@nowhere.invalid:{p}/postgres?hostaddr=127.0.0.1&sslmode=verify-full{root}"
            ),
        ),
        (
            "address only, verified",
            format!(
                "postgresql://postgres@/postgres?hostaddr=127.0.0.1&port={p}&sslmode=verify-full{root}"
            ),
        ),
        (
            "address only, authority verified",
            format!(
                "postgresql://postgres@/postgres?hostaddr=127.0.0.1&port={p}&sslmode=verify-ca{root}"
            ),
        ),
        (
            "socket",
            format!("postgresql://postgres@/postgres?host={socket}&port={p}"),
        ),
        (
            "missing socket",
            format!("postgresql://postgres@/postgres?host={socket}&port={unused}"),
        ),
        (
            "socket, TLS required",
            format!("postgresql://postgres@/postgres?host={socket}&port={p}&sslmode=require"),
        ),
        (
            "socket, verified without authority",
            format!("postgresql://postgres@/postgres?host={socket}&port={p}&sslmode=verify-full"),
        ),
        (
            "socket, then host",
            format!("postgresql://postgres@/postgres?host={socket},127.0.0.1&port={unused},{p}"),
        ),
        (
            "abstract socket",
            format!("postgresql://postgres@/postgres?host=@limbeck-{p}&port={p}"),
        ),
        (
            "abstract missing socket",
            format!("postgresql://postgres@/postgres?host=@limbeck-none&port={p}"),
        ),
        (
            "malformed port",
            "postgresql://postgres@/postgres?host=127.0.0.1&port=x".to_owned(),
        ),
    ];
    let wanted = [
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
        "else",
    ];
    for attributes in wanted {
        let rest = format!("&target_session_attrs={attributes}");
        rows.push(("primary", list(&[p], &rest)));
        rows.push(("standby", list(&[s], &rest)));
        rows.push(("primary, standby", list(&[p, s], &rest)));
        rows.push(("standby, primary", list(&[s, p], &rest)));
        rows.push(("refused, primary", list(&[unused, p], &rest)));
        rows.push(("standby, refused, primary", list(&[s, unused, p], &rest)));
        let careful = list(&[p, s], &rest).replace("postgres@", "careful@");
        rows.push(("primary read-only for the user, standby", careful));
    }
    let problems: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = rows
            .iter()
            .map(|(name, url)| {
                let (primary, home) = (&primary, home.path());
                (
                    name,
                    url,
                    scope.spawn(move || answers(primary, url, home, &[], "SHOW port")),
                )
            })
            .collect();
        let mut problems = Vec::new();
        for (name, url, answers) in running {
            let (theirs, ours) = answers.join().unwrap();
            let server_name = |text: &String| match text.parse::<u16>() {
                Ok(port) if port == p => "primary",
                Ok(port) if port == s => "standby",
                _ => "?",
            };
            let chosen = (
                theirs.as_ref().map_or("-", server_name),
                ours.as_ref().map_or("-", server_name),
            );
            let attributes = url.split("attrs=").nth(1).unwrap_or_default();
            println!("{name:42}{attributes:16}{}", chosen.1);
            if chosen.0 != chosen.1 {
                problems.push(format!(
                    "{name}: {url}\n    psql: {theirs:?}\n    limbeck: {ours:?}"
                ));
            }
        }
        problems
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
