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
    /// Another run held the migration lock for too long.
    OtherRun,
    /// The server or the file accepts no writes.
    ReadOnly,
    /// The user lacks a privilege.
    Privilege,
    /// The disk, the memory or another resource is exhausted.
    Resources,
    /// The file is no database, or a damaged one.
    Damaged,
}

impl Cause {
    /// Returns the cause of a failure.
    pub(super) fn of(failure: &Failure) -> Self {
        if failure.is_connection_lost || failure.connect.is_some() {
            return Self::ConnectionLost;
        }
        if failure.is_lock_timeout {
            return Self::OtherRun;
        }
        match &failure.statement {
            Some(FailedStatement { error, .. }) if error.code.starts_with("SQLITE_") => {
                Self::of_sqlite(&error.code, &error.message)
            }
            Some(FailedStatement { error, .. }) if error.number != 0 => {
                Self::of_mysql(error.number, &error.message)
            }
            Some(FailedStatement { error, .. }) => Self::of_postgresql(&error.code),
            None => Self::Script,
        }
    }

    /// Returns the cause of an SQLSTATE.
    fn of_postgresql(code: &str) -> Self {
        match code {
            "42P04" | "42P06" | "42P07" | "42701" | "42710" | "42723" => Self::AlreadyExists,
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
    fn of_mysql(number: u32, message: &str) -> Self {
        match number {
            1007 | 1022 | 1050 | 1060 | 1061 | 1068 | 1125 | 1304 | 1359 | 1537 | 1826 | 3822 => {
                Self::AlreadyExists
            }
            // A foreign key whose name exists.
            1005 if message.contains("errno: 121") => Self::AlreadyExists,
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
        let is_taken = message.ends_with("already exists")
            || message.starts_with("there is already ")
            || message.contains("duplicate column name: ");
        if is_taken {
            Self::AlreadyExists
        } else if is("SQLITE_BUSY") || is("SQLITE_LOCKED") {
            Self::Busy
        } else if is("SQLITE_READONLY") || is("SQLITE_CANTOPEN") || is("SQLITE_PERM") {
            Self::ReadOnly
        } else if is("SQLITE_FULL") || is("SQLITE_IOERR") || is("SQLITE_NOMEM") {
            Self::Resources
        } else if is("SQLITE_NOTADB") || is("SQLITE_CORRUPT") {
            Self::Damaged
        } else {
            Self::Script
        }
    }

    /// Returns `true` if the cause is outside the project's code, and the error itself has no next step.
    pub(super) fn is_outside(self, failure: &Failure) -> bool {
        let has_help = failure
            .connect
            .as_ref()
            .is_some_and(|connect| connect.hint.is_some());
        !has_help && !matches!(self, Self::Script | Self::AlreadyExists)
    }

    /// Returns the next step. `command` is the command line to run again, `place` what has to be fixed if it is at fault.
    pub(super) fn advice(self, place: &str, command: &str) -> String {
        match self {
            Self::Script => format!("fix {place}, then run `{command}` again"),
            Self::AlreadyExists => format!(
                "if an earlier run left the object, drop it; if the script creates it twice, fix {place}; then run `{command}` again"
            ),
            Self::ConnectionLost => {
                format!("run `{command}` again when the database can be reached")
            }
            Self::Busy => format!(
                "run `{command}` again when no other transaction is in the way, or with a longer time limit"
            ),
            Self::OtherRun => format!(
                "run `{command}` again when the other run has ended, or wait longer with --lock-wait"
            ),
            Self::ReadOnly => {
                format!("run `{command}` again with a database that can be written")
            }
            Self::Privilege => {
                format!(
                    "grant the user the missing privilege or ownership, then run `{command}` again"
                )
            }
            Self::Resources => {
                format!("free disk space or memory for the database, then run `{command}` again")
            }
            Self::Damaged => format!(
                "correct the file's name in the URL, or restore the database from a backup, then run `{command}` again"
            ),
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
            ("42P04", Cause::AlreadyExists),
            ("23505", Cause::Script),
            ("57P01", Cause::ConnectionLost),
            ("57014", Cause::Busy),
            ("53100", Cause::Resources),
            ("25006", Cause::ReadOnly),
            ("42501", Cause::Privilege),
        ] {
            assert_eq!(Cause::of_postgresql(code), expected, "{code}");
        }
        for (number, message, expected) in [
            (1050, "…", Cause::AlreadyExists),
            (
                1005,
                "… (errno: 121 \"Duplicate key\")",
                Cause::AlreadyExists,
            ),
            (1005, "… (errno: 150 \"Foreign key\")", Cause::Script),
            (1064, "…", Cause::Script),
            (1205, "…", Cause::Busy),
            (1290, "…", Cause::ReadOnly),
            (1142, "…", Cause::Privilege),
            (1021, "…", Cause::Resources),
            (2013, "…", Cause::ConnectionLost),
        ] {
            assert_eq!(Cause::of_mysql(number, message), expected, "{number}");
        }
        for (code, message, expected) in [
            (
                "SQLITE_ERROR",
                "table t already exists",
                Cause::AlreadyExists,
            ),
            (
                "SQLITE_ERROR",
                "there is already a table named t",
                Cause::AlreadyExists,
            ),
            (
                "SQLITE_ERROR",
                "error in table t after rename: duplicate column name: x",
                Cause::AlreadyExists,
            ),
            ("SQLITE_ERROR", "no such table: t", Cause::Script),
            ("SQLITE_NOTADB", "file is not a database", Cause::Damaged),
            ("SQLITE_BUSY", "database is locked", Cause::Busy),
            ("SQLITE_READONLY_DIRECTORY", "…", Cause::ReadOnly),
            ("SQLITE_FULL", "database or disk is full", Cause::Resources),
        ] {
            assert_eq!(Cause::of_sqlite(code, message), expected, "{code}");
        }
    }
}
