//! Reads of the version table. Alembic, in the worker, writes it.

mod describe;

use crate::{DbError, Product, Session, Value};

pub use describe::{Privilege, VERSION_TABLE_PRIVILEGES, VersionTableDescription};

/// The name of the version table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionTable {
    /// The table's name, by default `alembic_version`.
    pub name: String,
    /// The table's schema, if `env.py` sets one.
    pub schema: Option<String>,
}

impl Default for VersionTable {
    fn default() -> Self {
        Self {
            name: "alembic_version".into(),
            schema: None,
        }
    }
}

impl VersionTable {
    /// Reads the heads, in the table's order. Returns `None` if the table does not exist.
    ///
    /// # Errors
    /// Returns [`DbError::VersionRow`] if a row contains no text, and the errors of [`Session::execute`].
    pub async fn heads(&self, session: &mut Session) -> Result<Option<Vec<String>>, DbError> {
        let product = session.info().product;
        let exists = session.execute(&self.existence(product), &[]).await?;
        if exists
            .results
            .first()
            .is_none_or(|result| result.rows.is_empty())
        {
            return Ok(None);
        }
        let outcome = session
            .execute(
                &format!("SELECT version_num FROM {}", self.quoted(product)),
                &[],
            )
            .await?;
        let rows = outcome
            .results
            .into_iter()
            .next()
            .map(|result| result.rows)
            .unwrap_or_default();
        rows.into_iter()
            .map(|row| match row.into_iter().next() {
                Some(Value::Text(text)) => Ok(text),
                other => Err(DbError::VersionRow {
                    table: self.name.clone(),
                    value: match other {
                        None | Some(Value::Null) => "NULL".into(),
                        Some(other) => format!("{other:?}"),
                    },
                }),
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Returns SQLAlchemy's query for the table's existence, which yields a row if the table exists.
    fn existence(&self, product: Product) -> String {
        let literal = |text: &str| literal(product, text);
        let name = literal(&self.name);
        match (product, &self.schema) {
            (Product::Postgresql, None) => format!(
                "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relname = {name} AND c.relkind IN ('r', 'p', 'f', 'v', 'm') \
                 AND pg_catalog.pg_table_is_visible(c.oid) AND n.nspname <> 'pg_catalog'"
            ),
            (Product::Postgresql, Some(schema)) => format!(
                "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relname = {name} AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname = {}",
                literal(schema)
            ),
            (Product::Sqlite, schema) => {
                let schema = schema.as_deref().unwrap_or("main");
                format!(
                    "SELECT 1 FROM \"{}\".sqlite_master WHERE type IN ('table', 'view') AND lower(name) = lower({name})",
                    schema.replace('"', "\"\"")
                )
            }
            (Product::Mysql | Product::Mariadb, schema) => {
                let schema = schema
                    .as_deref()
                    .map_or_else(|| "DATABASE()".to_owned(), literal);
                format!(
                    "SELECT 1 FROM information_schema.tables WHERE table_schema = {schema} AND table_name = {name}"
                )
            }
        }
    }

    fn quoted(&self, product: Product) -> String {
        let quote = |name: &str| match product {
            Product::Mysql | Product::Mariadb => format!("`{}`", name.replace('`', "``")),
            Product::Postgresql | Product::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        };
        match &self.schema {
            Some(schema) => format!("{}.{}", quote(schema), quote(&self.name)),
            None => quote(&self.name),
        }
    }
}

/// Returns a string literal that has the same value under every setting of a session.
fn literal(product: Product, text: &str) -> String {
    let quoted = format!("'{}'", text.replace('\'', "''"));
    match product {
        _ if !text.contains('\\') => quoted,
        Product::Sqlite => quoted,
        Product::Postgresql => format!("E{}", quoted.replace('\\', "\\\\")),
        Product::Mysql | Product::Mariadb => {
            let bytes = text.bytes().map(|byte| format!("{byte:02x}"));
            format!("_utf8mb4 x'{}'", bytes.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::literal;
    use crate::Product;

    #[test]
    fn quotes_literals_independently_of_session_settings() {
        let check = |product, text: &str, expected: &str| {
            assert_eq!(literal(product, text), expected);
        };
        for product in [Product::Postgresql, Product::Mysql, Product::Sqlite] {
            check(product, "it's", "'it''s'");
        }
        check(Product::Postgresql, "a\\'b", "E'a\\\\''b'");
        check(Product::Sqlite, "a\\b", "'a\\b'");
        check(Product::Mariadb, "a\\b", "_utf8mb4 x'615c62'");
    }
}
