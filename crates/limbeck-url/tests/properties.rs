//! Property tests: no text panics, and a written URL is read back with the same meaning.

mod random;
#[path = "random/text.rs"]
mod text;

use limbeck_url::{
    Backend, ConnectionInfo, DatabaseConfigProvider, DatabaseUrl, KnownSecrets, Policy, Target,
    TlsLevel, convert, convert_to, ensure_async_database_url, ensure_sync_database_url,
    is_secret_name, mask, mask_value, percent_decode,
};
use proptest::prelude::*;

use crate::text::text_like_a_url;

fn targets() -> impl Iterator<Item = Target> {
    Target::names().map(|name| name.parse().expect("a target's name"))
}

/// Returns the configuration with the default number of cases, or the number in `LIMBECK_TEST_CASES`.
fn cases(default: u32) -> ProptestConfig {
    let requested = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: requested.unwrap_or(default),
        failure_persistence: None,
        // Names that begin or end with a blank are rejected, which adds up over millions of cases.
        max_local_rejects: u32::MAX,
        ..ProptestConfig::default()
    }
}

/// Calls every public function that accepts a text.
fn call_everything(text: &str) {
    if let Ok((info, _)) = ConnectionInfo::parse(text) {
        let _ = Policy::PRODUCTION.check(&info);
        let _ = format!("{info:?}");
        for target in targets() {
            let _ = info.render(target).map(|url| format!("{url} {url:?}"));
        }
    }
    let mut known = KnownSecrets::default();
    known.learn_value("", text);
    known.learn_value(text, text);
    known.learn_lines(text);
    let _ = (known.mask(text), mask(text), mask_value(text));
    let _ = (is_secret_name(text), percent_decode(text));
    let _ = DatabaseUrl::parse(text).map(|url| url.to_string());
    let _ = ensure_sync_database_url(text);
    let _ = ensure_async_database_url(text);
    let _ = convert_to(text, text);
    let _ = TlsLevel::from_name(text);
    let variable = |name: &str| (name == "POSTGRES_HOST").then(|| text.to_owned());
    let file = format!("{text}\nPOSTGRES_PORT={text}\nDIRECT_URL=${{POSTGRES_HOST}}{text}\n");
    if let Ok(provider) = DatabaseConfigProvider::from_variables(&variable, Some(&file)) {
        let _ = provider.sync_database_url();
        let _ = provider.async_database_url();
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn no_text_like_a_url_panics(text in text_like_a_url()) {
        call_everything(&text);
    }

}

proptest! {
    #![proptest_config(cases(5_000))]

    /// Arbitrary characters of any length in UTF-8, also in the middle of a URL.
    #[test]
    fn no_arbitrary_text_panics(text in any::<String>(), url in text_like_a_url()) {
        call_everything(&text);
        call_everything(&format!("{url}{text}"));
        call_everything(&format!("{text}{url}"));
    }
}

/// Removes the differences that a target's syntax can't express, so that two connections can be compared.
fn normalize(info: &ConnectionInfo, target: Target) -> ConnectionInfo {
    let mut info = info.clone();
    info.settings.sort();
    info.backend = Backend::Postgresql;
    for host in &mut info.hosts {
        host.port = host.port.or(Some(5432));
    }
    let on_socket = info.hosts.iter().any(|host| host.socket_path().is_some());
    // For a socket, the default port is the same as none.
    for host in &mut info.hosts {
        if host.socket_path().is_some() && host.port == Some(5432) {
            host.port = None;
        }
    }
    // Targets write the effective level.
    info.tls.level = Some(info.tls.effective_level());
    if on_socket && target.to_string() != "libpq" && !target.to_string().contains("psycopg") {
        info.tls = limbeck_url::Tls::default();
        info.tls.level = Some(TlsLevel::Prefer);
    }
    if info.tls.level == Some(TlsLevel::Disable) {
        info.tls.root_certificates = None;
    }
    info
}

proptest! {
    #![proptest_config(cases(5_000))]

    /// A complete URL is read back as the connection that it was written for, including the password.
    #[test]
    fn a_written_url_has_the_same_meaning(info in random::postgresql()) {
        for target in targets().filter(|target| target.backend == Backend::Postgresql) {
            let Ok(written) = info.render(target) else { continue };
            if !written.is_complete() || !written.warnings.is_empty() {
                continue;
            }
            let (read, _) = ConnectionInfo::parse(written.reveal_url())
                .unwrap_or_else(|error| panic!("{target}: {}: {error}", written.reveal_url()));
            let (mut read, mut intended) = (normalize(&read, target), normalize(&info, target));
            // sqlx has no `allow`, and is given `prefer`.
            for tls in [&mut read.tls, &mut intended.tls] {
                if tls.level == Some(TlsLevel::Allow) {
                    tls.level = Some(TlsLevel::Prefer);
                }
            }
            prop_assert_eq!(read, intended, "{}: {}", target, written.reveal_url());
        }
    }

    /// A conversion to asyncpg and back returns the same URL, unless there was a warning.
    #[test]
    fn a_round_trip_to_asyncpg_returns_the_same_url(info in random::postgresql()) {
        let synchronous: Target = "postgresql+psycopg2".parse().expect("a target");
        let asynchronous: Target = "postgresql+asyncpg".parse().expect("a target");
        let Ok(start) = info.render(synchronous) else { return Ok(()) };
        let Ok(converted) = convert(start.reveal_url(), asynchronous) else { return Ok(()) };
        if !start.is_complete() || !converted.is_complete() || !converted.warnings.is_empty() {
            return Ok(());
        }
        let back = convert(converted.reveal_url(), synchronous).expect("a conversion back");
        let on_socket = info.hosts.iter().any(|host| host.socket_path().is_some());
        if !on_socket {
            prop_assert_eq!(back.reveal_url(), start.reveal_url());
        }
    }

    /// Neither results nor errors show the password.
    #[test]
    fn no_output_shows_the_password(password in "[A-Za-z0-9]{12}", text in text_like_a_url()) {
        let url = format!("postgresql://u:{password}@h/d?{text}");
        let shown = match ConnectionInfo::parse(&url) {
            Ok((info, warnings)) => {
                let rendered: Vec<_> = targets().map(|target| info.render(target)).collect();
                let displayed: Vec<_> = rendered.iter().flatten().map(ToString::to_string).collect();
                format!("{info:?} {warnings:?} {rendered:?} {displayed:?}")
            }
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!shown.contains(&password), "{}", shown);
    }
}
