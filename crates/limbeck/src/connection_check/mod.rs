//! Connects as a migration would and says what is there, without changing anything in the database.

mod ask;
mod mysql;
mod options;
mod pooler;
mod postgresql;
mod sqlite;

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use limbeck_db::{
    ConnectOptions, DbError, Product, Session, TlsSummary, VersionTable, VersionTableDescription,
};

pub use options::{OptionsError, connect_options};
pub use pooler::Pooler;

/// What a connection leads to, and whether migrations could run over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionCheck {
    /// Which kind of server it is, as far as the connection is concerned.
    pub server: Product,
    /// What the server calls itself: `PostgreSQL`, `MariaDB`, `SQLite`, …
    pub product: String,
    /// Its version, as it writes it.
    pub version: String,
    /// The place that was asked for and took the connection: host and port, a socket, or a file.
    pub address: String,
    /// The address that took it, where that is known.
    pub reached: Option<SocketAddr>,
    /// The database's name; SQLite has files.
    pub database: Option<String>,
    /// As whom the statements run.
    pub user: Option<String>,
    /// How the connection is protected; none for a plain one.
    pub tls: Option<TlsSummary>,
    /// Whether somebody stands in between who shares connections.
    pub pooler: Pooler,
    /// Why nothing can be written; none where it can.
    pub read_only: Option<String>,
    /// What migrations need to be allowed.
    pub rights: Vec<Right>,
    /// The version table; none when there is none yet.
    pub version_table: Option<VersionTableCheck>,
    /// How long a statement that does nothing takes, the fastest of a few; none where nothing was opened.
    pub round_trip: Option<Duration>,
}

/// Something that migrations need to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// The right, as the server calls it: `CREATE`, `INSERT`, …
    pub right: &'static str,
    /// What it is a right on, as one would say it: ``schema `public` ``.
    pub on: String,
    /// Whether the user has it; none where it can't be told.
    pub granted: Option<bool>,
    /// Whether migrations can't do without it.
    pub needed: bool,
}

/// The version table and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTableCheck {
    /// What the catalogs say of it.
    pub description: VersionTableDescription,
    /// The revisions in it; none when it may not be read.
    pub rows: Option<Vec<String>>,
}

impl ConnectionCheck {
    /// Whether there is anything like channel binding: only PostgreSQL's SCRAM has it.
    pub fn promises_channel_binding(&self) -> bool {
        self.tls.is_some() && self.server == Product::Postgresql
    }

    /// Why no migration could run; empty where one could.
    pub fn obstacles(&self) -> Vec<String> {
        let read_only = self
            .read_only
            .iter()
            .map(|why| format!("the database is read-only: {why}"));
        let missing = self
            .rights
            .iter()
            .filter(|right| right.needed && right.granted == Some(false));
        let missing = missing.map(|Right { right, on, .. }| {
            let user = self.user.as_deref().unwrap_or_default();
            if user.is_empty() {
                format!("no right to {right} on {on}")
            } else {
                format!("`{user}` has no right to {right} on {on}")
            }
        });
        let column = self.version_table.as_ref().and_then(|table| {
            let missing = table.description.column_type.is_none();
            missing.then(|| "the version table has no column `version_num`".to_owned())
        });
        read_only.chain(missing).chain(column).collect()
    }
}

/// Connects, looks, and closes the connection.
///
/// # Errors
/// [`DbError`] when there is no connection, or the server breaks it off.
pub async fn check(
    options: &ConnectOptions,
    table: &VersionTable,
) -> Result<ConnectionCheck, DbError> {
    if let ConnectOptions::Sqlite(options) = options
        && options.creates_file()
        && let Some(file) = options.file().filter(|file| !file.exists())
    {
        // Opening it would create it.
        return sqlite::missing(&file);
    }
    let mut session = Session::open(options).await?;
    let found = look(&mut session, options, table).await;
    // What was found stands, however the server takes our leave.
    let _ = session.close().await;
    found
}

async fn look(
    session: &mut Session,
    options: &ConnectOptions,
    table: &VersionTable,
) -> Result<ConnectionCheck, DbError> {
    let link = session.connection_details().await?;
    let mut check = ConnectionCheck {
        server: session.info().product,
        product: String::new(),
        version: session.info().version.clone(),
        address: session.info().address.clone(),
        reached: link.peer,
        database: None,
        user: None,
        tls: link.tls.clone(),
        pooler: Pooler::NotKnown,
        read_only: None,
        rights: Vec::new(),
        version_table: None,
        round_trip: Some(round_trip(session).await?),
    };
    let description = table.describe(session).await?;
    let may_read = match (session.info().product, &description) {
        (_, None) => true,
        (Product::Postgresql, Some(description)) => description
            .privileges
            .iter()
            .any(|privilege| privilege.name == "SELECT" && privilege.is_granted),
        (_, Some(description)) => description.column_type.is_some(),
    };
    let rows = if may_read && description.is_some() {
        ask::unless_refused(table.heads(session).await)?.flatten()
    } else {
        None
    };
    check.version_table = description.map(|description| VersionTableCheck { description, rows });
    match session.info().product {
        Product::Postgresql => postgresql::look(session, options, &link, table, &mut check).await?,
        Product::Mysql | Product::Mariadb => mysql::look(session, &link, table, &mut check).await?,
        Product::Sqlite => {
            let file = match options {
                ConnectOptions::Sqlite(options) => options.file(),
                _ => None,
            };
            sqlite::look(&link, file.as_deref().map(Path::new), &mut check);
        }
    }
    Ok(check)
}

async fn round_trip(session: &mut Session) -> Result<Duration, DbError> {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        session.execute("SELECT 1", &[]).await?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(fastest)
}
