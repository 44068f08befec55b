//! The cause of a failed statement, as far as it decides the next step.

use limbeck::{FailedStatement, Failure};

/// The cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The script, or nothing else is known.
    Script,
    /// The object that the script creates exists.
    AlreadyExists,
    /// The connection broke, or the server stopped.
    ConnectionLost,
    /// Another transaction was in the way, or a time limit was reached.
    Busy,
    /// The server or the file accepts no writes.
    ReadOnly,
    /// The user lacks a privilege.
    Privilege,
    /// The disk, the memory or another resource is exhausted.
    Resources,
}

impl Cause {
    /// Returns the cause of a failure.
    pub(super) fn of(failure: &Failure) -> Self {
        if failure.is_connection_lost || failure.connect.is_some() {
            return Self::ConnectionLost;
        }
        if failure.is_lock_timeout {
            return Self::Busy;
        }
        match &failure.statement {
            Some(FailedStatement { error, .. }) if error.code.starts_with("SQLITE_") => {
                Self::of_sqlite(&error.code, &error.message)
            }
            Some(FailedStatement { error, .. }) if error.number != 0 => {
                Self::of_mysql(error.number)
            }
            Some(FailedStatement { error, .. }) => Self::of_postgresql(&error.code),
            None => Self::Script,
        }
    }

    /// Returns the cause of an SQLSTATE.
    fn of_postgresql(code: &str) -> Self {
        match code {
            "42P07" | "42701" | "42710" | "42P06" | "42723" => Self::AlreadyExists,
            // Statements that a time limit or an administrator cancelled, deadlocks, and waits for a lock.
            "57014" | "55P03" | "40P01" | "40001" => Self::Busy,
            "25006" => Self::ReadOnly,
            "42501" => Self::Privilege,
            _ if code.starts_with("08") || code.starts_with("57P") => Self::ConnectionLost,
            _ if code.starts_with("53") || code.starts_with("58") => Self::Resources,
            _ => Self::Script,
        }
    }

    /// Returns the cause of an error number of MySQL or MariaDB.
    fn of_mysql(number: u32) -> Self {
        match number {
            1050 | 1060 | 1061 | 1826 => Self::AlreadyExists,
            1053 | 1927 | 2006 | 2013 => Self::ConnectionLost,
            1205 | 1213 | 1317 | 1969 | 3024 | 4031 => Self::Busy,
            1290 | 1792 | 1836 | 3098 => Self::ReadOnly,
            1044 | 1142 | 1143 | 1227 | 1370 => Self::Privilege,
            3 | 28 | 1021 | 1037 | 1038 | 1041 | 1114 => Self::Resources,
            _ => Self::Script,
        }
    }

    /// Returns the cause of a result code of `SQLite`, which has none for an object that exists.
    fn of_sqlite(code: &str, message: &str) -> Self {
        let is = |name: &str| code == name || code.starts_with(&format!("{name}_"));
        if message.ends_with("already exists") || message.starts_with("duplicate column name") {
            Self::AlreadyExists
        } else if is("SQLITE_BUSY") || is("SQLITE_LOCKED") {
            Self::Busy
        } else if is("SQLITE_READONLY") || is("SQLITE_CANTOPEN") || is("SQLITE_PERM") {
            Self::ReadOnly
        } else if is("SQLITE_FULL") || is("SQLITE_IOERR") || is("SQLITE_NOMEM") {
            Self::Resources
        } else {
            Self::Script
        }
    }

    /// Returns the next step after a failure of a revision. `command` is the command line to run again.
    pub(super) fn advice(self, revision: &str, command: &str) -> String {
        match self {
            Self::Script => format!("fix `{revision}`, then run `{command}` again"),
            Self::AlreadyExists => format!(
                "if an earlier run left the object, drop it; if the script creates it twice, fix `{revision}`; then run `{command}` again"
            ),
            Self::ConnectionLost => {
                format!("run `{command}` again when the database can be reached")
            }
            Self::Busy => format!(
                "run `{command}` again when no other transaction is in the way, or with a longer time limit"
            ),
            Self::ReadOnly => {
                format!("run `{command}` again with a database that can be written")
            }
            Self::Privilege => {
                format!("grant the user the missing privilege, then run `{command}` again")
            }
            Self::Resources => format!("free the resource, then run `{command}` again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn reads_the_codes_of_each_database() {
        for (code, expected) in [
            ("42P07", Cause::AlreadyExists),
            ("42P01", Cause::Script),
            ("57P01", Cause::ConnectionLost),
            ("57014", Cause::Busy),
            ("53100", Cause::Resources),
            ("25006", Cause::ReadOnly),
            ("42501", Cause::Privilege),
        ] {
            assert_eq!(Cause::of_postgresql(code), expected, "{code}");
        }
        for (number, expected) in [
            (1050, Cause::AlreadyExists),
            (1064, Cause::Script),
            (1205, Cause::Busy),
            (1290, Cause::ReadOnly),
            (1142, Cause::Privilege),
            (1021, Cause::Resources),
            (2013, Cause::ConnectionLost),
        ] {
            assert_eq!(Cause::of_mysql(number), expected, "{number}");
        }
        for (code, message, expected) in [
            (
                "SQLITE_ERROR",
                "table t already exists",
                Cause::AlreadyExists,
            ),
            ("SQLITE_ERROR", "no such table: t", Cause::Script),
            ("SQLITE_BUSY", "database is locked", Cause::Busy),
            ("SQLITE_READONLY_DIRECTORY", "…", Cause::ReadOnly),
            ("SQLITE_FULL", "database or disk is full", Cause::Resources),
        ] {
            assert_eq!(Cause::of_sqlite(code, message), expected, "{code}");
        }
    }
}
