//! Any text as a database URL: nothing panics, what is written can be read, and no password is shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use limbeck_url::{
    ConnectionInfo, DatabaseUrl, KnownSecrets, Target, ensure_async_database_url,
    ensure_sync_database_url, mask, mask_value,
};

/// Stands in no input by chance.
const PASSWORD: &str = "Gehe1m-4711-Wort";

fuzz_target!(|text: &str| {
    drop(all_that_is_shown(text));
    // The same text on both sides of a password.
    let user: String = text.chars().filter(|c| c.is_alphanumeric()).take(5).collect();
    for scheme in ["postgresql", "postgresql+asyncpg", "mysql+pymysql"] {
        let url = format!("{scheme}://{user}:{PASSWORD}@{text}");
        if !url.matches(PASSWORD).nth(1).is_some() {
            let shown = all_that_is_shown(&url);
            assert!(!shown.contains(PASSWORD), "{shown}");
        }
    }
});

fn all_that_is_shown(text: &str) -> String {
    let mut known = KnownSecrets::default();
    known.learn_value("DATABASE_URL", text);
    known.learn_lines(text);
    let mut shown = format!("{} {} {}", mask(text), mask_value(text), known.mask(text));
    shown += &format!("{:?}", DatabaseUrl::parse(text));
    let read = ConnectionInfo::parse(text);
    shown += &format!("{read:?}");
    if let Ok((info, _)) = read {
        for target in Target::names() {
            let written = info.render(target.parse().expect("its own name"));
            shown += &format!("{written:?}");
            let complete = written.ok().filter(|written| written.is_complete());
            if let Some(written) = complete {
                let again = ConnectionInfo::parse(written.reveal_url());
                assert!(again.is_ok(), "{target}: {again:?}");
            }
        }
    }
    shown += &format!("{:?}", ensure_sync_database_url(text));
    shown += &format!("{:?}", ensure_async_database_url(text));
    shown
}
