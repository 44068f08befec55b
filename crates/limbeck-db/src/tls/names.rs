//! The host's name in a certificate's common name, where libpq looks for it.

use rustls::pki_types::ServerName;

use super::x509::{Certificate, HostKind};

/// Whether the common name is the host's. It counts only in a certificate that has no alternative
/// name of the host's kind.
pub(super) fn common_name_is(certificate: &Certificate<'_>, host: &ServerName<'_>) -> bool {
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

/// libpq's comparison: a star stands for the whole first label.
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
    fn common_names() {
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
