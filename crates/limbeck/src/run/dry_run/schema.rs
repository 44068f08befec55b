//! The tables and columns of a database, and the data in those that a dry run would drop.

use std::collections::BTreeMap;
use std::fmt;

use limbeck_db::{DbError, Product, Session, Value};

/// Data that a run would lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// A table with rows.
    Table {
        /// The table's name.
        table: String,
        /// Number of rows.
        rows: u64,
    },
    /// A column with values.
    Column {
        /// The column's table.
        table: String,
        /// The column's name.
        column: String,
        /// Number of rows in which the column is not null.
        rows: u64,
    },
    /// Rows that a statement deletes.
    Rows {
        /// The revision whose step deletes them.
        revision: String,
        /// Number of rows; `None` if it is unknown.
        rows: Option<u64>,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |rows: u64, what: &str| match rows {
            1 => format!("1 {what}"),
            rows => format!("{rows} {what}s"),
        };
        match self {
            Self::Table { table, rows } => write!(out, "table {table}: {}", count(*rows, "row")),
            Self::Column {
                table,
                column,
                rows,
            } => write!(out, "column {table}.{column}: {}", count(*rows, "value")),
            Self::Rows { revision, rows } => match rows {
                Some(rows) => write!(out, "{} that {revision} deletes", count(*rows, "row")),
                None => write!(out, "all rows of a table that {revision} empties"),
            },
        }
    }
}

/// The tables and columns of a database. On PostgreSQL, the keys stay the same when a table or column is renamed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Schema {
    tables: BTreeMap<String, Table>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// The name as SQL quotes it.
    name: String,
    /// The columns' names as SQL quotes them.
    columns: BTreeMap<String, String>,
}

const POSTGRESQL: &str = "SELECT c.oid::text, format('%I.%I', n.nspname, c.relname), a.attnum::text, \
     quote_ident(a.attname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

const SQLITE: &str = "SELECT lower(m.name), '\"' || replace(m.name, '\"', '\"\"') || '\"', lower(p.name), \
     '\"' || replace(p.name, '\"', '\"\"') || '\"' FROM sqlite_master m JOIN pragma_table_info(m.name) p \
     WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite^_%' ESCAPE '^'";

impl Schema {
    /// Reads the schema.
    pub(super) async fn read(session: &mut Session) -> Result<Self, DbError> {
        let query = match session.info().product {
            Product::Sqlite => SQLITE,
            _ => POSTGRESQL,
        };
        let mut schema = Self::default();
        let outcome = session.execute(query, &[]).await?;
        for row in outcome.results.into_iter().flat_map(|result| result.rows) {
            let mut texts = row.into_iter().map(|value| match value {
                Value::Text(text) => Ok(text),
                other => Err(DbError::Protocol(format!(
                    "expected a name in the catalog, found {other:?}"
                ))),
            });
            let mut next = || texts.next().transpose().map(Option::unwrap_or_default);
            let (key, name, column, column_name) = (next()?, next()?, next()?, next()?);
            let table = schema.tables.entry(key).or_default();
            table.name = name;
            table.columns.insert(column, column_name);
        }
        Ok(schema)
    }

    /// Returns the tables and columns of `self` that `after` lacks and that contain data. `session` must see the database in
    /// the state of `self`.
    pub(super) async fn losses(
        &self,
        after: &Self,
        session: &mut Session,
    ) -> Result<Vec<Loss>, DbError> {
        let mut losses = Vec::new();
        for (key, table) in &self.tables {
            let name = &table.name;
            let Some(remaining) = after.tables.get(key) else {
                let rows = count(session, &format!("SELECT count(*) FROM {name}")).await?;
                if rows > 0 {
                    losses.push(Loss::Table {
                        table: display_name(name),
                        rows,
                    });
                }
                continue;
            };
            for (key, column) in &table.columns {
                if remaining.columns.contains_key(key) {
                    continue;
                }
                let rows = count(session, &format!("SELECT count({column}) FROM {name}")).await?;
                if rows > 0 {
                    losses.push(Loss::Column {
                        table: display_name(name),
                        column: display_name(column),
                        rows,
                    });
                }
            }
        }
        Ok(losses)
    }
}

async fn count(session: &mut Session, sql: &str) -> Result<u64, DbError> {
    let outcome = session.execute(sql, &[]).await?;
    let value = outcome
        .results
        .into_iter()
        .next()
        .and_then(|result| result.rows.into_iter().next())
        .and_then(|row| row.into_iter().next());
    let number = match &value {
        Some(Value::Integer(number)) => u64::try_from(*number).ok(),
        Some(Value::Text(text)) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| DbError::Protocol(format!("expected a count, found {value:?}")))
}

/// Returns a name for display: without quotes, and without the schema `public`.
fn display_name(name: &str) -> String {
    name.strip_prefix("public.")
        .unwrap_or(name)
        .replace('"', "")
}
