//! What `limbeck-url` says of a MySQL URL is what a connection does with it.

use limbeck_url::{ConnectionInfo, TlsLevel};

use crate::ConnectOptions;
use crate::promises::{options, places};

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
    let said = format!("{info:?}\n{conversion:?}\n{found:?}");
    assert_eq!(Some(&found.user), info.user.as_ref(), "{said}");
    assert_eq!(found.password, info.password, "{said}");
    assert_eq!(found.database, info.database, "{said}");
    if let Some(path) = info.hosts.first().and_then(|host| host.socket_path()) {
        assert_eq!(found.socket.as_deref(), Some(path), "{said}");
    } else {
        let place = (found.host.clone(), found.port);
        assert_eq!([place], *places(&info.hosts, 3306), "{said}");
    }
    if let Some(seconds) = info.connect_timeout {
        assert_eq!(found.timeout.as_secs(), u64::from(seconds), "{said}");
    }
    let Some(level) = info.tls.level else {
        return true;
    };
    if level == TlsLevel::Disable {
        // A driver whose word for it is to say nothing: see docs/differences.md.
        assert!(found.tls.is_none_or(|tls| !tls.required), "{said}");
        return true;
    }
    let tls = found.tls.expect("a connection with TLS");
    assert_eq!(tls.required, level >= TlsLevel::Require, "{said}");
    assert_eq!(tls.verify_authority, level >= TlsLevel::VerifyCa, "{said}");
    assert!(tls.verify_name || level < TlsLevel::VerifyFull, "{said}");
    let given = info.tls.client_certificate.is_some();
    assert_eq!(tls.client.is_some(), given, "{said}");
    if level >= TlsLevel::VerifyCa {
        assert!(
            tls.authority.is_some() || !tls.authorities.is_empty(),
            "{said}"
        );
    }
    true
}

#[test]
fn mysql_connections_do_what_the_url_means() {
    for text in URLS {
        let (info, _) = ConnectionInfo::parse(text).expect(text);
        let drivers = ["pymysql", "aiomysql", "asyncmy", "mysqldb"];
        let written = drivers
            .iter()
            .filter(|driver| check(&info, &format!("mysql+{driver}")))
            .count();
        assert!(written > 0, "{text}: no driver takes it");
    }
}
