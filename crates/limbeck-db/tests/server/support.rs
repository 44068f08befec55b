//! Sessions as a user with a URL, a home folder and variables gets them, and what psql gets.

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

/// What came of an attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A session, and whether it is encrypted.
    Connected { tls: bool },
    /// None, for this reason.
    Refused(Option<ConnectErrorKind>, String),
}

impl Fate {
    /// A sign for tables.
    pub(crate) fn sign(&self) -> &'static str {
        match self {
            Self::Connected { tls: true } => "tls",
            Self::Connected { tls: false } => "plain",
            Self::Refused(..) => "-",
        }
    }

    /// Whether both connect in the same way, or neither does.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.sign() == other.sign()
    }
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Reads a URL's options; a refusal is a connect error as well.
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
        .inspect_err(keeps_secrets)
}

/// Opens a session; each error is looked through for secrets.
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
            keeps_secrets(&error);
            Err(error)
        }
        Err(other) => panic!("not an error of connecting: {other:?}"),
    }
}

fn keeps_secrets(error: &ConnectError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "an error shows a secret: {shown}");
}

/// The first column of the first row of a statement's last result.
pub(crate) async fn value(session: &mut Session, sql: &str) -> String {
    let outcome = session.execute(sql, &[]).await.unwrap();
    match outcome.results.last().map(|result| &result.rows[0][0]) {
        Some(Value::Text(text)) => text.clone(),
        other => panic!("{sql}: {other:?}"),
    }
}

const ENCRYPTED: &str = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// What comes of limbeck's connection.
pub(crate) fn limbeck(url: &str, home: &Path, variables: &[(&str, &str)]) -> Fate {
    block_on(async {
        match open(url, home, variables).await {
            Ok(mut session) => {
                let tls = value(&mut session, ENCRYPTED).await == "t";
                session.close().await.unwrap();
                Fate::Connected { tls }
            }
            Err(error) => Fate::Refused(Some(error.kind), error.message),
        }
    })
}

/// What comes of psql's connection with the same string.
pub(crate) fn psql(server: &Postgres, url: &str, home: &Path, variables: &[(&str, &str)]) -> Fate {
    match server.psql_with(url, home, variables, ENCRYPTED) {
        Ok(text) => Fate::Connected {
            tls: text.trim() == "t",
        },
        Err(text) => Fate::Refused(None, text),
    }
}

/// Both at the same time: psql first, limbeck second.
pub(crate) fn both(
    server: &Postgres,
    url: &str,
    home: &Path,
    variables: &[(&str, &str)],
) -> (Fate, Fate) {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| psql(server, url, home, variables));
        let ours = limbeck(url, home, variables);
        (theirs.join().unwrap(), ours)
    })
}

/// Cells that are compared, and what came out other than libpq has it.
pub(crate) struct Table {
    /// Cells, or how their names begin, where limbeck refuses on purpose what libpq takes, and the reason.
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

    /// Compares a cell and gives its sign; limbeck may differ only by refusing, and only where listed.
    pub(crate) fn cell(&mut self, name: &str, theirs: &Fate, ours: &Fate) -> String {
        if theirs.agrees(ours) {
            return ours.sign().to_owned();
        }
        let known = self.stricter.iter().position(|(cells, _)| {
            let rest = name.strip_prefix(cells);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(", "))
        });
        match known.filter(|_| matches!(ours, Fate::Refused(..))) {
            Some(index) => self.used[index] = true,
            None => self.problems.push(format!(
                "{name}\n    psql: {theirs:?}\n    limbeck: {ours:?}"
            )),
        }
        format!("{}≠{}", ours.sign(), theirs.sign())
    }

    /// Ends the comparison: nothing unexpected, and no entry of the list without use.
    pub(crate) fn finish(self) {
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
        for (entry, used) in self.stricter.iter().zip(self.used) {
            assert!(used, "libpq does no more than limbeck here: {entry:?}");
        }
    }
}

/// Settings for TLS with `row.crt` and `row.key` in the cluster's folder.
pub(crate) const TLS_ON: [(&str, &str); 3] = [
    ("ssl", "on"),
    ("ssl_cert_file", "row.crt"),
    ("ssl_key_file", "row.key"),
];

/// What a statement answers over psql and over limbeck's connection, in this order: the text, or the
/// error of each.
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
