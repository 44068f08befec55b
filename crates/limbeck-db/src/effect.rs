//! The effect of a statement, as the database reports it.

/// The effect of a statement. It is derived from the database's answer, not from the statement's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Effect {
    /// The statement read or changed the session only, as far as the database reports it: a function that a `SELECT` calls
    /// may write.
    #[default]
    None,
    /// The statement deleted rows. SQLite reports it only in a transaction of
    /// [`begin_without_commit`](crate::Session::begin_without_commit); otherwise such a statement is a [`Write`](Self::Write).
    Delete,
    /// The statement emptied a table.
    Truncate,
    /// The statement changed the database in another way. MySQL and MariaDB don't distinguish, so there every statement
    /// that returns no rows counts, `SET` included.
    Write,
    /// The statement committed the transaction.
    Commit,
    /// The statement rolled the transaction back.
    Rollback,
}

impl Effect {
    /// Returns the effect of a statement with this `PostgreSQL` command tag. `CREATE TABLE AS` has the tag of a `SELECT`, but
    /// returns no rows.
    pub(crate) fn from_command_tag(tag: &str, returns_rows: bool) -> Self {
        match tag.split(' ').next().unwrap_or_default() {
            "SELECT" if !returns_rows => Self::Write,
            "DELETE" => Self::Delete,
            "TRUNCATE" => Self::Truncate,
            "COMMIT" => Self::Commit,
            "ROLLBACK" => Self::Rollback,
            "" | "BEGIN" | "START" | "SAVEPOINT" | "RELEASE" | "SELECT" | "VALUES" | "SHOW"
            | "SET" | "RESET" | "DISCARD" | "EXPLAIN" | "FETCH" | "MOVE" | "DECLARE" | "CLOSE"
            | "LISTEN" | "UNLISTEN" | "LOCK" | "PREPARE" | "DEALLOCATE" | "LOAD" | "CHECKPOINT" => {
                // PREPARE TRANSACTION makes the changes durable.
                if tag == "PREPARE TRANSACTION" {
                    Self::Commit
                } else {
                    Self::None
                }
            }
            _ => Self::Write,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Effect;

    #[test]
    fn reads_command_tags() {
        for (tag, expected) in [
            ("SET", Effect::None),
            ("BEGIN", Effect::None),
            ("ROLLBACK", Effect::Rollback),
            ("COMMIT", Effect::Commit),
            ("COMMIT PREPARED", Effect::Commit),
            ("PREPARE TRANSACTION", Effect::Commit),
            ("PREPARE", Effect::None),
            ("DELETE 0", Effect::Delete),
            ("TRUNCATE TABLE", Effect::Truncate),
            ("INSERT 0 1", Effect::Write),
            ("CREATE TABLE", Effect::Write),
            ("DO", Effect::Write),
            ("", Effect::None),
        ] {
            assert_eq!(Effect::from_command_tag(tag, false), expected, "{tag}");
        }
        assert_eq!(Effect::from_command_tag("SELECT 3", true), Effect::None);
        assert_eq!(Effect::from_command_tag("SELECT 3", false), Effect::Write);
    }
}
