//! The meaning of a connection as JSON in the format of `drivers.py`, for comparison with a driver's interpretation.

use limbeck_url::{
    ArgumentValue, Backend, ConnectionInfo, Conversion, Host, RootCertificates, Secret, Target,
    Tls, TlsContext, TlsLevel, Warning,
};
use serde_json::{Map, Value, json};

/// Returns the interpretation that the driver must report.
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

/// Returns the secret's text. For every driver, an empty secret is the same as none.
fn text(secret: Option<&Secret>) -> Option<&str> {
    secret
        .map(Secret::reveal_clear_text)
        .filter(|text| !text.is_empty())
}

/// Returns a host in a normal form: a socket's directory without the slashes at its end, which only some drivers keep, and a
/// host name without blanks around it, which no driver could resolve.
fn normalize_host(name: &str) -> &str {
    if name.starts_with('/') {
        Some(name.trim_end_matches('/'))
            .filter(|directory| !directory.is_empty())
            .unwrap_or("/")
    } else {
        name.trim()
    }
}

/// Returns `true` if a warning names the parameter.
fn is_dropped(warnings: &[Warning], key: &str) -> bool {
    warnings
        .iter()
        .any(|warning| warning.parameter.as_deref() == Some(key))
}

fn postgresql(info: &ConnectionInfo, target: Target, warnings: &[Warning]) -> Value {
    let port = |host: &Host| host.port.unwrap_or(5432);
    let mut hosts: Vec<_> = info
        .hosts
        .iter()
        .map(|host| json!([host.name.as_deref().map(normalize_host), port(host)]))
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
    let uses_libpq = matches!(&*name, "libpq" | "postgresql+psycopg2") || name.contains("psycopg");
    let extra: Map<String, Value> = info
        .parameters
        .iter()
        .filter(|(key, value)| {
            !is_dropped(warnings, key)
                && (uses_libpq || key == "target_session_attrs" && value != "any")
        })
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect();
    let pooler = info.transaction_pooler
        && (name.starts_with("postgresql+psycopg") && !name.ends_with('2')
            || name.ends_with("asyncpg"));
    let mut tls = protection(&info.tls, transport(info));
    if name.ends_with("pg8000")
        && info.tls.root_certificates.is_none()
        && let Some(revoked) = tls.get_mut("revoked")
    {
        // pg8000 uses revocation lists only if it verifies the certificate.
        *revoked = Value::Null;
    }
    if name.ends_with("pg8000") && tls["level"] == "allow" {
        // pg8000 tries TLS first.
        tls["level"] = "prefer".into();
    }
    json!({
        "user": info.user,
        "password": text(info.password.as_ref()),
        "hosts": hosts,
        "database": info.database.as_ref().filter(|name| Some(*name) != info.user.as_ref()),
        "tls": tls,
        "settings": settings,
        "timeout": info.connect_timeout,
        "pooler": pooler,
        "extra": extra,
    })
}

/// Returns the transport. A connection with a socket and a host name counts as a network connection.
fn transport(info: &ConnectionInfo) -> Transport {
    let is_socket = |host: &Host| host.socket_path().is_some();
    if !info.hosts.is_empty() && info.hosts.iter().all(is_socket) {
        Transport::Socket
    } else {
        Transport::Network
    }
}

/// The transport of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Network,
    /// A Unix domain socket, which has no TLS.
    Socket,
}

/// Returns the TLS settings. Without TLS, they consist of the level.
fn protection(tls: &Tls, transport: Transport) -> Value {
    let level = tls.effective_level();
    if transport == Transport::Socket || level == TlsLevel::Disable {
        let level = match transport {
            Transport::Socket => "none",
            Transport::Network => "disable",
        };
        return json!({ "level": level });
    }
    let root = match &tls.root_certificates {
        Some(RootCertificates::File(path)) => Some(&**path),
        Some(RootCertificates::System) => Some("system"),
        None => None,
    };
    json!({
        "level": level.name(),
        "root": root,
        "certificate": tls.client_certificate,
        "key": tls.client_key,
        "key_password": text(tls.client_key_password.as_ref()),
        "revoked": tls.revocation_list,
    })
}

fn mysql(info: &ConnectionInfo, target: Target, warnings: &[Warning]) -> Value {
    let host = info.hosts.first();
    let address = match host {
        Some(host) if host.socket_path().is_some() => json!([host.name, null]),
        Some(host) => {
            // The default of the MySQL drivers.
            let name = host.name.as_ref().filter(|name| *name != "localhost");
            json!([name, host.port.unwrap_or(3306)])
        }
        None => json!([null, 3306]),
    };
    let extra: Map<String, Value> = info
        .parameters
        .iter()
        .filter(|(key, _)| !is_dropped(warnings, key))
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect();
    json!({
        "user": info.user,
        "password": text(info.password.as_ref()),
        "hosts": [address],
        "database": info.database,
        "tls": mysql_protection(&info.tls, target),
        "timeout": info.connect_timeout,
        "extra": extra,
    })
}

fn mysql_protection(tls: &Tls, target: Target) -> Value {
    let name = target.to_string();
    let prefers_tls = name.ends_with("pymysql");
    // Without parameters, the other drivers don't use TLS.
    let default_level = if prefers_tls {
        TlsLevel::Prefer
    } else {
        TlsLevel::Disable
    };
    let level = match tls.level {
        None => default_level,
        Some(TlsLevel::Allow | TlsLevel::Prefer) if !name.ends_with("mysqldb") => default_level,
        Some(TlsLevel::Allow) => TlsLevel::Prefer,
        Some(level) => level,
    };
    if level == TlsLevel::Disable {
        return json!({ "level": "disable" });
    }
    let mut settings = tls.clone();
    settings.level = Some(level);
    settings.root_certificates = None;
    let mut meaning = protection(&settings, Transport::Network);
    meaning["root"] = match &tls.root_certificates {
        Some(RootCertificates::File(path)) if level > TlsLevel::Require => path.clone().into(),
        // mysqlclient uses its own default.
        _ if level > TlsLevel::Require && !name.ends_with("mysqldb") => "system".into(),
        _ => Value::Null,
    };
    meaning
}

/// Converts a driver's answer to the form of [`expected`], which ignores differences without an effect.
pub(crate) fn normalize_answer(mut answer: Value, info: &ConnectionInfo) -> Value {
    if info.backend == Backend::Sqlite {
        return answer;
    }
    let tls = answer["tls"].clone();
    if info.backend == Backend::Postgresql && transport(info) == Transport::Socket {
        answer["tls"] = json!({ "level": "none" });
    } else if tls["level"] == "disable" {
        answer["tls"] = json!({ "level": "disable" });
    }
    if info.backend != Backend::Postgresql {
        return answer;
    }
    for host in answer["hosts"].as_array_mut().into_iter().flatten() {
        if let Some(name) = host[0].as_str() {
            host[0] = normalize_host(name).into();
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

/// Returns the connection that a URL means together with its keyword arguments.
pub(crate) fn with_arguments(conversion: &Conversion) -> ConnectionInfo {
    let url = conversion.reveal_url();
    let (mut info, _) = ConnectionInfo::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    for (name, value) in &conversion.connect_args {
        match (&**name, value) {
            ("dbname" | "database" | "db", ArgumentValue::Text(name)) => {
                info.database = Some(name.clone());
            }
            ("server_settings" | "startup_params", ArgumentValue::Map(pairs)) => {
                for (name, value) in pairs {
                    info.settings.push((name.clone(), value.clone()));
                }
            }
            ("timeout", ArgumentValue::Integer(seconds)) => {
                info.connect_timeout = u32::try_from(*seconds).ok();
            }
            ("ssl" | "ssl_context", ArgumentValue::TlsContext(context)) => {
                info.tls = tls_of_context(context);
            }
            ("ssl", ArgumentValue::Bool(true)) => {
                info.tls.level = Some(TlsLevel::VerifyFull);
                info.tls.root_certificates = Some(RootCertificates::System);
            }
            ("ssl_context", ArgumentValue::Bool(true)) => info.tls.level = Some(TlsLevel::Require),
            ("ssl_context", ArgumentValue::Bool(false))
            | ("ssl_disabled", ArgumentValue::Bool(true)) => {
                info.tls.level = Some(TlsLevel::Disable);
            }
            ("statement_cache_size", ArgumentValue::Integer(0))
            | ("prepare_threshold", ArgumentValue::None) => info.transaction_pooler = true,
            ("direct_tls", ArgumentValue::Bool(true)) => {
                info.parameters
                    .push(("sslnegotiation".into(), "direct".into()));
            }
            _ => panic!("unexpected argument {name}={value:?} for {url}"),
        }
    }
    info
}

/// Returns the TLS settings that a context implements.
fn tls_of_context(context: &TlsContext) -> Tls {
    let level = match (context.verify_certificate, context.check_hostname) {
        (false, _) => TlsLevel::Require,
        (true, false) => TlsLevel::VerifyCa,
        (true, true) => TlsLevel::VerifyFull,
    };
    let root = match &context.root_certificates {
        Some(path) => Some(RootCertificates::File(path.clone())),
        None if context.verify_certificate => Some(RootCertificates::System),
        None => None,
    };
    let mut tls = Tls::default();
    tls.level = Some(level);
    tls.root_certificates = root;
    tls.client_certificate = context.client_certificate.clone();
    tls.client_key = context.client_key.clone();
    tls.client_key_password = context.client_key_password.clone();
    tls.revocation_list = context.revocation_list.clone();
    tls
}

/// Returns the meaning of both ends of a round trip, without parameters that one of the drivers can't express or a warning
/// names.
pub(crate) fn common_meaning(
    start: &ConnectionInfo,
    end: &ConnectionInfo,
    first: Target,
    second: Target,
    warnings: &[Warning],
) -> (Value, Value) {
    let weaker = if second.to_string().contains("psycopg") || first.to_string().ends_with("pg8000")
    {
        first
    } else {
        second
    };
    let mut ends = [start, end].map(|info| {
        let mut meaning = expected(info, weaker, warnings);
        if info.backend == Backend::Sqlite {
            let mut parameters = info.parameters.clone();
            parameters.sort();
            meaning["parameters"] = json!(parameters);
        }
        if info.backend.name() != "postgresql" && info.backend != Backend::Sqlite {
            // Nothing requires TLS, and the drivers' defaults differ.
            if matches!(meaning["tls"]["level"].as_str(), Some("disable" | "prefer")) {
                meaning["tls"] = Value::Null;
            }
        }
        meaning
    });
    let [start, end] = &mut ends;
    (start.take(), end.take())
}
