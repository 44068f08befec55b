//! What `limbeck-url` says of a PostgreSQL URL is what a connection does with it.

use std::time::Duration;

use limbeck_url::{ConnectionInfo, RootCertificates, TlsLevel};

use crate::ConnectOptions;
use crate::promises::{options, places, random};
use crate::tls::{Authorities, Verification};

/// What a level means for the server's certificate.
fn verification(level: TlsLevel) -> Verification {
    match level {
        TlsLevel::VerifyFull => Verification::Full,
        TlsLevel::VerifyCa => Verification::Authority,
        _ => Verification::None,
    }
}

fn postgresql(info: &ConnectionInfo, target: &str) {
    let Ok(conversion) = info.render(target.parse().expect("a target")) else {
        return;
    };
    let ConnectOptions::Postgres(found) = options(&conversion) else {
        panic!("{conversion:?}: another database's options");
    };
    let said = format!("{info:?}\n{conversion:?}\n{found:?}");
    let user = info.user.as_deref().unwrap_or("somebody");
    assert_eq!(found.user, user, "{said}");
    assert_eq!(found.password, info.password, "{said}");
    assert_eq!(
        found.database,
        info.database.as_deref().unwrap_or(user),
        "{said}"
    );
    if !info.hosts.is_empty() {
        let targets: Vec<(String, u16)> = found
            .targets
            .iter()
            .map(|target| (target.host.clone(), target.port))
            .collect();
        assert_eq!(targets, places(&info.hosts, 5432), "{said}");
    }
    let mut settings = found.startup.clone();
    if let Some(options) = settings.remove("options") {
        settings.extend(as_the_server_reads(&options));
    }
    for (name, value) in &info.settings {
        assert_eq!(settings.get(name), Some(value), "{said}");
    }
    if let Some(seconds) = info.connect_timeout {
        let expected = Duration::from_secs(u64::from(seconds));
        assert_eq!(found.timeout, Some(expected), "{said}");
    }
    let level = info.tls.effective_level();
    let over_network = found.targets.iter().any(|target| !target.is_socket());
    if info.tls.level.is_none() || !over_network {
        return;
    }
    // An authority that is named counts for what is encrypted without need, too.
    match info.tls.root_certificates {
        None => assert_eq!(found.tls.verification, verification(level), "{said}"),
        Some(_) => assert!(found.tls.verification >= verification(level), "{said}"),
    }
    if level < TlsLevel::Require && !target.ends_with("pg8000") {
        assert_eq!(found.ssl, level, "{said}");
    } else {
        // What is verified is also told by `verification`; pg8000 has no word for `allow`.
        assert!(found.ssl >= level.min(TlsLevel::Require), "{said}");
    }
    if let (Some(RootCertificates::File(file)), true) =
        (&info.tls.root_certificates, level >= TlsLevel::VerifyCa)
    {
        let as_file = Authorities::File(file.into());
        let as_read = Authorities::Der(vec![file.clone().into_bytes()]);
        let authorities = found.tls.authorities.as_ref().expect("authorities");
        assert!([&as_file, &as_read].contains(&authorities), "{said}");
    }
}

/// The settings of `options`: words as a command line has them, where a backslash takes the next character.
fn as_the_server_reads(options: &str) -> Vec<(String, String)> {
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
fn postgresql_connections_do_what_the_url_means() {
    // A file that is there: beside `require`, one that is not has no effect.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a %41&?ü.pem");
    std::fs::write(&file, "").expect("a file");
    let file = file.to_str().expect("its name").to_owned();
    for mut info in random::some(random::postgresql(), 2_000) {
        // What is to be verified needs authorities, and the home folder here has none.
        if info.tls.root_certificates.is_some() || info.tls.level >= Some(TlsLevel::VerifyCa) {
            info.tls.root_certificates = Some(RootCertificates::File(file.clone()));
        }
        for target in ["psycopg2", "psycopg", "asyncpg", "pg8000"] {
            postgresql(&info, &format!("postgresql+{target}"));
        }
    }
}
