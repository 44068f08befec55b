//! Opens the connection of a migration and reports the server and the user's privileges. Changes nothing in the database.

mod mysql;
mod options;
mod pooler;
mod postgresql;
mod query;
mod sqlite;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use limbeck_db::{
    ConnectOptions, DbError, Product, Session, TlsSummary, VersionTable, VersionTableDescription,
};

pub(crate) use options::sqlalchemy_target;
pub use options::{OptionsError, connect_options};
pub use pooler::Pooler;

/// The server behind a connection, and everything that could keep migrations from running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionCheck {
    /// The kind of server, which decides the protocol and the SQL.
    pub server: Product,
    /// The product's name: `PostgreSQL`, `CockroachDB`, `MariaDB`, `SQLite`, …
    pub product: String,
    /// The server's version as the server reports it.
    pub version: String,
    /// The configured address that accepted the connection: host and port, a socket, or a file.
    pub address: String,
    /// The IP address and port that accepted the connection, if known.
    pub reached: Option<SocketAddr>,
    /// The database's name; `None` for SQLite.
    pub database: Option<String>,
    /// The user that statements run as.
    pub user: Option<String>,
    /// The TLS protection; `None` for a plain connection.
    pub tls: Option<TlsSummary>,
    /// The pooler between limbeck and the server.
    pub pooler: Pooler,
    /// The reason why nothing can be written; `None` if writing is possible.
    pub read_only: Option<String>,
    /// The privileges that migrations use.
    pub privileges: Vec<PrivilegeCheck>,
    /// The version table; `None` if it doesn't exist yet.
    pub version_table: Option<VersionTableCheck>,
    /// The time of the fastest of a few trivial statements; `None` if no connection was opened.
    pub round_trip: Option<Duration>,
}

/// A privilege that migrations use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivilegeCheck {
    /// The privilege as the server names it: `CREATE`, `INSERT`, …
    pub privilege: &'static str,
    /// The object and its kind: ``schema `public` ``.
    pub object: String,
    /// `Some(true)` if the user has the privilege; `None` if unknown.
    pub is_granted: Option<bool>,
    /// `true` if every migration needs the privilege.
    pub is_required: bool,
}

/// The version table and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTableCheck {
    /// The table's description in the catalogs.
    pub description: VersionTableDescription,
    /// The version rows; `None` if the user may not read them.
    pub rows: Option<Vec<String>>,
}

impl ConnectionCheck {
    /// Returns whether the connection could have channel binding: PostgreSQL's SCRAM over TLS only.
    pub fn supports_channel_binding(&self) -> bool {
        self.tls.is_some() && self.server == Product::Postgresql
    }

    /// Returns the reasons why no migration could run; empty if migrations can run.
    pub fn obstacles(&self) -> Vec<String> {
        let read_only = self
            .read_only
            .iter()
            .map(|reason| format!("the database is read-only: {reason}"));
        let missing = self
            .privileges
            .iter()
            .filter(|check| check.is_required && check.is_granted == Some(false));
        let missing = missing.map(
            |PrivilegeCheck {
                 privilege, object, ..
             }| {
                let user = self.user.as_deref().unwrap_or_default();
                if user.is_empty() {
                    format!("no right to {privilege} on {object}")
                } else {
                    format!("`{user}` has no right to {privilege} on {object}")
                }
            },
        );
        let column = self.version_table.as_ref().and_then(|table| {
            let is_missing = table.description.column_type.is_none();
            is_missing.then(|| "the version table has no column `version_num`".to_owned())
        });
        read_only.chain(missing).chain(column).collect()
    }
}

/// Opens a connection, checks it, and closes it. `table` is the version table to check.
///
/// # Errors
/// Returns [`DbError`] if no connection can be opened, or if it is lost during the check.
pub async fn check(
    options: &ConnectOptions,
    table: &VersionTable,
) -> Result<ConnectionCheck, DbError> {
    if let ConnectOptions::Sqlite(options) = options
        && options.creates_file()
        && let Some(file) = options.file().filter(|file| !file.exists())
    {
        // Opening a connection would create the file.
        return sqlite::check_missing_file(&file);
    }
    let mut session = Session::open(options).await?;
    let result = check_session(&mut session, options, table).await;
    // The result is complete; an error while closing the connection doesn't change it.
    let _ = session.close().await;
    result
}

async fn check_session(
    session: &mut Session,
    options: &ConnectOptions,
    table: &VersionTable,
) -> Result<ConnectionCheck, DbError> {
    let details = session.connection_details().await?;
    let mut check = ConnectionCheck {
        server: session.info().product,
        product: String::new(),
        version: session.info().version.clone(),
        address: session.info().address.clone(),
        reached: details.peer,
        database: None,
        user: None,
        tls: details.tls.clone(),
        pooler: Pooler::NotKnown,
        read_only: None,
        privileges: Vec::new(),
        version_table: None,
        round_trip: Some(measure_round_trip(session).await?),
    };
    let description = table.describe(session).await?;
    let can_read = match (session.info().product, &description) {
        (_, None) => true,
        (Product::Postgresql, Some(description)) => description
            .privileges
            .iter()
            .any(|privilege| privilege.name == "SELECT" && privilege.is_granted),
        (_, Some(description)) => description.column_type.is_some(),
    };
    let rows = if can_read && description.is_some() {
        query::unless_rejected(table.heads(session).await)?.flatten()
    } else {
        None
    };
    check.version_table = description.map(|description| VersionTableCheck { description, rows });
    match session.info().product {
        Product::Postgresql => {
            postgresql::check(session, options, &details, table, &mut check).await?;
        }
        Product::Mysql | Product::Mariadb => {
            mysql::check(session, &details, table, &mut check).await?;
        }
        Product::Sqlite => {
            let file = match options {
                ConnectOptions::Sqlite(options) => options.file(),
                _ => None,
            };
            sqlite::check(&details, file.as_deref().map(Path::new), &mut check);
        }
    }
    Ok(check)
}

async fn measure_round_trip(session: &mut Session) -> Result<Duration, DbError> {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        session.execute("SELECT 1", &[]).await?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(fastest)
}
