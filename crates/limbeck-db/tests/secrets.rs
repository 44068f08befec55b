//! Tests that no type of the crate shows a secret, errors included.

use std::fmt::Write;

use limbeck_db::{ConnectArg, ConnectArgs, ConnectOptions, ProcessEnvironment, Session};
use limbeck_testkit::error_text;
use limbeck_url::DatabaseUrl;
use proptest::prelude::*;
use proptest::sample::select;

/// URLs in which `{}` is the placeholder for the encoded secret. No server listens on port 1.
const URLS: &[&str] = &[
    "postgresql+asyncpg://app:{}@127.0.0.1:1/d",
    "postgresql+psycopg2://app@127.0.0.1:1/d?password={}",
    "postgresql+psycopg2://app:{}@127.0.0.1:1/d?sslmode=nothing",
    "postgresql+psycopg2://app@127.0.0.1:1/d?sslmode=require&sslpassword={}",
    "postgresql+psycopg2://app@127.0.0.1:1/d?host=a&host=b&port=x&password={}",
    "postgresql+psycopg2://app@127.0.0.1:1/d?api_token={}",
    "postgresql+asyncpg://app:{}@256.256.256.256/d",
    "mysql+pymysql://app:{}@127.0.0.1:1/d",
    "mysql+aiomysql://app@127.0.0.1:1/d?password={}",
    "mysql+pymysql://app@127.0.0.1:1/d?passwd={}&nothing=1",
    "mysql+pymysql://app:{}@127.0.0.1:1/d?ssl_ca=/nowhere&ssl_key=/nowhere&ssl_key_password={}",
    "mariadb+asyncmy://app:{}@127.0.0.1:1/d?connect_timeout=x",
    "sqlite:///file:nowhere/a.db?key={}&mode=ro&uri=true",
    "sqlite:///nowhere/a.db?password={}",
    "sqlite://app:{}@h/a.db",
    "oracle://app:{}@h/d",
];

fn visible_text(text: &str, secret: &str, as_argument: bool) -> String {
    let Ok(url) = DatabaseUrl::parse(text) else {
        return String::new();
    };
    let arguments: ConnectArgs = if as_argument {
        [
            ("password", ConnectArg::Text(secret.to_owned())),
            (
                "server_settings",
                ConnectArg::Map([("x".to_owned(), ConnectArg::Text(secret.to_owned()))].into()),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    } else {
        ConnectArgs::new()
    };
    let process_environment = ProcessEnvironment {
        variables: ["PGPASSWORD", "MYSQL_PWD", "DATABASE_URL"]
            .map(|name| (name.to_owned(), secret.to_owned()))
            .into(),
        home: None,
        user: Some("app".into()),
    };
    let mut all = format!("{url:?} {arguments:?} {process_environment:?}\n");
    let options = match ConnectOptions::from_url(&url, &arguments, &process_environment) {
        Ok(options) => options,
        Err(error) => return all + &error_text(&error),
    };
    write!(all, "{options:?} {options:#?}").expect("a text");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match runtime.block_on(Session::open(&options)) {
        Ok(session) => all + &format!("{session:?} {:?}", session.canceller()),
        Err(error) => all + &error_text(&error),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("LIMBECK_TEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(200),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_type_shows_a_secret(
        words in ("[A-Za-z0-9]{12}", "(%20|%27|%5C|%40|%2F|%23|:|!)", "[A-Za-z0-9]{12}"),
        url in select(URLS),
        as_argument in any::<bool>(),
    ) {
        let written = format!("{}{}{}", words.0, words.1, words.2);
        let url = url.replace("{}", &written);
        let all = visible_text(&url, &written, as_argument);
        for word in [&words.0, &words.2] {
            prop_assert!(!all.contains(word.as_str()), "{}: {}", url, all);
        }
    }
}
