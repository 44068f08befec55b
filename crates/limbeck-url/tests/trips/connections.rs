//! Strategies for random connections, with every field and difficult texts.

use limbeck_url::{ConnectionInfo, Host, RootCertificates, Secret, Tls, TlsLevel};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

/// Texts that readers of URLs misread.
const DIFFICULT_TEXTS: &[&str] = &[
    "%",
    "%%",
    "%41",
    "%4",
    "%zz",
    "%25",
    "%00",
    "@",
    ":",
    "/",
    "//",
    "?",
    "#",
    "&",
    "=",
    "+",
    " ",
    "\\",
    "'",
    "\"",
    "`",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "<",
    ">",
    ",",
    ";",
    "|",
    "^",
    "~",
    "!",
    "$",
    "*",
    ".",
    "..",
    "-",
    "_",
    "\t",
    "\n",
    "\r",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{e9}",
    "\u{20ac}",
    "\u{3000}",
    "\u{1f600}",
    "\u{10ffff}",
    "\u{feff}",
    "a",
    "Z",
    "0",
    "5432/x?",
    "***",
    "://",
];

/// Texts for users, passwords, names and values.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::collection::vec(select(DIFFICULT_TEXTS), 1..7).prop_map(|parts| parts.concat()),
        2 => "[ -~]{1,12}",
        1 => "[a-z]{1,8}",
        1 => "[^\\x00]{1,6}",
    ]
}

/// Host names and IP addresses.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z][a-zA-Z0-9._-]{0,10}",
        1 => (any::<[u8; 4]>()).prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        1 => (any::<[u16; 8]>()).prop_map(|parts| std::net::Ipv6Addr::from(parts).to_string()),
        1 => select(&["::1", "2001:db8::1", "::ffff:10.0.0.1", "b\u{fc}cher.example"]).prop_map(str::to_owned),
    ]
}

/// Directories of sockets, without commas, which separate hosts.
fn socket() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(&["/run/postgresql", "/cloudsql/a:b:c", "/"]).prop_map(str::to_owned),
        2 => word().prop_map(|text| format!("/{}", text.replace(',', ""))),
        1 => Just("@abstract".to_owned()),
    ]
}

/// A name from a strategy, with or without a port.
fn host(name: impl Strategy<Value = String>) -> impl Strategy<Value = Host> {
    (name, of(1..=u16::MAX)).prop_map(|(name, port)| Host {
        name: Some(name),
        port,
    })
}

/// Absolute paths.
fn file() -> impl Strategy<Value = String> {
    word().prop_map(|text| format!("/{text}"))
}

/// TLS settings, with and without files.
fn tls() -> impl Strategy<Value = Tls> {
    let level = select(&[
        TlsLevel::Disable,
        TlsLevel::Allow,
        TlsLevel::Prefer,
        TlsLevel::Require,
        TlsLevel::VerifyCa,
        TlsLevel::VerifyFull,
    ]);
    let root = prop_oneof![4 => file().prop_map(RootCertificates::File), 1 => Just(RootCertificates::System)];
    let client = of((file(), of((file(), of(word())))));
    let full = (of(level.clone()), of(root), client, of(file()));
    let full = full.prop_map(|(level, root, client, revoked)| {
        let (certificate, key) = client.unzip();
        let (key, key_password) = key.flatten().unzip();
        // With the system's store, libpq rejects every level but `verify-full`.
        let level = level.filter(|_| root != Some(RootCertificates::System));
        let mut tls = Tls::default();
        tls.level = level;
        tls.root_certificates = root;
        tls.client_certificate = certificate;
        tls.client_key = key;
        tls.client_key_password = key_password.flatten().map(Secret::new);
        tls.revocation_list = revoked;
        tls
    });
    let simple = of(level).prop_map(|level| {
        let mut tls = Tls::default();
        tls.level = level;
        tls
    });
    prop_oneof![simple, full]
}

/// A connection without any settings.
fn empty(scheme: &str) -> ConnectionInfo {
    let (info, _) = ConnectionInfo::parse(scheme).expect("the shortest URL");
    info
}

/// Connections to PostgreSQL.
pub(crate) fn postgresql() -> impl Strategy<Value = ConnectionInfo> {
    let hosts = prop_oneof![
        1 => Just(Vec::new()),
        1 => of(1..=u16::MAX).prop_map(|port| vec![Host { name: None, port }]),
        4 => host(name()).prop_map(|host| vec![host]),
        2 => host(socket()).prop_map(|host| vec![host]),
        2 => proptest::collection::vec(host(name()), 2..4),
        1 => proptest::collection::vec(host(prop_oneof![name(), socket()]), 2..4),
    ];
    let setting = (
        select(&["search_path", "work_mem", "application_name", "app.user"]),
        prop_oneof![4 => word(), 1 => Just("a, b".to_owned())],
    );
    let parameter = select(&[
        ("target_session_attrs", "read-write"),
        ("target_session_attrs", "any"),
        ("channel_binding", "require"),
        ("gssencmode", "disable"),
        ("keepalives_idle", "30"),
        ("sslnegotiation", "direct"),
        ("ssl_min_protocol_version", "TLSv1.3"),
        ("krbsrvname", "db"),
    ]);
    (
        (of(word()), of(word()), of(word())),
        hosts,
        tls(),
        proptest::collection::vec(setting, 0..3),
        (of(1..100_u32), proptest::bool::weighted(0.1)),
        proptest::collection::vec(parameter, 0..2),
    )
        .prop_map(
            |((user, password, database), hosts, tls, settings, (timeout, pooler), parameters)| {
                let mut info = empty("postgresql://");
                info.user = user;
                info.password = password.map(Secret::new);
                info.database = database;
                info.hosts = hosts;
                info.hosts
                    .retain(|host| host.name.is_some() || host.port.is_some());
                info.tls = tls;
                for (name, value) in settings {
                    info.settings.retain(|(known, _)| known != name);
                    info.settings.push((name.to_owned(), value));
                }
                info.connect_timeout = timeout;
                info.transaction_pooler = pooler;
                info.parameters = owned(&parameters);
                // libpq rejects `sslnegotiation=direct` at a level below `require`.
                let direct = info.tls.effective_level() >= TlsLevel::Require;
                info.parameters
                    .retain(|(key, _)| key != "sslnegotiation" || direct);
                info
            },
        )
}

/// Connections to MySQL and MariaDB.
pub(crate) fn mysql() -> impl Strategy<Value = ConnectionInfo> {
    let hosts = prop_oneof![
        1 => Just(Vec::new()),
        1 => (1..=u16::MAX).prop_map(|port| vec![Host { name: None, port: Some(port) }]),
        4 => host(name()).prop_map(|host| vec![host]),
        2 => word().prop_map(|name| vec![Host { name: Some(format!("/{name}")), port: None }]),
        1 => proptest::collection::vec(host(name()), 2..3),
    ];
    let parameter = select(&[
        ("charset", "utf8mb4"),
        ("init_command", "SET time_zone = '+00:00'"),
        ("sql_mode", "ANSI,STRICT_ALL_TABLES"),
        ("program_name", "a&b=c"),
    ]);
    (
        select(&["mysql://", "mariadb://"]),
        (of(word()), of(word()), of(word())),
        hosts,
        tls(),
        of(1..100_u32),
        proptest::collection::vec(parameter, 0..2),
    )
        .prop_map(
            |(scheme, (user, password, database), hosts, tls, timeout, parameters)| {
                let mut info = empty(scheme);
                info.user = user;
                info.password = password.map(Secret::new);
                info.database = database;
                info.hosts = hosts;
                info.tls = tls;
                // MySQL's URLs can't express the other values.
                info.tls.root_certificates = info
                    .tls
                    .root_certificates
                    .filter(|root| *root != RootCertificates::System);
                info.tls.level = match info.tls.level {
                    None if info.tls.root_certificates.is_some() => Some(TlsLevel::VerifyFull),
                    Some(TlsLevel::Require) if info.tls.root_certificates.is_some() => {
                        Some(TlsLevel::VerifyCa)
                    }
                    None if info.tls.client_certificate.is_some() => Some(TlsLevel::Require),
                    Some(TlsLevel::Allow) => Some(TlsLevel::Prefer),
                    level => level,
                };
                info.tls.revocation_list = None;
                info.tls.client_key_password = None;
                info.connect_timeout = timeout;
                info.parameters = owned(&parameters);
                info
            },
        )
}

/// Connections to SQLite files in the working directory.
pub(crate) fn sqlite() -> impl Strategy<Value = ConnectionInfo> {
    let file = word().prop_map(|text| {
        let text = text.replace(['/', ':'], "_");
        format!("{text}.db")
    });
    let mode = select(&["ro", "rw", "rwc"]);
    (of(file), of(mode), of(select(&["shared", "private"]))).prop_map(|(file, mode, cache)| {
        let mut info = empty("sqlite://");
        info.parameters = owned(
            &[
                mode.filter(|_| file.is_some()).map(|mode| ("mode", mode)),
                cache.map(|cache| ("cache", cache)),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
        );
        info.database = file;
        info
    })
}

fn owned(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
    parameters
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
