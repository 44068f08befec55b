//! No type of the crate shows a secret: not by `Debug` or `Display`, as an error's cause, or in a panic.

use std::error::Error;

use limbeck_testkit::error_text;
use limbeck_url::{
    ConnectionInfo, DatabaseConfigProvider, DatabaseUrl, KnownSecrets, Policy, Secret, Target,
    convert, ensure_async_database_url, ensure_sync_database_url, mask, mask_value,
};
use proptest::prelude::*;
use proptest::sample::select;

/// `{}` is the secret, encoded.
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

/// The URL with the secret. Behind an `@` of its own stands a host, where the URL has no other.
fn with(url: &str, written: &str) -> String {
    if url.ends_with("app:{}") {
        url.replace("{}", &written.replace('@', "%40"))
    } else {
        url.replace("{}", written)
    }
}

/// A password of words, so that a part of it is known for one, and how it is written.
fn written() -> impl Strategy<Value = (Vec<String>, String)> {
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
        let written = format!("{first}{sign}{second}");
        (vec![first, second], written)
    })
}

/// What a result says, by itself and to whom unwraps it.
fn shown<T: std::fmt::Debug, E: Error>(result: &Result<T, E>) -> String {
    match result {
        Ok(value) => format!("{value:?} {value:#?}"),
        Err(error) => error_text(error),
    }
}

fn all_that_is_shown(url: &str) -> String {
    let mut all = String::new();
    let mut add = |text: String| {
        all.push_str(&text);
        all.push('\n');
    };
    let parsed = DatabaseUrl::parse(url);
    add(shown(&parsed));
    add(parsed.map(|url| url.to_string()).unwrap_or_default());
    let read = ConnectionInfo::parse(url);
    add(shown(&read));
    if let Ok((info, _)) = &read {
        add(shown(&Policy::PRODUCTION.check(info)));
        for host in &info.hosts {
            add(host.to_string());
        }
    }
    let conversions = Target::names()
        .map(|name| convert(url, name.parse().expect("its own name")))
        .chain([
            ensure_sync_database_url(url),
            ensure_async_database_url(url),
        ]);
    for conversion in conversions {
        add(shown(&conversion));
        add(conversion.map(|url| url.to_string()).unwrap_or_default());
    }
    add(shown(&url.parse::<Target>()));
    let secret = Secret::new(url);
    add(format!("{secret} {secret:?}"));
    let variable = |name: &str| (name == "DATABASE_URL").then(|| url.to_owned());
    let file = format!("DIRECT_URL={url}\nPOSTGRES_HOST=h\nPOSTGRES_PASSWORD={url}\n");
    for provider in [
        DatabaseConfigProvider::from_variables(&variable, Some(&file)),
        DatabaseConfigProvider::from_variables(&|_| None, Some(&file)),
        Ok(DatabaseConfigProvider::new(url).with_migration_url(url)),
    ] {
        add(shown(&provider));
        let provider = provider
            .expect("there is a URL")
            .with_policy(Policy::PRODUCTION);
        add(shown(&provider.sync_database_url()));
        add(shown(&provider.async_database_url()));
        add(shown(&provider.allowed_application_url()));
        add(format!(
            "{} {}",
            provider.application_origin(),
            provider.migration_origin()
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

fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_type_shows_a_secret((words, written) in written(), url in select(URLS)) {
        let url = with(url, &written);
        let all = all_that_is_shown(&url);
        for word in &words {
            let line = all.lines().find(|line| line.contains(word.as_str()));
            prop_assert!(line.is_none(), "{}: {:?}", url, line);
        }
    }

    /// In a sentence, where a blank may end the URL.
    #[test]
    fn no_text_shows_a_secret((words, written) in written(), url in select(URLS), end in "[ .,)'\"`\n]{0,2}") {
        if written.contains([' ', '\'']) {
            return Ok(());
        }
        let text = format!("ValueError: no use for {}{end} at h", with(url, &written));
        let shown = mask(&text);
        for word in &words {
            prop_assert!(!shown.contains(word.as_str()), "{}: {}", text, shown);
        }
    }

    /// Whoever unwraps what is not there reads the other value in the panic.
    #[test]
    fn no_panic_shows_a_secret((words, written) in written(), url in select(URLS)) {
        let url = with(url, &written);
        let panicked = std::panic::catch_unwind(|| {
            assert_eq!(
                ConnectionInfo::parse(&url).map(Some),
                Ok(None),
                "another one was expected"
            );
        });
        let message = panicked.expect_err("it panics");
        let message = message.downcast_ref::<String>().expect("a message");
        for word in &words {
            prop_assert!(!message.contains(word.as_str()), "{}: {}", url, message);
        }
    }
}
