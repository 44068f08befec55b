//! Host names in a certificate's common name, which libpq accepts.

use rustls::pki_types::ServerName;

use super::x509::{Certificate, HostKind};

/// Returns `true` if the common name matches the host. It counts only in a certificate without an alternative name of
/// the host's kind.
pub(super) fn common_name_matches(certificate: &Certificate<'_>, host: &ServerName<'_>) -> bool {
    let (kind, host) = match host {
        ServerName::DnsName(name) => (HostKind::Name, name.as_ref().to_owned()),
        ServerName::IpAddress(address) => (
            HostKind::Address,
            std::net::IpAddr::from(*address).to_string(),
        ),
        _ => return false,
    };
    !certificate.has_alternative_name(kind)
        && certificate
            .common_name()
            .is_some_and(|name| matches(name, &host))
}

/// Compares as libpq does: a star matches the whole first label.
fn matches(pattern: &str, host: &str) -> bool {
    if pattern.contains('\0') {
        return false;
    }
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let (Some(tail), Some((label, rest))) = (pattern.strip_prefix("*."), host.split_once('.'))
    else {
        return false;
    };
    !label.is_empty() && !tail.is_empty() && tail.eq_ignore_ascii_case(rest)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn compares_common_names_as_libpq() {
        let check = |pattern, host, expected| {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        };
        check("db.example.com", "DB.example.com", true);
        check("*.example.com", "db.example.com", true);
        check("*.example.com", "a.db.example.com", false);
        check("*.example.com", "example.com", false);
        check("*.example.com", ".example.com", false);
        check("*", "localhost", false);
        check("*.", "localhost.", false);
        check("d*.example.com", "db.example.com", false);
        check(
            "db.example.com\0.evil.com",
            "db.example.com\0.evil.com",
            false,
        );
    }
}
