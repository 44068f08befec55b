//! A dry run: everything happens in one transaction, which is rolled back at the end.
//!
//! The transactions that `env.py` begins are savepoints inside it.

mod schema;

use limbeck_db::{DbError, Effect, Outcome, Product, ResultSet, Session, TransactionStatus};
use limbeck_script::worker::{ExecuteRequest, Role};

pub use self::schema::Loss;
use self::schema::Schema;
use super::transaction_control::{Control, control};

const BEGIN: &str = "SAVEPOINT limbeck_dry_run";
const COMMIT: &str = "RELEASE SAVEPOINT limbeck_dry_run";
const ROLLBACK: &str = "ROLLBACK TO SAVEPOINT limbeck_dry_run; RELEASE SAVEPOINT limbeck_dry_run";

/// Checks PostgreSQL's deferred constraints, as a commit does. The rollback restores what `SET CONSTRAINTS` changes.
const CHECK_CONSTRAINTS: &str = "SAVEPOINT limbeck_check; SET CONSTRAINTS ALL IMMEDIATE; \
     ROLLBACK TO SAVEPOINT limbeck_check; RELEASE SAVEPOINT limbeck_check";

/// The reason for a refusal once the outer transaction is gone.
const LOST: &str = "a statement ended the transaction or removed its guard";

/// The result of a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DryRunReport {
    /// The statements that would change the database, in order.
    pub statements: Vec<DryRunStatement>,
    /// The data that would be lost.
    pub losses: Vec<Loss>,
}

/// A statement of a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRunStatement {
    /// The revision whose step sent the statement; `None` between steps.
    pub revision: Option<String>,
    /// The statement's text.
    pub sql: String,
}

/// A session whose work is rolled back at the end.
#[derive(Debug)]
pub(super) struct DryRun {
    schema_before: Schema,
    /// `true` if `env.py` has begun a transaction.
    in_transaction: bool,
    statements: Vec<DryRunStatement>,
    losses: Vec<Loss>,
}

/// The decision about a statement.
pub(super) enum Admission {
    /// The statement may run.
    Run,
    /// The dry run has answered the statement itself.
    Answered(Outcome),
}

impl DryRun {
    /// Begins the transaction and reads the schema.
    pub(super) async fn begin(session: &mut Session) -> Result<Self, DbError> {
        match session.info().product {
            Product::Postgresql => {
                session.begin_without_commit().await?;
                // A statement that waits for a lock of the application makes others wait behind it.
                session
                    .execute("SET LOCAL lock_timeout = '5s'", &[])
                    .await?;
            }
            Product::Sqlite => session.begin_without_commit().await?,
            Product::Mysql | Product::Mariadb => {
                return Err(refuse(
                    "the server commits each change of the schema by itself",
                ));
            }
        }
        Ok(Self {
            schema_before: Schema::read(session).await?,
            in_transaction: false,
            statements: Vec::new(),
            losses: Vec::new(),
        })
    }

    /// Replaces transaction control by savepoints, and refuses what could end the outer transaction.
    pub(super) async fn admit(
        &mut self,
        session: &mut Session,
        request: &mut ExecuteRequest,
    ) -> Result<Admission, DbError> {
        if request.script {
            return Err(refuse("`executescript` commits"));
        }
        let effect = control(&request.sql);
        let ends = matches!(effect, Control::Commit | Control::Rollback);
        if session.transaction_status() == TransactionStatus::Idle && !ends {
            return Err(refuse(LOST));
        }
        for statement in std::mem::take(&mut request.before) {
            match control(&statement) {
                Control::Begin => self.set_in_transaction(session, true).await?,
                Control::None | Control::Session => request.before.push(statement),
                _ => return Err(refuse("the driver ends the transaction")),
            }
        }
        let tag = match effect {
            Control::None | Control::Session => return Ok(Admission::Run),
            Control::Begin => {
                self.set_in_transaction(session, true).await?;
                "BEGIN"
            }
            Control::Commit => {
                self.set_in_transaction(session, false).await?;
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
        Ok(Admission::Answered(Outcome {
            results: vec![result],
            notices: Vec::new(),
        }))
    }

    async fn set_in_transaction(
        &mut self,
        session: &mut Session,
        begin: bool,
    ) -> Result<(), DbError> {
        if begin != self.in_transaction {
            if !begin && session.info().product == Product::Postgresql {
                self.run_each(session, CHECK_CONSTRAINTS).await?;
            }
            self.in_transaction = begin;
            self.run_each(session, if begin { BEGIN } else { COMMIT })
                .await?;
        }
        Ok(())
    }

    /// Runs statements one by one, as SQLite requires. Does nothing if a refused commit has ended the outer transaction.
    async fn run_each(&self, session: &mut Session, sql: &str) -> Result<(), DbError> {
        if session.transaction_status() != TransactionStatus::Idle {
            for statement in sql.split("; ") {
                session.execute(statement, &[]).await?;
            }
        }
        Ok(())
    }

    /// Undoes what `env.py` has not committed, as closing its connection does.
    pub(super) async fn close(&mut self, session: &mut Session) -> Result<(), DbError> {
        if self.in_transaction {
            self.in_transaction = false;
            self.run_each(session, ROLLBACK).await?;
        }
        Ok(())
    }

    /// Returns the status of the transaction that `env.py` has begun.
    pub(super) fn status(&self, session: &Session) -> TransactionStatus {
        match session.transaction_status() {
            TransactionStatus::Failed => TransactionStatus::Failed,
            _ if self.in_transaction => TransactionStatus::Open,
            _ => TransactionStatus::Idle,
        }
    }

    /// Returns the error of a statement as the user understands it.
    pub(super) fn explain(error: DbError) -> DbError {
        match error {
            DbError::CommitForbidden => refuse("a statement commits"),
            error => error,
        }
    }

    /// Records a statement that succeeded. `revision` is the running step's.
    pub(super) async fn record(
        &mut self,
        session: &mut Session,
        request: &ExecuteRequest,
        revision: Option<&str>,
        outcome: &Outcome,
    ) -> Result<(), DbError> {
        // `admit` refuses what is known to end the transaction, and the database refuses to commit. A script's text may
        // still roll back in a way that `admit` does not understand.
        let is_guarded = request.role != Role::Script || session.is_commit_forbidden().await?;
        if session.transaction_status() == TransactionStatus::Idle || !is_guarded {
            return Err(refuse(LOST));
        }
        let results = &outcome.results;
        if results.iter().all(|result| result.effect == Effect::None) {
            return Ok(());
        }
        // Alembic deletes version rows when a step merges branches or leads to a base. They are not data.
        if let Some(revision) = revision
            && request.role != Role::Version
        {
            let deleted = |result: &ResultSet| match (result.effect, result.affected) {
                (Effect::Delete, Some(rows)) if rows > 0 => Some(Some(rows)),
                (Effect::Truncate, _) => Some(None),
                _ => None,
            };
            self.losses
                .extend(results.iter().filter_map(deleted).map(|rows| Loss::Rows {
                    revision: revision.to_owned(),
                    rows,
                }));
        }
        self.statements.push(DryRunStatement {
            revision: revision.map(str::to_owned),
            sql: request.sql.clone(),
        });
        Ok(())
    }

    /// Rolls everything back and returns the report.
    pub(super) async fn end(mut self, session: &mut Session) -> Result<DryRunReport, DbError> {
        let after = match session.transaction_status() {
            TransactionStatus::Idle => return Err(refuse(LOST)),
            TransactionStatus::Failed => None,
            TransactionStatus::Open => Some(Schema::read(session).await?),
        };
        session.allow_commits().await?;
        if let Some(after) = after {
            self.losses
                .extend(self.schema_before.losses(&after, session).await?);
        }
        Ok(DryRunReport {
            statements: self.statements,
            losses: self.losses,
        })
    }
}

fn refuse(why: &str) -> DbError {
    DbError::Unsupported(format!("this can't be run as a dry run: {why}"))
}
