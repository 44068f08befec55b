//! Tests that a MySQL connection uses a URL as `limbeck-url` reads it.

use limbeck_url::{ConnectionInfo, TlsLevel};

use crate::ConnectOptions;
use crate::url_agreement::{host_ports, options};

const URLS: [&str; 14] = [
    "mysql://u:p%40s%25@db.example.com:3307/d",
    "mysql://u@[2001:db8::1]/d",
    "mysql://u:p@h/d?ssl-mode=DISABLED",
    "mysql://u:p@h/d?ssl-mode=PREFERRED",
    "mysql://u:p@h/d?ssl-mode=REQUIRED",
    "mysql://u:p@h/d?ssl-mode=VERIFY_CA&ssl-ca=/ca.pem",
    "mysql://u:p@h/d?ssl-mode=VERIFY_IDENTITY&ssl-ca=/ca.pem",
    "mysql+pymysql://u:p@h/d?ssl_ca=/ca.pem",
    "mysql+pymysql://u:p@h/d?ssl_ca=/ca.pem&ssl_cert=/c.pem&ssl_key=/k.pem",
    "mysql+pymysql://u:p@h/d?unix_socket=/run/mysqld/mysqld.sock",
    "mysql+pymysql://u:p@h/d?charset=utf8mb4&connect_timeout=7",
    "mysql+mysqldb://u:p@h/d?ssl_mode=REQUIRED",
    "mysql+aiomysql://u:%C3%BC%2F%3F%23@h:3306/d",
    "mariadb+asyncmy://u:p@h/d",
];

fn check(info: &ConnectionInfo, target: &str) -> bool {
    let Ok(conversion) = info.render(target.parse().expect("a target")) else {
        return false;
    };
    let ConnectOptions::Mysql(found) = options(&conversion) else {
        panic!("{conversion:?}: another database's options");
    };
    let details = format!("{info:?}\n{conversion:?}\n{found:?}");
    assert_eq!(Some(&found.user), info.user.as_ref(), "{details}");
    assert_eq!(found.password, info.password, "{details}");
    assert_eq!(found.database, info.database, "{details}");
    if let Some(path) = info.hosts.first().and_then(|host| host.socket_path()) {
        assert_eq!(found.socket.as_deref(), Some(path), "{details}");
    } else {
        let found_host = (found.host.clone(), found.port);
        assert_eq!([found_host], *host_ports(&info.hosts, 3306), "{details}");
    }
    if let Some(seconds) = info.connect_timeout {
        assert_eq!(found.timeout.as_secs(), u64::from(seconds), "{details}");
    }
    let Some(level) = info.tls.level else {
        return true;
    };
    if level == TlsLevel::Disable {
        // Some drivers express this level by no parameter at all: see docs/differences.md.
        assert!(found.tls.is_none_or(|tls| !tls.required), "{details}");
        return true;
    }
    let tls = found.tls.expect("a connection with TLS");
    assert_eq!(tls.required, level >= TlsLevel::Require, "{details}");
    assert_eq!(
        tls.verify_authority,
        level >= TlsLevel::VerifyCa,
        "{details}"
    );
    assert!(tls.verify_name || level < TlsLevel::VerifyFull, "{details}");
    let given = info.tls.client_certificate.is_some();
    assert_eq!(tls.client.is_some(), given, "{details}");
    if level >= TlsLevel::VerifyCa {
        assert!(
            tls.authority_file.is_some() || !tls.authorities.is_empty(),
            "{details}"
        );
    }
    true
}

#[test]
fn connections_use_a_url_as_limbeck_url_reads_it() {
    for text in URLS {
        let (info, _) = ConnectionInfo::parse(text).expect(text);
        let drivers = ["pymysql", "aiomysql", "asyncmy", "mysqldb"];
        let written = drivers
            .iter()
            .filter(|driver| check(&info, &format!("mysql+{driver}")))
            .count();
        assert!(written > 0, "{text}: no driver can express it");
    }
}
