//! Where the databases of a scenario are.

use limbeck_testkit::{Postgres, Tls};

/// The kind of database.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    /// A file in the project's folder, which is part of its files.
    Sqlite,
    /// A database for each of the two on one PostgreSQL server, over the URLs with these schemes.
    Postgres {
        real: &'static str,
        ours: &'static str,
    },
}

/// A started database.
pub(crate) enum Database {
    Sqlite,
    Postgres {
        server: Box<Postgres>,
        real: &'static str,
        ours: &'static str,
    },
}

impl On {
    pub(crate) fn start(self) -> Option<Database> {
        match self {
            Self::Sqlite => Some(Database::Sqlite),
            Self::Postgres { real, ours } => {
                let server = Postgres::start(Tls::Off)?;
                server.create_database("real");
                server.create_database("ours");
                Some(Database::Postgres {
                    server: Box::new(server),
                    real,
                    ours,
                })
            }
        }
    }
}

impl Database {
    /// The URL for the real tool, or for limbeck.
    pub(crate) fn url(&self, for_real: bool) -> String {
        match self {
            Self::Sqlite => "sqlite:///test.db".to_owned(),
            Self::Postgres { server, real, ours } => {
                let (scheme, query) = if for_real { real } else { ours }
                    .split_once('?')
                    .map_or((if for_real { *real } else { *ours }, ""), |parts| parts);
                let query = if query.is_empty() { String::new() } else { format!("?{query}") };
                server.url(scheme, if for_real { "real" } else { "ours" }, &query)
            }
        }
    }

    /// The schema, the version rows and the enumerations' values that a run left on the server.
    pub(crate) fn left(&mut self, by_real: bool) -> String {
        let Self::Postgres { server, .. } = self else {
            return String::new();
        };
        let name = if by_real { "real" } else { "ours" };
        let mut left = server.dump_schema(name);
        if left.contains("public.alembic_version") {
            left += "\n";
            left += &server.sql(name, "select version_num from alembic_version order by 1");
        }
        left
    }
}
