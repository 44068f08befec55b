//! Tables and columns before and after, and how much is in those that would be gone.

use std::collections::BTreeMap;
use std::fmt;

use limbeck_db::{DbError, Product, Session, Value};

/// Something that a run would lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// A table with rows.
    Table {
        /// Its name.
        table: String,
        /// How many rows it has.
        rows: u64,
    },
    /// A column with values.
    Column {
        /// Its table.
        table: String,
        /// Its name.
        column: String,
        /// In how many rows it is not null.
        rows: u64,
    },
    /// Rows that a statement deletes.
    Rows {
        /// The revision whose step deletes them.
        revision: String,
        /// How many; none where that isn't known.
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

/// The tables of a database and their columns, by what stays when they are renamed, where the server has such a thing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Schema {
    tables: BTreeMap<String, Table>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// As it is written in a statement, and as it is shown.
    name: String,
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
                    "the catalog has {other:?} where a name should be"
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

    /// What is in `self` and not in `after`, and holds something: `session` sees the database as `self` has it.
    pub(super) async fn losses(
        &self,
        after: &Self,
        session: &mut Session,
    ) -> Result<Vec<Loss>, DbError> {
        let mut losses = Vec::new();
        for (key, table) in &self.tables {
            let name = &table.name;
            let Some(left) = after.tables.get(key) else {
                let rows = count(session, &format!("SELECT count(*) FROM {name}")).await?;
                if rows > 0 {
                    losses.push(Loss::Table {
                        table: shown(name),
                        rows,
                    });
                }
                continue;
            };
            for (key, column) in &table.columns {
                if left.columns.contains_key(key) {
                    continue;
                }
                let rows = count(session, &format!("SELECT count({column}) FROM {name}")).await?;
                if rows > 0 {
                    losses.push(Loss::Column {
                        table: shown(name),
                        column: shown(column),
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
    number.ok_or_else(|| DbError::Protocol(format!("the server counts {value:?}")))
}

/// A name without quotes that are not needed by a reader, and without the usual schema.
fn shown(name: &str) -> String {
    name.strip_prefix("public.")
        .unwrap_or(name)
        .replace('"', "")
}
