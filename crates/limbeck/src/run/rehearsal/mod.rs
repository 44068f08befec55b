//! A run that is undone: all of it happens in one transaction, which is rolled back at its end.
//!
//! What the environment takes for its transactions are savepoints of ours.

mod control;
mod schema;

use limbeck_db::{DbError, Outcome, Product, ResultSet, Session, TransactionStatus, VersionTable};

use self::control::{Control, control};
pub use self::schema::Loss;
use self::schema::Schema;

const BEGIN: &str = "SAVEPOINT limbeck_rehearsal";
const COMMIT: &str = "RELEASE SAVEPOINT limbeck_rehearsal";
const ROLLBACK: &str =
    "ROLLBACK TO SAVEPOINT limbeck_rehearsal; RELEASE SAVEPOINT limbeck_rehearsal";

/// What a rehearsed run would have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rehearsed {
    /// Its statements, in order; those that only read are left out.
    pub statements: Vec<RehearsedStatement>,
    /// What would be lost.
    pub losses: Vec<Loss>,
}

/// A statement of a rehearsed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsedStatement {
    /// The revision whose step sent it; none between steps, where Alembic changes the version rows.
    pub revision: Option<String>,
    /// Its text.
    pub sql: String,
}

/// A session whose work is undone.
#[derive(Debug)]
pub(super) struct Rehearsal {
    before: Schema,
    /// Whether the environment believes that it is in a transaction.
    begun: bool,
    statements: Vec<RehearsedStatement>,
    losses: Vec<Loss>,
}

/// The step that a statement belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct InStep<'a> {
    /// Its revision.
    pub(super) revision: &'a str,
    /// The table of the version rows, once it is known.
    pub(super) versions: Option<&'a VersionTable>,
}

/// What the caller is to do with a request.
pub(super) enum Admitted {
    /// Run it.
    Run,
    /// It has been answered.
    Answered(Outcome),
}

impl Rehearsal {
    /// Opens the transaction and looks at what is there.
    pub(super) async fn begin(session: &mut Session) -> Result<Self, DbError> {
        match session.info().product {
            Product::Postgresql => {
                // Who waits for a lock of the application's keeps others waiting who come after.
                session
                    .execute("BEGIN; SET LOCAL lock_timeout = '5s'", &[])
                    .await?;
            }
            Product::Sqlite => {
                session.execute("BEGIN", &[]).await?;
            }
            Product::Mysql | Product::Mariadb => {
                return Err(refuse(
                    "the server commits each change of the schema by itself",
                ));
            }
        }
        Ok(Self {
            before: Schema::read(session).await?,
            begun: false,
            statements: Vec::new(),
            losses: Vec::new(),
        })
    }

    /// Does what is asked of transactions, and refuses what could end ours.
    pub(super) async fn admit(
        &mut self,
        session: &mut Session,
        before: &mut Vec<String>,
        sql: &str,
        script: bool,
    ) -> Result<Admitted, DbError> {
        if script {
            return Err(refuse("`executescript` commits"));
        }
        for statement in std::mem::take(before) {
            match control(&statement) {
                Control::Begin => self.set_begun(session, true).await?,
                Control::None => before.push(statement),
                _ => return Err(refuse("the transaction is ended by the driver")),
            }
        }
        let tag = match control(sql) {
            Control::None => return Ok(Admitted::Run),
            Control::Begin => {
                self.set_begun(session, true).await?;
                "BEGIN"
            }
            Control::Commit => {
                self.set_begun(session, false).await?;
                "COMMIT"
            }
            Control::Rollback => {
                self.close(session).await?;
                "ROLLBACK"
            }
            Control::Other => {
                return Err(refuse("a statement of the script ends its transaction"));
            }
        };
        let result = ResultSet {
            tag: tag.to_owned(),
            ..ResultSet::default()
        };
        Ok(Admitted::Answered(Outcome {
            results: vec![result],
            notices: Vec::new(),
        }))
    }

    async fn set_begun(&mut self, session: &mut Session, begun: bool) -> Result<(), DbError> {
        if begun != self.begun {
            self.begun = begun;
            run_each(session, if begun { BEGIN } else { COMMIT }).await?;
        }
        Ok(())
    }

    /// The environment closes its connection: what it has not committed is undone.
    pub(super) async fn close(&mut self, session: &mut Session) -> Result<(), DbError> {
        if self.begun {
            self.begun = false;
            run_each(session, ROLLBACK).await?;
        }
        Ok(())
    }

    /// What the environment is told of its transaction.
    pub(super) fn status(&self, session: &Session) -> TransactionStatus {
        match session.transaction_status() {
            TransactionStatus::Failed => TransactionStatus::Failed,
            _ if self.begun => TransactionStatus::Open,
            _ => TransactionStatus::Idle,
        }
    }

    /// Notes a statement that went well.
    pub(super) fn note(
        &mut self,
        session: &Session,
        sql: &str,
        step: Option<InStep<'_>>,
        outcome: &Outcome,
    ) -> Result<(), DbError> {
        if session.transaction_status() == TransactionStatus::Idle {
            // Nothing that is known does this past `admit`.
            return Err(DbError::Protocol(
                "a rehearsed statement has ended the transaction: look at what is in the database"
                    .into(),
            ));
        }
        let word = control::first_word(sql);
        if ["SELECT", "SHOW", "PRAGMA", "SET", "EXPLAIN"].contains(&word.as_str()) {
            return Ok(());
        }
        if let Some(InStep { revision, versions }) = step {
            let deleted = outcome.results.iter().filter_map(|result| result.affected);
            let deleted: u64 = deleted.sum();
            // A step that merges, or comes to a base, takes version rows away: nobody's data.
            let of_versions = versions.is_some_and(|table| deletes_from(sql, table));
            if word == "DELETE" && deleted > 0 && !of_versions {
                self.losses.push(Loss::Rows {
                    revision: revision.to_owned(),
                    rows: Some(deleted),
                });
            } else if word == "TRUNCATE" {
                self.losses.push(Loss::Rows {
                    revision: revision.to_owned(),
                    rows: None,
                });
            }
        }
        self.statements.push(RehearsedStatement {
            revision: step.map(|step| step.revision.to_owned()),
            sql: sql.to_owned(),
        });
        Ok(())
    }

    /// Undoes everything, and says what it would have been.
    pub(super) async fn end(mut self, session: &mut Session) -> Result<Rehearsed, DbError> {
        let after = match session.transaction_status() {
            TransactionStatus::Failed => None,
            _ => Some(Schema::read(session).await?),
        };
        session.execute("ROLLBACK", &[]).await?;
        if let Some(after) = after {
            self.losses
                .extend(self.before.losses(&after, session).await?);
        }
        Ok(Rehearsed {
            statements: self.statements,
            losses: self.losses,
        })
    }
}

/// Whether it is Alembic's own statement that takes a version row away.
fn deletes_from(sql: &str, table: &VersionTable) -> bool {
    let Some(rest) = sql.trim_start().strip_prefix("DELETE FROM ") else {
        return false;
    };
    let name = match &table.schema {
        Some(schema) => format!("{schema}.{}", table.name),
        None => table.name.clone(),
    };
    // Quotes are there where a name needs them.
    let rest = rest.replace(['"', '`'], "");
    rest.strip_prefix(&name)
        .is_some_and(|rest| rest.starts_with(" WHERE "))
}

/// SQLite takes one statement at a time.
async fn run_each(session: &mut Session, sql: &str) -> Result<(), DbError> {
    for statement in sql.split("; ") {
        session.execute(statement, &[]).await?;
    }
    Ok(())
}

fn refuse(why: &str) -> DbError {
    DbError::Unsupported(format!("this can't be rehearsed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_rows_are_known() {
        let plain = VersionTable::default();
        let odd = VersionTable {
            name: "My versions".into(),
            schema: Some("Other".into()),
        };
        for (sql, table, expected) in [
            (
                "DELETE FROM alembic_version WHERE alembic_version.version_num = 'a1'",
                &plain,
                true,
            ),
            (
                "DELETE FROM \"Other\".\"My versions\" WHERE \"Other\".\"My versions\".version_num = 'a1'",
                &odd,
                true,
            ),
            ("DELETE FROM alembic_version WHERE true", &odd, false),
            ("DELETE FROM alembic_version_old WHERE true", &plain, false),
            ("DELETE FROM orders WHERE id = 1", &plain, false),
            ("delete from alembic_version", &plain, false),
        ] {
            assert_eq!(deletes_from(sql, table), expected, "{sql}");
        }
    }
}
