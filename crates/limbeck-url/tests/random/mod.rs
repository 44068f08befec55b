//! Random connections for the tests.

use limbeck_url::{ConnectionInfo, Host, RootCertificates, Secret, TlsLevel};
use proptest::prelude::*;
use proptest::sample::select;

mod first;

#[allow(unused_imports, reason = "some test binaries don't use it")]
pub(crate) use first::some;

/// Texts for passwords, users and databases.
fn word() -> impl Strategy<Value = String> {
    "[^\\x00-\\x1f\\x7f-\\x9f]{1,12}".prop_filter("a name", |text| text.trim() == text)
}

/// Host names, addresses and sockets, with or without a port.
fn host() -> impl Strategy<Value = Host> {
    let name = prop_oneof![
        "[a-z][a-z0-9.-]{0,10}",
        Just("2001:db8::1".to_owned()),
        Just("/run/a b:c".to_owned()),
        Just("/".to_owned()),
        Just("@a".to_owned()),
    ];
    (name, proptest::option::of(1..u16::MAX)).prop_map(|(name, port)| Host {
        name: Some(name),
        port,
    })
}

/// Connections to PostgreSQL.
pub(crate) fn postgresql() -> impl Strategy<Value = ConnectionInfo> {
    let level = select(&[
        TlsLevel::Disable,
        TlsLevel::Allow,
        TlsLevel::Prefer,
        TlsLevel::Require,
        TlsLevel::VerifyCa,
        TlsLevel::VerifyFull,
    ]);
    let settings = proptest::collection::vec(
        (
            select(&["search_path", "work_mem", "application_name"]),
            word(),
        ),
        0..2,
    );
    (
        (
            proptest::option::of(word()),
            proptest::option::of(word()),
            proptest::option::of(word()),
        ),
        proptest::collection::vec(host(), 0..3),
        (
            proptest::option::of(level),
            proptest::option::of("/[a-z%?& ]{1,8}"),
        ),
        settings,
        proptest::option::of(1..100_u32),
    )
        .prop_map(
            |((user, password, database), hosts, (level, root), settings, timeout)| {
                let mut info = ConnectionInfo::parse("postgresql://")
                    .expect("the shortest URL")
                    .0;
                info.user = user;
                info.password = password.map(Secret::new);
                info.database = database;
                info.hosts = hosts;
                info.tls.level = level;
                // An unencrypted connection verifies nothing.
                info.tls.root_certificates = root
                    .map(RootCertificates::File)
                    .filter(|_| info.tls.level != Some(TlsLevel::Disable));
                let mut settings = settings;
                settings.dedup_by(|next, previous| next.0 == previous.0);
                info.settings = settings
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
                info.connect_timeout = timeout;
                info
            },
        )
}
