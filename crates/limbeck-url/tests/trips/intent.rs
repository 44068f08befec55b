//! Random connections with all that a URL can say.

use limbeck_url::{ConnectionInfo, Host, Root, Secret, Tls, TlsLevel};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

/// What readers of URLs stumble over.
const TRAPS: &[&str] = &[
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

/// Any text that a user, a password, a name or a value can be.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::collection::vec(select(TRAPS), 1..7).prop_map(|parts| parts.concat()),
        2 => "[ -~]{1,12}",
        1 => "[a-z]{1,8}",
        1 => "[^\\x00]{1,6}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z][a-zA-Z0-9._-]{0,10}",
        1 => (any::<[u8; 4]>()).prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        1 => (any::<[u16; 8]>()).prop_map(|parts| std::net::Ipv6Addr::from(parts).to_string()),
        1 => select(&["::1", "2001:db8::1", "::ffff:10.0.0.1", "b\u{fc}cher.example"]).prop_map(str::to_owned),
    ]
}

/// A folder of sockets; commas separate hosts.
fn socket() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(&["/run/postgresql", "/cloudsql/a:b:c", "/"]).prop_map(str::to_owned),
        2 => word().prop_map(|text| format!("/{}", text.replace(',', ""))),
        1 => Just("@abstract".to_owned()),
    ]
}

fn host(name: impl Strategy<Value = String>) -> impl Strategy<Value = Host> {
    (name, of(1..=u16::MAX)).prop_map(|(name, port)| Host {
        name: Some(name),
        port,
    })
}

fn file() -> impl Strategy<Value = String> {
    word().prop_map(|text| format!("/{text}"))
}

fn tls() -> impl Strategy<Value = Tls> {
    let level = select(&[
        TlsLevel::Disable,
        TlsLevel::Allow,
        TlsLevel::Prefer,
        TlsLevel::Require,
        TlsLevel::VerifyCa,
        TlsLevel::VerifyFull,
    ]);
    let root = prop_oneof![4 => file().prop_map(Root::File), 1 => Just(Root::System)];
    let client = of((file(), of((file(), of(word())))));
    let full = (of(level.clone()), of(root), client, of(file()));
    let full = full.prop_map(|(level, root, client, revoked)| {
        let (certificate, key) = client.unzip();
        let (key, key_password) = key.flatten().unzip();
        // libpq refuses to verify less than fully against the system's authorities.
        let level = level.filter(|_| root != Some(Root::System));
        Tls {
            level,
            root,
            certificate,
            key,
            key_password: key_password.flatten().map(Secret::new),
            revoked,
        }
    });
    let simple = of(level).prop_map(|level| Tls {
        level,
        ..Tls::default()
    });
    prop_oneof![simple, full]
}

fn empty(scheme: &str) -> ConnectionInfo {
    let (info, _) = ConnectionInfo::parse(scheme).expect("the shortest one");
    info
}

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
                info.timeout = timeout;
                info.transaction_pooler = pooler;
                info.parameters = owned(&parameters);
                // libpq refuses it beside anything weaker.
                let direct = info.tls.effective() >= TlsLevel::Require;
                info.parameters
                    .retain(|(key, _)| key != "sslnegotiation" || direct);
                info
            },
        )
}

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
                // A URL of theirs has no word for the rest.
                info.tls.root = info.tls.root.filter(|root| *root != Root::System);
                info.tls.level = match info.tls.level {
                    None if info.tls.root.is_some() => Some(TlsLevel::VerifyFull),
                    Some(TlsLevel::Require) if info.tls.root.is_some() => Some(TlsLevel::VerifyCa),
                    None if info.tls.certificate.is_some() => Some(TlsLevel::Require),
                    Some(TlsLevel::Allow) => Some(TlsLevel::Prefer),
                    level => level,
                };
                info.tls.revoked = None;
                info.tls.key_password = None;
                info.timeout = timeout;
                info.parameters = owned(&parameters);
                info
            },
        )
}

/// Files in the folder that the test runs in.
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
