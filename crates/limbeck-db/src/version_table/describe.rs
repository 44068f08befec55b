//! The catalogs' description of the version table: schema, column type, privileges.

use super::{VersionTable, literal};
use crate::{DbError, Product, Session, Value};

/// The catalogs' description of the version table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTableDescription {
    /// The table's schema, or `SQLite`'s database, usually `main`.
    pub schema: String,
    /// The type of `version_num` as the server writes it; `None` if the column does not exist.
    pub column_type: Option<String>,
    /// The maximum length of `version_num` in characters; `None` if it has no limit.
    pub width: Option<u32>,
    /// `PostgreSQL`: the privileges that a migration needs on the table. Empty for the other servers, which have no
    /// function to check them.
    pub privileges: Vec<Privilege>,
}

/// A privilege on the version table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privilege {
    /// The name, such as `INSERT`.
    pub name: &'static str,
    /// `true` if the user has this privilege.
    pub is_granted: bool,
}

/// The privileges on the version table that Alembic needs.
pub const VERSION_TABLE_PRIVILEGES: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

impl VersionTable {
    /// Reads the catalogs. Returns `None` if the table does not exist.
    ///
    /// # Errors
    /// Returns the errors of [`Session::execute`].
    pub async fn describe(
        &self,
        session: &mut Session,
    ) -> Result<Option<VersionTableDescription>, DbError> {
        let product = session.info().product;
        let query = self.description_query(product);
        let outcome = session.execute(&query, &[]).await?;
        let row = outcome
            .results
            .into_iter()
            .next()
            .and_then(|result| result.rows.into_iter().next());
        Ok(row.map(|row| {
            let text = |index: usize| match row.get(index) {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            };
            let column_type = text(1).map(str::to_owned);
            let width = match product {
                // SQLite ignores the declared length: it neither truncates nor refuses.
                Product::Sqlite => None,
                _ => text(2).and_then(|number| number.parse().ok()),
            };
            let privileges = VERSION_TABLE_PRIVILEGES
                .into_iter()
                .enumerate()
                .filter_map(|(index, name)| {
                    Some(Privilege {
                        name,
                        is_granted: text(index + 3)? == "t",
                    })
                })
                .collect();
            VersionTableDescription {
                schema: text(0).unwrap_or_default().to_owned(),
                column_type,
                width,
                privileges,
            }
        }))
    }

    /// Returns a query that yields schema, type, width and privileges if the table exists.
    fn description_query(&self, product: Product) -> String {
        let name = literal(product, &self.name);
        match (product, &self.schema) {
            (Product::Postgresql, schema) => {
                let condition = match schema {
                    None => {
                        "pg_catalog.pg_table_is_visible(c.oid) AND n.nspname <> 'pg_catalog'".into()
                    }
                    Some(schema) => format!("n.nspname = {}", literal(product, schema)),
                };
                let privileges = VERSION_TABLE_PRIVILEGES
                    .map(|name| format!("pg_catalog.has_table_privilege(c.oid, '{name}')"))
                    .join(", ");
                format!(
                    "SELECT n.nspname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
                     CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod > 4 THEN a.atttypmod - 4 END, {privileges} \
                     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
                     AND a.attname = 'version_num' AND NOT a.attisdropped \
                     WHERE c.relname = {name} AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND {condition}"
                )
            }
            (Product::Sqlite, schema) => {
                let schema = schema.as_deref().unwrap_or("main");
                format!(
                    "SELECT {}, (SELECT type FROM pragma_table_info(m.name) WHERE name = 'version_num') \
                     FROM \"{}\".sqlite_master m WHERE m.type IN ('table', 'view') AND lower(m.name) = lower({name})",
                    literal(product, schema),
                    schema.replace('"', "\"\"")
                )
            }
            (Product::Mysql | Product::Mariadb, schema) => {
                let schema = schema.as_deref().map_or_else(
                    || "DATABASE()".to_owned(),
                    |schema| literal(product, schema),
                );
                format!(
                    "SELECT t.table_schema, c.column_type, c.character_maximum_length \
                     FROM information_schema.tables t LEFT JOIN information_schema.columns c \
                     ON c.table_schema = t.table_schema AND c.table_name = t.table_name \
                     AND c.column_name = 'version_num' \
                     WHERE t.table_schema = {schema} AND t.table_name = {name}"
                )
            }
        }
    }
}
