//! Tests that no type shows a secret: neither in `Debug` and `Display`, nor in an error's causes or a panic.

use std::error::Error;

use limbeck_testkit::error_text;
use limbeck_url::{
    ConnectionInfo, DatabaseConfigProvider, DatabaseUrl, KnownSecrets, Policy, Secret, Target,
    convert, ensure_async_database_url, ensure_sync_database_url, mask, mask_value,
};
use proptest::prelude::*;
use proptest::sample::select;

/// URLs with `{}` in place of the encoded secret.
const URLS: &[&str] = &[
    "postgresql+asyncpg://app:{}@db:5432/d",
    "postgresql://app:{}@db/d?sslmode=verify-full&sslrootcert=/ca&sslkey=/k&sslcert=/c&sslpassword={}",
    "postgresql+psycopg2://app@db/d?password={}&api_token={}",
    "postgresql://db/d?user=app&password={}&secret={}",
    "postgresql+psycopg://app:{}@a:1,b:2/d?connect_timeout=x",
    "mysql+pymysql://app:{}@db/d?ssl_ca=/ca&ssl_key=/k&ssl_key_password={}",
    "mysql://app:{}@db/d?passwd={}&ssl-mode=VERIFY_CA",
    "mariadb+asyncmy://app:{}@db/d?nothing=1",
    "sqlite:///a.db?key={}",
    "sqlite://app:{}@db/a.db",
    "oracle://app:{}@db/d",
    "nothing://app:{}@db/d",
    "postgresql://app:{}@db:x/d",
    "postgresql://app:{}@[::1/d",
    "postgresql://app:{}",
    "postgresql:app:{}@db",
    "host=db user=app password='{}'",
    "host=db user=app password={}",
    "user=app password='{}",
    "DATABASE_URL=postgresql://app:{}@db/d",
    "'postgresql://app:{}@db/d'",
];

/// Inserts an encoded secret into a URL. In a URL without a host, an `@` is always encoded: the text behind it
/// would be the host.
fn insert(url: &str, encoded: &str) -> String {
    if url.ends_with("app:{}") {
        url.replace("{}", &encoded.replace('@', "%40"))
    } else {
        url.replace("{}", encoded)
    }
}

/// Passwords: their words, which no output may contain, and their form in a URL.
fn password() -> impl Strategy<Value = (Vec<String>, String)> {
    let word = "[A-Za-z0-9]{12}";
    let signs = select(&[
        "", "@", ":", "/", "?", "#", "%", " ", "'", "\\", "&", "=", "é", "@@",
    ]);
    (word, signs, word, any::<bool>()).prop_map(|(first, sign, second, raw)| {
        let sign = if raw {
            sign.to_owned()
        } else {
            sign.bytes().map(|byte| format!("%{byte:02X}")).collect()
        };
        let encoded = format!("{first}{sign}{second}");
        (vec![first, second], encoded)
    })
}

/// Returns all texts of a result, including the error's causes.
fn texts_of<T: std::fmt::Debug, E: Error>(result: &Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?} {value:#?}"),
        Err(error) => error_text(error),
    }
}

/// Returns everything that the crate prints about a URL.
fn all_output(url: &str) -> String {
    let mut all = String::new();
    let mut add = |text: String| {
        all.push_str(&text);
        all.push('\n');
    };
    let parsed = DatabaseUrl::parse(url);
    add(texts_of(&parsed));
    add(parsed.map(|url| url.to_string()).unwrap_or_default());
    let read = ConnectionInfo::parse(url);
    add(texts_of(&read));
    if let Ok((info, _)) = &read {
        add(texts_of(&Policy::PRODUCTION.check(info)));
        for host in &info.hosts {
            add(host.to_string());
        }
    }
    let conversions = Target::names()
        .map(|name| convert(url, name.parse().expect("a target's name")))
        .chain([
            ensure_sync_database_url(url),
            ensure_async_database_url(url),
        ]);
    for conversion in conversions {
        add(texts_of(&conversion));
        add(conversion.map(|url| url.to_string()).unwrap_or_default());
    }
    add(texts_of(&url.parse::<Target>()));
    let secret = Secret::new(url);
    add(format!("{secret} {secret:?}"));
    let variable = |name: &str| (name == "DATABASE_URL").then(|| url.to_owned());
    let file = format!("DIRECT_URL={url}\nPOSTGRES_HOST=h\nPOSTGRES_PASSWORD={url}\n");
    for provider in [
        DatabaseConfigProvider::from_variables(&variable, Some(&file)),
        DatabaseConfigProvider::from_variables(&|_| None, Some(&file)),
        Ok(DatabaseConfigProvider::new(url).with_migration_url(url)),
    ] {
        add(texts_of(&provider));
        let provider = provider
            .expect("a URL is set")
            .with_policy(Policy::PRODUCTION);
        add(texts_of(&provider.sync_database_url()));
        add(texts_of(&provider.async_database_url()));
        add(texts_of(&provider.allowed_application_url()));
        add(format!(
            "{} {}",
            provider.application_source(),
            provider.migration_source()
        ));
    }
    let mut known = KnownSecrets::default();
    known.learn_value("DATABASE_URL", url);
    add(format!("{known:?}"));
    add(mask_value(url).into_owned());
    add(mask_value(&format!("--url={url}")).into_owned());
    add(known.mask(&format!("no connection: {url}: nothing there")));
    all
}

/// Returns the configuration with the default number of cases, or the number in `LIMBECK_TEST_CASES`.
fn cases(default: u32) -> ProptestConfig {
    let requested = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: requested.unwrap_or(default),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_type_shows_a_secret((words, encoded) in password(), url in select(URLS)) {
        let url = insert(url, &encoded);
        let all = all_output(&url);
        for word in &words {
            let line = all.lines().find(|line| line.contains(word.as_str()));
            prop_assert!(line.is_none(), "{}: {:?}", url, line);
        }
    }

    /// In a sentence, white space may end the URL.
    #[test]
    fn no_masked_sentence_shows_a_secret((words, encoded) in password(), url in select(URLS), end in "[ .,)'\"`\n]{0,2}") {
        if encoded.contains([' ', '\'']) {
            return Ok(());
        }
        let text = format!("ValueError: no use for {}{end} at h", insert(url, &encoded));
        let masked = mask(&text);
        for word in &words {
            prop_assert!(!masked.contains(word.as_str()), "{}: {}", text, masked);
        }
    }

    /// The message of a failed assertion contains the `Debug` output.
    #[test]
    fn no_panic_shows_a_secret((words, encoded) in password(), url in select(URLS)) {
        let url = insert(url, &encoded);
        let panicked = std::panic::catch_unwind(|| {
            assert_eq!(
                ConnectionInfo::parse(&url).map(Some),
                Ok(None),
                "expected nothing"
            );
        });
        let message = panicked.expect_err("a panic");
        let message = message.downcast_ref::<String>().expect("a message");
        for word in &words {
            prop_assert!(!message.contains(word.as_str()), "{}: {}", url, message);
        }
    }
}
