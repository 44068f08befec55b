//! PostgreSQL and SQLite behind one interface: the rest of the service uses the same SQL and values for both.

use std::str::FromStr;
use std::time::Duration;

use limbeck::url::DatabaseConfigProvider;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePoolOptions, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, FromRow, Postgres, Sqlite, Type};
use sqlx::{PgPool, SqlSafeStr, SqlitePool};

/// The maximum number of connections.
const CONNECTIONS: u32 = 5;
/// The maximum time that a request waits for a connection, and on SQLite for another writer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A pool of connections.
#[derive(Clone)]
pub enum Database {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// A transaction. It is rolled back on drop unless it was committed.
pub enum Transaction {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// The type of a row. `#[derive(FromRow)]` implements it.
pub trait Row: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{}

/// A value for `$1`, `$2`, … in SQL: every type that sqlx encodes for both databases.
pub trait Value: Sync {
    fn for_postgres(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError>;
    fn for_sqlite(&self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError>;
}

impl<T: Sync> Value for T
where
    T: Type<Postgres> + for<'q> Encode<'q, Postgres>,
    T: Type<Sqlite> + for<'q> Encode<'q, Sqlite>,
{
    fn for_postgres(&self, arguments: &mut PgArguments) -> Result<(), BoxDynError> {
        arguments.add(self)
    }

    fn for_sqlite(&self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
        Arguments::add(arguments, self)
    }
}

impl Database {
    /// Creates a pool for the application's URL, for which any driver may be named. The pool connects on first use: the
    /// service starts even if the database is down, and is unready until it is up.
    pub fn connect(urls: &DatabaseConfigProvider) -> Result<Self, Box<dyn std::error::Error>> {
        let converted = urls.database_url_for("sqlx")?;
        for warning in &converted.warnings {
            tracing::warn!("{}", warning.message);
        }
        let url = converted.reveal_complete_url()?;
        if url.starts_with("sqlite:") {
            // sqlx turns on SQLite's foreign keys for each connection.
            let options = SqliteConnectOptions::from_str(url)?.busy_timeout(PATIENCE);
            let pool = SqlitePoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE);
            Ok(Self::Sqlite(pool.connect_lazy_with(options)))
        } else {
            let options = PgConnectOptions::from_str(url)?;
            let pool = PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE);
            Ok(Self::Postgres(pool.connect_lazy_with(options)))
        }
    }

    /// Begins a transaction that only reads.
    pub async fn read(&self) -> sqlx::Result<Transaction> {
        Ok(match self {
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
        })
    }

    /// Begins a transaction that writes. On SQLite it waits here for other writers: a transaction that has already read
    /// could not wait any more and would fail.
    pub async fn write(&self) -> sqlx::Result<Transaction> {
        Ok(match self {
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
        })
    }

    pub async fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close().await,
            Self::Sqlite(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Postgres(transaction) => transaction.commit().await,
            Self::Sqlite(transaction) => transaction.commit().await,
        }
    }

    /// Returns all rows.
    pub async fn all<T: Row>(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[&dyn Value],
    ) -> sqlx::Result<Vec<T>> {
        match self {
            Self::Postgres(transaction) => {
                let values = for_postgres(values)?;
                let query = sqlx::query_as_with(sql, values);
                query.fetch_all(&mut **transaction).await
            }
            Self::Sqlite(transaction) => {
                let values = for_sqlite(values)?;
                let query = sqlx::query_as_with(sql, values);
                query.fetch_all(&mut **transaction).await
            }
        }
    }

    /// Returns the first row, if any.
    pub async fn first<T: Row>(
        &mut self,
        sql: &'static str,
        values: &[&dyn Value],
    ) -> sqlx::Result<Option<T>> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    /// Runs an `INSERT … RETURNING id` and returns the id.
    pub async fn insert(&mut self, sql: &'static str, values: &[&dyn Value]) -> sqlx::Result<i32> {
        let id: Option<(i32,)> = self.first(sql, values).await?;
        id.map(|(id,)| id).ok_or(sqlx::Error::RowNotFound)
    }

    /// Returns the rows that belong to some ids. The statement is `before IN (ids) after`.
    pub async fn all_of<T: Row>(
        &mut self,
        before: &'static str,
        ids: &[i32],
        after: &'static str,
    ) -> sqlx::Result<Vec<T>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
        let sql = format!("{before} IN ({}) {after}", places.join(", "));
        let values: Vec<&dyn Value> = ids.iter().map(|id| id as &dyn Value).collect();
        self.all(AssertSqlSafe(sql), &values).await
    }

    /// Runs a statement and returns the number of rows that it wrote.
    pub async fn execute(&mut self, sql: &'static str, values: &[&dyn Value]) -> sqlx::Result<u64> {
        Ok(match self {
            Self::Postgres(transaction) => {
                let query = sqlx::query_with(sql, for_postgres(values)?);
                query.execute(&mut **transaction).await?.rows_affected()
            }
            Self::Sqlite(transaction) => {
                let query = sqlx::query_with(sql, for_sqlite(values)?);
                query.execute(&mut **transaction).await?.rows_affected()
            }
        })
    }
}

fn for_postgres(values: &[&dyn Value]) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        value
            .for_postgres(&mut arguments)
            .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn for_sqlite(values: &[&dyn Value]) -> sqlx::Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        value
            .for_sqlite(&mut arguments)
            .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
