//! The one place that knows of two databases: the same SQL, with the same values, on PostgreSQL and on SQLite.

use std::str::FromStr;
use std::time::Duration;

use limbeck::url::DatabaseConfigProvider;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePoolOptions, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, FromRow, Postgres, Sqlite, Type};
use sqlx::{PgPool, SqlSafeStr, SqlitePool};

const CONNECTIONS: u32 = 5;
/// How long a request waits for a connection, and on SQLite for whoever writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A pool of connections.
#[derive(Clone)]
pub enum Database {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

/// A transaction, rolled back unless it is committed.
pub enum Transaction {
    Postgres(sqlx::Transaction<'static, Postgres>),
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

/// What a row becomes; `#[derive(FromRow)]` is enough.
pub trait Row: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin
{}

/// What stands for `$1`, `$2`, … in SQL: whatever sqlx encodes for both.
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
    /// A pool for the application's URL, whichever driver it names. It connects when it is used: a database that is
    /// not there yet makes the service unready, and doesn't end it.
    pub fn connect(urls: &DatabaseConfigProvider) -> Result<Self, Box<dyn std::error::Error>> {
        let converted = urls.database_url_for("sqlx")?;
        for warning in &converted.warnings {
            tracing::warn!("{}", warning.message);
        }
        let url = converted.reveal_complete_url()?;
        if url.starts_with("sqlite:") {
            // sqlx has SQLite heed foreign keys on each connection.
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

    /// A transaction that only reads.
    pub async fn read(&self) -> sqlx::Result<Transaction> {
        Ok(match self {
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
            Self::Sqlite(pool) => Transaction::Sqlite(pool.begin().await?),
        })
    }

    /// A transaction that writes. On SQLite it takes its turn at once: one that has read, and then finds another
    /// writer, would have to give up.
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

    /// All rows.
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

    /// The first row, if there is one.
    pub async fn first<T: Row>(
        &mut self,
        sql: &'static str,
        values: &[&dyn Value],
    ) -> sqlx::Result<Option<T>> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }

    /// The id that `INSERT … RETURNING id` gives.
    pub async fn insert(&mut self, sql: &'static str, values: &[&dyn Value]) -> sqlx::Result<i32> {
        let id: Option<(i32,)> = self.first(sql, values).await?;
        id.map(|(id,)| id).ok_or(sqlx::Error::RowNotFound)
    }

    /// The rows that belong to others: `before`, the ids of those, `after`.
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

    /// How many rows were written.
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
