//! Sessions for a URL, a home folder and variables, and psql's connection with the same.

use std::future::Future;
use std::path::Path;

use limbeck_db::{
    ConnectArgs, ConnectError, ConnectErrorKind, ConnectOptions, DbError, ProcessEnvironment,
    Session, Value,
};
use limbeck_testkit::Postgres;
use limbeck_url::DatabaseUrl;

/// Part of every password and passphrase of these tests; no error may show it.
pub(crate) const SECRET: &str = "s3cr3t";

/// The result of an attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The session is open; `tls` is whether it is encrypted.
    Connected { tls: bool },
    /// The connection failed. psql reports no kind.
    Refused(Option<ConnectErrorKind>, String),
}

impl Attempt {
    /// Returns the text for a table's cell.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Connected { tls: true } => "tls",
            Self::Connected { tls: false } => "plain",
            Self::Refused(..) => "-",
        }
    }

    /// Returns `true` if both connect in the same way, or neither does.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.label() == other.label()
    }
}

/// Runs a future to completion.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Reads a URL's options. Panics if an error shows a secret.
pub(crate) fn options(
    url: &str,
    home: &Path,
    variables: &[(&str, &str)],
) -> Result<ConnectOptions, ConnectError> {
    let process_environment = ProcessEnvironment {
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        home: Some(home.to_owned()),
        user: Some("nobody".into()),
    };
    let url = DatabaseUrl::parse(url).unwrap();
    ConnectOptions::from_url(&url, &ConnectArgs::new(), &process_environment)
        .inspect_err(assert_no_secret)
}

/// Opens a session. Panics if options or error show a secret.
pub(crate) async fn open(
    url: &str,
    home: &Path,
    variables: &[(&str, &str)],
) -> Result<Session, ConnectError> {
    let options = options(url, home, variables)?;
    assert!(!format!("{options:?}").contains(SECRET), "{options:?}");
    match Session::open(&options).await {
        Ok(session) => Ok(session),
        Err(DbError::Connect(error)) => {
            assert_no_secret(&error);
            Err(error)
        }
        Err(other) => panic!("not a connect error: {other:?}"),
    }
}

fn assert_no_secret(error: &ConnectError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "an error shows a secret: {shown}");
}

/// Returns the first value of a statement's last result.
pub(crate) async fn value(session: &mut Session, sql: &str) -> String {
    let outcome = session.execute(sql, &[]).await.unwrap();
    match outcome.results.last().map(|result| &result.rows[0][0]) {
        Some(Value::Text(text)) => text.clone(),
        other => panic!("{sql}: {other:?}"),
    }
}

const ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Connects with limbeck.
pub(crate) fn limbeck(url: &str, home: &Path, variables: &[(&str, &str)]) -> Attempt {
    block_on(async {
        match open(url, home, variables).await {
            Ok(mut session) => {
                let tls = value(&mut session, ENCRYPTED).await == "t";
                session.close().await.unwrap();
                Attempt::Connected { tls }
            }
            Err(error) => Attempt::Refused(Some(error.kind), error.message),
        }
    })
}

/// Connects with psql, with the same string.
pub(crate) fn psql(
    server: &Postgres,
    url: &str,
    home: &Path,
    variables: &[(&str, &str)],
) -> Attempt {
    match server.psql_with(url, home, variables, ENCRYPTED) {
        Ok(text) => Attempt::Connected {
            tls: text.trim() == "t",
        },
        Err(text) => Attempt::Refused(None, text),
    }
}

/// Connects with both at the same time. Returns psql's result, then limbeck's.
pub(crate) fn both(
    server: &Postgres,
    url: &str,
    home: &Path,
    variables: &[(&str, &str)],
) -> (Attempt, Attempt) {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| psql(server, url, home, variables));
        let ours = limbeck(url, home, variables);
        (theirs.join().unwrap(), ours)
    })
}

/// A comparison with libpq, cell by cell.
pub(crate) struct Table {
    /// The cells, or the start of their names, in which limbeck deliberately refuses what libpq accepts, with the reason.
    stricter: &'static [(&'static str, &'static str)],
    used: Vec<bool>,
    problems: Vec<String>,
}

impl Table {
    pub(crate) fn new(stricter: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            stricter,
            used: vec![false; stricter.len()],
            problems: Vec::new(),
        }
    }

    /// Compares a cell and returns its text. limbeck may only differ by refusing, and only in a listed cell.
    pub(crate) fn cell(&mut self, name: &str, theirs: &Attempt, ours: &Attempt) -> String {
        if theirs.agrees(ours) {
            return ours.label().to_owned();
        }
        let known = self.stricter.iter().position(|(cells, _)| {
            let rest = name.strip_prefix(cells);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(", "))
        });
        match known.filter(|_| matches!(ours, Attempt::Refused(..))) {
            Some(index) => self.used[index] = true,
            None => self.problems.push(format!(
                "{name}\n    psql: {theirs:?}\n    limbeck: {ours:?}"
            )),
        }
        format!("{}≠{}", ours.label(), theirs.label())
    }

    /// Ends the comparison. Panics on an unexpected difference, and on an unused entry of the list.
    pub(crate) fn finish(self) {
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
        for (entry, used) in self.stricter.iter().zip(self.used) {
            assert!(
                used,
                "limbeck and libpq agree here, so remove the entry: {entry:?}"
            );
        }
    }
}

/// The server's settings for TLS with `row.crt` and `row.key` in its data folder.
pub(crate) const TLS_ON: [(&str, &str); 3] = [
    ("ssl", "on"),
    ("ssl_cert_file", "row.crt"),
    ("ssl_key_file", "row.key"),
];

/// Runs a statement with psql and with limbeck, and returns both answers in this order.
pub(crate) fn answers(
    server: &Postgres,
    url: &str,
    home: &Path,
    variables: &[(&str, &str)],
    sql: &str,
) -> (Result<String, String>, Result<String, ConnectError>) {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| server.psql_with(url, home, variables, sql));
        let ours = block_on(async {
            let mut session = open(url, home, variables).await?;
            Ok(value(&mut session, sql).await)
        });
        let theirs = theirs.join().unwrap();
        (theirs.map(|text| text.trim_end().to_owned()), ours)
    })
}
