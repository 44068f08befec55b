//! What a connection means, in the words of `drivers.py`, and what a driver's words for it mean.

use limbeck_url::{
    Argument, Backend, ConnectionInfo, Conversion, Host, Root, Secret, Target, Tls, TlsContext,
    TlsLevel, Warning,
};
use serde_json::{Map, Value, json};

/// What the driver must be found to have understood.
pub(crate) fn expected(info: &ConnectionInfo, target: Target, warnings: &[Warning]) -> Value {
    match info.backend {
        Backend::Postgresql => postgresql(info, target, warnings),
        Backend::Sqlite => {
            let mode = info.parameters.iter().find(|(key, _)| key == "mode");
            json!({
                "database": info.database,
                "writes": mode.is_none_or(|(_, mode)| mode != "ro"),
            })
        }
        _ => mysql(info, target, warnings),
    }
}

fn text(secret: Option<&Secret>) -> Option<&str> {
    // To every driver an empty one is none.
    secret
        .map(Secret::reveal_clear_text)
        .filter(|text| !text.is_empty())
}

/// A socket's folder without the slashes at its end, which only some drivers keep; a host without blanks around it,
/// with which no driver finds it.
fn folder(name: &str) -> &str {
    if name.starts_with('/') {
        Some(name.trim_end_matches('/'))
            .filter(|folder| !folder.is_empty())
            .unwrap_or("/")
    } else {
        name.trim()
    }
}

fn left_out(warnings: &[Warning], key: &str) -> bool {
    warnings
        .iter()
        .any(|warning| warning.parameter.as_deref() == Some(key))
}

fn postgresql(info: &ConnectionInfo, target: Target, warnings: &[Warning]) -> Value {
    let port = |host: &Host| host.port.unwrap_or(5432);
    let mut hosts: Vec<_> = info
        .hosts
        .iter()
        .map(|host| json!([host.name.as_deref().map(folder), port(host)]))
        .collect();
    if hosts.is_empty() {
        hosts.push(json!([null, 5432]));
    }
    let settings: Map<String, Value> = info
        .settings
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let name = target.to_string();
    let says_all = matches!(&*name, "libpq" | "postgresql+psycopg2") || name.contains("psycopg");
    let extra: Map<String, Value> = info
        .parameters
        .iter()
        .filter(|(key, value)| {
            !left_out(warnings, key)
                && (says_all || key == "target_session_attrs" && value != "any")
        })
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect();
    let pooler = info.transaction_pooler
        && (name.starts_with("postgresql+psycopg") && !name.ends_with('2')
            || name.ends_with("asyncpg"));
    let mut tls = protection(&info.tls, only_sockets(info));
    if name.ends_with("pg8000")
        && info.tls.root.is_none()
        && let Some(revoked) = tls.get_mut("revoked")
    {
        // Lists are looked at where something is verified.
        *revoked = Value::Null;
    }
    if name.ends_with("pg8000") && tls["level"] == "allow" {
        // It tries TLS first.
        tls["level"] = "prefer".into();
    }
    json!({
        "user": info.user,
        "password": text(info.password.as_ref()),
        "hosts": hosts,
        "database": info.database.as_ref().filter(|name| Some(*name) != info.user.as_ref()),
        "tls": tls,
        "settings": settings,
        "timeout": info.timeout,
        "pooler": pooler,
        "extra": extra,
    })
}

fn only_sockets(info: &ConnectionInfo) -> bool {
    !info.hosts.is_empty() && info.hosts.iter().all(|host| host.socket().is_some())
}

/// How a connection is protected; nothing is said of one that can't be, or shall not.
fn protection(tls: &Tls, on_socket: bool) -> Value {
    let level = tls.effective();
    if on_socket || level == TlsLevel::Disable {
        let level = if on_socket { "none" } else { "disable" };
        return json!({ "level": level });
    }
    let root = match &tls.root {
        Some(Root::File(path)) => Some(&**path),
        Some(Root::System) => Some("system"),
        None => None,
    };
    json!({
        "level": level.name(),
        "root": root,
        "certificate": tls.certificate,
        "key": tls.key,
        "key_password": text(tls.key_password.as_ref()),
        "revoked": tls.revoked,
    })
}

fn mysql(info: &ConnectionInfo, target: Target, warnings: &[Warning]) -> Value {
    let host = info.hosts.first();
    let place = match host {
        Some(host) if host.socket().is_some() => json!([host.name, null]),
        Some(host) => {
            // The default to the MySQL drivers.
            let name = host.name.as_ref().filter(|name| *name != "localhost");
            json!([name, host.port.unwrap_or(3306)])
        }
        None => json!([null, 3306]),
    };
    let extra: Map<String, Value> = info
        .parameters
        .iter()
        .filter(|(key, _)| !left_out(warnings, key))
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect();
    json!({
        "user": info.user,
        "password": text(info.password.as_ref()),
        "hosts": [place],
        "database": info.database,
        "tls": mysql_protection(&info.tls, target),
        "timeout": info.timeout,
        "extra": extra,
    })
}

fn mysql_protection(tls: &Tls, target: Target) -> Value {
    let name = target.to_string();
    let opportunistic = name.ends_with("pymysql");
    // These never encrypt by themselves.
    let by_itself = if opportunistic {
        TlsLevel::Prefer
    } else {
        TlsLevel::Disable
    };
    let level = match tls.level {
        None => by_itself,
        Some(TlsLevel::Allow | TlsLevel::Prefer) if !name.ends_with("mysqldb") => by_itself,
        Some(TlsLevel::Allow) => TlsLevel::Prefer,
        Some(level) => level,
    };
    if level == TlsLevel::Disable {
        return json!({ "level": "disable" });
    }
    let meant = Tls {
        level: Some(level),
        ..tls.clone()
    };
    let mut meant = protection(
        &Tls {
            root: None,
            ..meant
        },
        false,
    );
    meant["root"] = match &tls.root {
        Some(Root::File(path)) if level > TlsLevel::Require => path.clone().into(),
        // mysqlclient finds them by itself.
        _ if level > TlsLevel::Require && !name.ends_with("mysqldb") => "system".into(),
        _ => Value::Null,
    };
    meant
}

/// An answer of a driver, as [`expected`] has it where drivers differ without a difference.
pub(crate) fn answered(mut answer: Value, info: &ConnectionInfo) -> Value {
    if info.backend == Backend::Sqlite {
        return answer;
    }
    let tls = answer["tls"].clone();
    if info.backend == Backend::Postgresql && only_sockets(info) {
        answer["tls"] = json!({ "level": "none" });
    } else if tls["level"] == "disable" {
        answer["tls"] = json!({ "level": "disable" });
    }
    if info.backend != Backend::Postgresql {
        return answer;
    }
    for host in answer["hosts"].as_array_mut().into_iter().flatten() {
        if let Some(name) = host[0].as_str() {
            host[0] = folder(name).into();
        }
    }
    if answer["database"] == answer["user"] {
        answer["database"] = Value::Null;
    }
    if answer.get("pooler").is_none() {
        answer["pooler"] = false.into();
    }
    answer
}

/// The connection that a URL means together with the arguments beside it.
pub(crate) fn with_arguments(conversion: &Conversion) -> ConnectionInfo {
    let url = conversion.reveal_url();
    let (mut info, _) = ConnectionInfo::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    for (name, value) in &conversion.connect_args {
        match (&**name, value) {
            ("dbname" | "database" | "db", Argument::Text(name)) => {
                info.database = Some(name.clone());
            }
            ("server_settings" | "startup_params", Argument::Map(pairs)) => {
                for (name, value) in pairs {
                    info.settings.push((name.clone(), value.clone()));
                }
            }
            ("timeout", Argument::Integer(seconds)) => {
                info.timeout = u32::try_from(*seconds).ok();
            }
            ("ssl" | "ssl_context", Argument::TlsContext(context)) => {
                info.tls = of_context(context);
            }
            ("ssl", Argument::Bool(true)) => {
                info.tls.level = Some(TlsLevel::VerifyFull);
                info.tls.root = Some(Root::System);
            }
            ("ssl_context", Argument::Bool(true)) => info.tls.level = Some(TlsLevel::Require),
            ("ssl_context", Argument::Bool(false)) | ("ssl_disabled", Argument::Bool(true)) => {
                info.tls.level = Some(TlsLevel::Disable);
            }
            ("statement_cache_size", Argument::Integer(0))
            | ("prepare_threshold", Argument::None) => info.transaction_pooler = true,
            ("direct_tls", Argument::Bool(true)) => {
                info.parameters
                    .push(("sslnegotiation".into(), "direct".into()));
            }
            _ => panic!("{name}={value:?} beside {url}"),
        }
    }
    info
}

fn of_context(context: &TlsContext) -> Tls {
    let level = match (context.verify, context.check_hostname) {
        (false, _) => TlsLevel::Require,
        (true, false) => TlsLevel::VerifyCa,
        (true, true) => TlsLevel::VerifyFull,
    };
    let root = match &context.authorities {
        Some(path) => Some(Root::File(path.clone())),
        None if context.verify => Some(Root::System),
        None => None,
    };
    Tls {
        level: Some(level),
        root,
        certificate: context.certificate.clone(),
        key: context.key.clone(),
        key_password: context.key_password.clone(),
        revoked: context.revoked.clone(),
    }
}

/// Both ends of a way there and back, without what either driver has no word for and what was said to be left out.
pub(crate) fn same_for_both(
    start: &ConnectionInfo,
    end: &ConnectionInfo,
    here: Target,
    there: Target,
    said: &[Warning],
) -> (Value, Value) {
    let poorer = if there.to_string().contains("psycopg") {
        here
    } else {
        there
    };
    let poorer = if here.to_string().ends_with("pg8000") {
        here
    } else {
        poorer
    };
    let mut ends = [start, end].map(|info| {
        let mut meaning = expected(info, poorer, said);
        if info.backend == Backend::Sqlite {
            let mut parameters = info.parameters.clone();
            parameters.sort();
            meaning["parameters"] = json!(parameters);
        }
        if info.backend.name() != "postgresql" && info.backend != Backend::Sqlite {
            // Nothing here demands TLS; which of them use it all the same is the drivers' own affair.
            if matches!(meaning["tls"]["level"].as_str(), Some("disable" | "prefer")) {
                meaning["tls"] = Value::Null;
            }
        }
        meaning
    });
    let [start, end] = &mut ends;
    (start.take(), end.take())
}
