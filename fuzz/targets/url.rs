//! Fuzz target for database URLs: nothing panics, written URLs can be read, and no output shows a password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use limbeck_url::{
    ConnectionInfo, DatabaseUrl, KnownSecrets, Target, ensure_async_database_url,
    ensure_sync_database_url, mask, mask_value,
};

/// A password that occurs in no input by chance.
const PASSWORD: &str = "Gehe1m-4711-Wort";

fuzz_target!(|text: &str| {
    drop(all_output(text));
    // The text on both sides of a password.
    let user: String = text.chars().filter(|c| c.is_alphanumeric()).take(5).collect();
    for scheme in ["postgresql", "postgresql+asyncpg", "mysql+pymysql"] {
        let url = format!("{scheme}://{user}:{PASSWORD}@{text}");
        if url.matches(PASSWORD).count() == 1 {
            let output = all_output(&url);
            assert!(!output.contains(PASSWORD), "{output}");
        }
    }
});

/// Returns everything that the crate prints about a URL.
fn all_output(text: &str) -> String {
    let mut known = KnownSecrets::default();
    known.learn_value("DATABASE_URL", text);
    known.learn_lines(text);
    let mut output = format!("{} {} {}", mask(text), mask_value(text), known.mask(text));
    output += &format!("{:?}", DatabaseUrl::parse(text));
    let read = ConnectionInfo::parse(text);
    output += &format!("{read:?}");
    if let Ok((info, _)) = read {
        for target in Target::names() {
            let written = info.render(target.parse().expect("a target's name"));
            output += &format!("{written:?}");
            let complete = written.ok().filter(|written| written.is_complete());
            if let Some(written) = complete {
                let again = ConnectionInfo::parse(written.reveal_url());
                assert!(again.is_ok(), "{target}: {again:?}");
            }
        }
    }
    output += &format!("{:?}", ensure_sync_database_url(text));
    output += &format!("{:?}", ensure_async_database_url(text));
    output
}
