//! Where the databases of a scenario are, and what a run does there.

use std::collections::BTreeMap;

use limbeck_testkit::{MariaDb, Postgres, Tls};

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
    /// The same on a MariaDB server.
    MariaDb {
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
        /// How much of the server's log belongs to earlier runs.
        logged: usize,
    },
    MariaDb {
        server: Box<MariaDb>,
        real: &'static str,
        ours: &'static str,
    },
}

impl On {
    pub(crate) fn start(self) -> Database {
        match self {
            Self::Sqlite => Database::Sqlite,
            Self::Postgres { real, ours } => {
                let server = Postgres::start(Tls::Off);
                server.create_database("real");
                server.create_database("ours");
                for setting in ["log_line_prefix = '%d %p '", "log_statement = 'all'"] {
                    server.sql("postgres", &format!("alter system set {setting}"));
                }
                server.sql("postgres", "select pg_reload_conf()");
                Database::Postgres {
                    server: Box::new(server),
                    real,
                    ours,
                    logged: 0,
                }
            }
            Self::MariaDb { real, ours } => {
                let server = MariaDb::start();
                server.create_database("real");
                server.create_database("ours");
                Database::MariaDb {
                    server: Box::new(server),
                    real,
                    ours,
                }
            }
        }
    }
}

impl Database {
    /// The URL for the real tool, or for limbeck.
    pub(crate) fn url(&self, for_real: bool) -> String {
        match self {
            Self::Sqlite => "sqlite:///test.db".to_owned(),
            Self::MariaDb { server, real, ours } => {
                if for_real {
                    server.url(real, "real")
                } else {
                    server.url(ours, "ours")
                }
            }
            Self::Postgres {
                server, real, ours, ..
            } => {
                let (scheme, query) = if for_real { real } else { ours }
                    .split_once('?')
                    .map_or((if for_real { *real } else { *ours }, ""), |parts| parts);
                let query = if query.is_empty() {
                    String::new()
                } else {
                    format!("?{query}")
                };
                server.url(scheme, if for_real { "real" } else { "ours" }, &query)
            }
        }
    }

    /// The schema and the version rows that a run left on the server, and the statements with which it did so.
    pub(crate) fn left(&mut self, by_real: bool) -> String {
        let name = if by_real { "real" } else { "ours" };
        let (server, logged) = match self {
            Self::Sqlite => return String::new(),
            Self::MariaDb { server, .. } => return server.dump_schema(name),
            Self::Postgres { server, logged, .. } => (server, logged),
        };
        let log = server.log();
        let mut left = statements(&log[*logged..], name).join("\n");
        left += "\n\n";
        left += &server.dump_schema(name);
        if left.contains("public.alembic_version") {
            left += "\n";
            left += &server.sql(name, "select version_num from alembic_version order by 1");
        }
        *logged = server.log().len();
        left
    }
}

/// The statements of the sessions that wrote to a database, without those that only look.
fn statements(log: &str, database: &str) -> Vec<String> {
    let mut sessions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    // A statement goes on in lines that begin with a tab.
    let log = log.replace("\n\t", "\t");
    for entry in log.lines() {
        let Some((session, message)) = entry
            .strip_prefix(database)
            .and_then(|rest| rest.trim_start().split_once(' '))
        else {
            continue;
        };
        let Some(statement) = message.strip_prefix("LOG:  statement: ").or_else(|| {
            let execute = message.strip_prefix("LOG:  execute ")?;
            Some(execute.split_once(": ")?.1)
        }) else {
            continue;
        };
        let words: Vec<&str> = statement.split_whitespace().collect();
        let statement = words.join(" ").trim_end_matches(';').to_owned();
        if !only_looks(&statement) {
            sessions.entry(session).or_default().push(statement);
        }
    }
    let mut kept = Vec::new();
    for statements in sessions.into_values() {
        let mut open: Vec<String> = Vec::new();
        for statement in statements {
            let ends = matches!(statement.as_str(), "ROLLBACK" | "COMMIT");
            if ends && open.last().is_some_and(|last| last.starts_with("BEGIN")) {
                open.pop();
            } else {
                open.push(statement);
            }
        }
        // The lock's session does nothing but stay in its transaction.
        if open.iter().any(|statement| !statement.starts_with("BEGIN")) {
            kept.extend(open);
        }
    }
    kept
}

/// Whether a statement asks for the server's state or the version rows.
fn only_looks(statement: &str) -> bool {
    let lower = statement.to_lowercase();
    lower.starts_with("show ")
        || lower.starts_with("set ")
        || (lower.starts_with("select ")
            && ["pg_", "current_schema", "alembic_version", "version()"]
                .iter()
                .any(|name| lower.contains(name)))
        || lower.starts_with("savepoint \"_pg3")
        || lower.starts_with("release \"_pg3")
}
