//! Tests that a PostgreSQL connection uses a URL as `limbeck-url` reads it.

use std::time::Duration;

use limbeck_url::{ConnectionInfo, RootCertificates, TlsLevel};

use crate::tls::Authorities;
use crate::url_agreement::{host_ports, options, random};
use crate::{CertificateVerification, ConnectOptions};

/// Returns the verification that a level asks for at least.
fn minimum_verification(level: TlsLevel) -> CertificateVerification {
    match level {
        TlsLevel::VerifyFull => CertificateVerification::AuthorityAndName,
        TlsLevel::VerifyCa => CertificateVerification::Authority,
        _ => CertificateVerification::None,
    }
}

fn check(info: &ConnectionInfo, target: &str) {
    let Ok(conversion) = info.render(target.parse().expect("a target")) else {
        return;
    };
    let ConnectOptions::Postgres(found) = options(&conversion) else {
        panic!("{conversion:?}: another database's options");
    };
    let details = format!("{info:?}\n{conversion:?}\n{found:?}");
    let user = info.user.as_deref().unwrap_or("somebody");
    assert_eq!(found.user, user, "{details}");
    assert_eq!(found.password, info.password, "{details}");
    assert_eq!(
        found.database,
        info.database.as_deref().unwrap_or(user),
        "{details}"
    );
    if !info.hosts.is_empty() {
        let hosts: Vec<(String, u16)> = found
            .hosts
            .iter()
            .map(|host| (host.name.clone(), host.port))
            .collect();
        assert_eq!(hosts, host_ports(&info.hosts, 5432), "{details}");
    }
    let mut settings = found.startup.clone();
    if let Some(options) = settings.remove("options") {
        settings.extend(parse_options(&options));
    }
    for (name, value) in &info.settings {
        assert_eq!(settings.get(name), Some(value), "{details}");
    }
    if let Some(seconds) = info.connect_timeout {
        let expected = Duration::from_secs(u64::from(seconds));
        assert_eq!(found.timeout, Some(expected), "{details}");
    }
    let level = info.tls.effective_level();
    let over_network = found.hosts.iter().any(|host| !host.is_socket());
    if info.tls.level.is_none() || !over_network {
        return;
    }
    // With an authority, weaker levels verify, too.
    match info.tls.root_certificates {
        None => assert_eq!(
            found.tls.verification,
            minimum_verification(level),
            "{details}"
        ),
        Some(_) => assert!(
            found.tls.verification >= minimum_verification(level),
            "{details}"
        ),
    }
    if level < TlsLevel::Require && !target.ends_with("pg8000") {
        assert_eq!(found.tls_level, level, "{details}");
    } else {
        // `verification` covers the levels above `require`, and pg8000 can't express `allow`.
        assert!(found.tls_level >= level.min(TlsLevel::Require), "{details}");
    }
    if let (Some(RootCertificates::File(file)), true) =
        (&info.tls.root_certificates, level >= TlsLevel::VerifyCa)
    {
        let as_file = Authorities::File(file.into());
        let as_read = Authorities::Der(vec![file.clone().into_bytes()]);
        let authorities = found.tls.authorities.as_ref().expect("authorities");
        assert!([&as_file, &as_read].contains(&authorities), "{details}");
    }
}

/// Splits `options` into settings as the server does: words of a command line, with backslash escapes.
fn parse_options(options: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut characters = options.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => words.last_mut().expect("a word").extend(characters.next()),
            ' ' => words.push(String::new()),
            other => words.last_mut().expect("a word").push(other),
        }
    }
    let settings = words.iter().filter_map(|word| word.split_once('='));
    settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn connections_use_a_url_as_limbeck_url_reads_it() {
    // The file has to exist: beside `require`, a missing one has no effect.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a %41&?ü.pem");
    std::fs::write(&file, "").expect("a file");
    let file = file.to_str().expect("its name").to_owned();
    for mut info in random::some(random::postgresql(), 2_000) {
        // Verification needs authorities, and the home folder of this test has none.
        if info.tls.root_certificates.is_some() || info.tls.level >= Some(TlsLevel::VerifyCa) {
            info.tls.root_certificates = Some(RootCertificates::File(file.clone()));
        }
        for target in ["psycopg2", "psycopg", "asyncpg", "pg8000"] {
            check(&info, &format!("postgresql+{target}"));
        }
    }
}
