//! What holds for every URL: nothing panics, and what was written is read as what was meant.

mod random;
#[path = "random/text.rs"]
mod text;

use limbeck_url::{
    Backend, ConnectionInfo, DatabaseUrl, KnownSecrets, Target, TlsLevel, convert,
    ensure_async_database_url, ensure_sync_database_url, mask, mask_value,
};
use proptest::prelude::*;

use crate::text::text_like_a_url;

fn targets() -> impl Iterator<Item = Target> {
    Target::names().map(|name| name.parse().expect("its own name"))
}

fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        // Names that begin or end with a blank are passed over: after millions of cases there are many.
        max_local_rejects: u32::MAX,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn no_text_panics(text in text_like_a_url()) {
        let parsed = ConnectionInfo::parse(&text);
        if let Ok((info, _)) = parsed {
            for target in targets() {
                let _ = info.render(target);
            }
        }
        let mut known = KnownSecrets::default();
        known.learn_value("", &text);
        known.learn_lines(&text);
        let _ = (known.mask(&text), mask(&text), mask_value(&text));
        let _ = DatabaseUrl::parse(&text);
        let _ = ensure_sync_database_url(&text);
        let _ = ensure_async_database_url(&text);
    }
}

/// What a target without a word for it leaves out with a warning, or says in its own way.
fn comparable(info: &ConnectionInfo, target: Target) -> ConnectionInfo {
    let mut info = info.clone();
    info.settings.sort();
    info.backend = Backend::Postgresql;
    for host in &mut info.hosts {
        host.port = host.port.or(Some(5432));
    }
    let on_socket = info.hosts.iter().any(|host| host.socket().is_some());
    // In a socket's name the usual port is as good as none.
    for host in &mut info.hosts {
        if host.socket().is_some() && host.port == Some(5432) {
            host.port = None;
        }
    }
    // libpq's own word for these two is what they come to.
    info.tls.level = Some(info.tls.effective());
    if on_socket && target.to_string() != "libpq" && !target.to_string().contains("psycopg") {
        info.tls = limbeck_url::Tls {
            level: Some(TlsLevel::Prefer),
            ..limbeck_url::Tls::default()
        };
    }
    if info.tls.level == Some(TlsLevel::Disable) {
        info.tls.root = None;
    }
    info
}

proptest! {
    #![proptest_config(cases(5_000))]

    /// Where the URL says it all, it is read as what was meant, password and all.
    #[test]
    fn what_is_written_is_read(info in random::postgresql()) {
        for target in targets().filter(|target| target.backend == Backend::Postgresql) {
            let Ok(written) = info.render(target) else { continue };
            if !written.is_complete() || !written.warnings.is_empty() {
                continue;
            }
            let (read, _) = ConnectionInfo::parse(written.reveal_url())
                .unwrap_or_else(|error| panic!("{target}: {}: {error}", written.reveal_url()));
            let (mut read, mut meant) = (comparable(&read, target), comparable(&info, target));
            // sqlx's `allow` is another thing, so that it is told the next one.
            for tls in [&mut read.tls, &mut meant.tls] {
                if tls.level == Some(TlsLevel::Allow) {
                    tls.level = Some(TlsLevel::Prefer);
                }
            }
            // A server's name is what it is called, in whichever place it is written.
            prop_assert_eq!(read, meant, "{}: {}", target, written.reveal_url());
        }
    }

    /// There and back is the same, or said not to be.
    #[test]
    fn synchronous_to_asynchronous_and_back(info in random::postgresql()) {
        let synchronous: Target = "postgresql+psycopg2".parse().expect("a target");
        let asynchronous: Target = "postgresql+asyncpg".parse().expect("a target");
        let Ok(start) = info.render(synchronous) else { return Ok(()) };
        let Ok(there) = convert(start.reveal_url(), asynchronous) else { return Ok(()) };
        if !start.is_complete() || !there.is_complete() || !there.warnings.is_empty() {
            return Ok(());
        }
        let back = convert(there.reveal_url(), synchronous).expect("the way back");
        let on_socket = info.hosts.iter().any(|host| host.socket().is_some());
        if !on_socket {
            prop_assert_eq!(back.reveal_url(), start.reveal_url());
        }
    }

    /// No password is in what is shown, whatever became of the URL.
    #[test]
    fn a_password_is_not_shown(password in "[A-Za-z0-9]{12}", text in text_like_a_url()) {
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
