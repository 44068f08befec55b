//! The databases of a scenario, and the statements and state of a run.

use std::collections::BTreeMap;

use limbeck_testkit::{MariaDb, Postgres, Tls};

/// The database system of a scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    /// A SQLite file in the project's folder.
    Sqlite,
    /// A PostgreSQL server with a database for each program. `real` and `ours` are the URL schemes.
    Postgres {
        real: &'static str,
        ours: &'static str,
    },
    /// A MariaDB server with a database for each program.
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
        /// The length of the server's log before this run, in bytes.
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
    /// Returns the URL for real Alembic, or for limbeck.
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

    /// Returns the statements of a run, and the schema and version rows on the server after it.
    pub(crate) fn state(&mut self, by_real: bool) -> String {
        let name = if by_real { "real" } else { "ours" };
        let (server, logged) = match self {
            Self::Sqlite => return String::new(),
            Self::MariaDb { server, .. } => return server.dump_schema(name),
            Self::Postgres { server, logged, .. } => (server, logged),
        };
        let log = server.log();
        let mut state = statements(&log[*logged..], name).join("\n");
        state += "\n\n";
        state += &server.dump_schema(name);
        if state.contains("public.alembic_version") {
            state += "\n";
            state += &server.sql(name, "select version_num from alembic_version order by 1");
        }
        *logged = server.log().len();
        state
    }
}

/// Returns the statements of the sessions that wrote to a database, without statements that only read.
fn statements(log: &str, database: &str) -> Vec<String> {
    let mut sessions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    // Further lines of a statement start with a tab.
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
        if !only_reads(&statement) {
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
        // The lock's session only begins a transaction.
        if open.iter().any(|statement| !statement.starts_with("BEGIN")) {
            kept.extend(open);
        }
    }
    kept
}

/// Returns `true` if a statement only reads the server's state or the version rows.
fn only_reads(statement: &str) -> bool {
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
