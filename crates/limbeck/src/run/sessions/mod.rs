//! The sessions that the worker opened, and the statements that run on them.

mod connect;
mod copy;
mod errors;

use std::collections::BTreeMap;

use limbeck_db::{
    ConnectArgs, ConnectOptions, DbError, FunctionCall, FunctionCallSender, Outcome, Product,
    ResultSet, ServerInfo, Session, TransactionStatus, Value,
};
use limbeck_script::worker::{BuiltInFunction, ExecuteRequest, Extended, FunctionRequest};
use limbeck_url::DatabaseUrl;
use serde_json::Value as Json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::version_probe::OpenSession;

pub(super) use self::copy::{CopyProgress, CopyStep, RunningCopy};
pub(super) use self::errors::{DatabaseError, DatabaseErrors, RefusedStatement};
use super::dry_run::{Admission, DryRun, DryRunReport};
use super::interrupt::Interrupt;
use super::watchdog::Watchdog;
use super::wire::value_from_json;

/// The open sessions of a run, by the number that the worker knows them by.
#[derive(Debug)]
pub(super) struct Sessions {
    open: BTreeMap<u32, OpenedSession>,
    last: u32,
    calls: FunctionCallSender,
    /// The session that the version probe left, for the first request with the same URL.
    probed: Option<OpenSession>,
    /// `true` if all sessions roll back their work at the end.
    dry_run: bool,
    /// The signals that interrupt a statement while it blocks the thread of the run; `None` if no statement may block it.
    watched: Option<Interrupt>,
}

/// An open session.
#[derive(Debug)]
pub(super) struct OpenedSession {
    session: Session,
    pub(super) options: ConnectOptions,
    dry_run: Option<DryRunSession>,
    /// The COPY that is running.
    copy: Option<RunningCopy>,
    /// `true` if the version probe opened the session.
    pub(super) from_probe: bool,
    _watchdog: Option<Watchdog>,
}

/// The dry run of a session.
#[derive(Debug)]
struct DryRunSession {
    dry_run: DryRun,
    url: DatabaseUrl,
    arguments: ConnectArgs,
    /// `true` if `env.py` closed the session. The next request with the same destination reopens it.
    is_closed: bool,
}

impl Sessions {
    /// Creates an empty set of sessions. The receiver yields the calls of Python functions that statements make.
    pub(super) fn new(
        probed: Option<OpenSession>,
        dry_run: bool,
        watched: Option<Interrupt>,
    ) -> (Self, UnboundedReceiver<FunctionCall>) {
        let (calls, receiver) = unbounded_channel();
        let sessions = Self {
            open: BTreeMap::new(),
            last: 0,
            calls,
            probed,
            dry_run,
            watched,
        };
        (sessions, receiver)
    }

    /// Returns the options of the session that the version probe left.
    pub(super) fn probed_options(&self) -> Option<&ConnectOptions> {
        self.probed.as_ref().map(|probed| &probed.options)
    }

    /// Returns an open session.
    ///
    /// # Errors
    /// [`DbError::Unsupported`] if the worker has closed it.
    pub(super) fn get(&self, number: u32) -> Result<&OpenedSession, DbError> {
        self.open.get(&number).ok_or_else(|| closed(number))
    }

    fn get_mut(&mut self, number: u32) -> Result<&mut OpenedSession, DbError> {
        self.open.get_mut(&number).ok_or_else(|| closed(number))
    }

    /// Runs a statement and returns its outcome with the transaction status after it. `revision` is the running step's.
    pub(super) async fn execute(
        &mut self,
        request: &mut ExecuteRequest,
        revision: Option<&str>,
    ) -> Result<(Outcome, TransactionStatus), DbError> {
        let opened = self.get_mut(request.connection)?;
        let session = &mut opened.session;
        if let Some(DryRunSession { dry_run, .. }) = &mut opened.dry_run
            && let Admission::Answered(outcome) = dry_run.admit(session, request).await?
        {
            return Ok((outcome, dry_run.status(session)));
        }
        let outcome = run_statement(session, request).await;
        let outcome = outcome.map_err(|error| opened.explain(error))?;
        opened.record(request, revision, &outcome).await?;
        Ok((outcome, opened.status()))
    }

    /// Returns the database of the first open session.
    pub(super) fn product(&self) -> Option<Product> {
        let first = self.open.values().next()?;
        Some(first.info().product)
    }

    /// Returns `true` if a session has an open transaction, which ends with the session.
    pub(super) fn has_transaction(&self) -> bool {
        self.open
            .values()
            .any(|opened| opened.session.transaction_status() != TransactionStatus::Idle)
    }

    /// Registers a Python function that SQL may call.
    pub(super) async fn register(&mut self, request: &FunctionRequest) -> Result<(), DbError> {
        let calls = self.calls.clone();
        let session = &mut self.get_mut(request.connection)?.session;
        match request.built_in {
            Some(BuiltInFunction::MathFloor) => session.define_floor().await,
            None => {
                let FunctionRequest {
                    name,
                    arguments,
                    deterministic,
                    ..
                } = request;
                session
                    .register_function(name, *arguments, *deterministic, calls)
                    .await
            }
        }
    }

    /// Closes a session; an open transaction is rolled back.
    pub(super) async fn close(&mut self, number: u32) -> Result<(), DbError> {
        if let Ok(OpenedSession {
            session,
            dry_run: Some(dry),
            ..
        }) = self.get_mut(number)
        {
            dry.is_closed = true;
            return dry.dry_run.close(session).await;
        }
        match self.open.remove(&number) {
            Some(opened) => match opened.session.close().await {
                // A lost session is closed.
                Err(DbError::ConnectionLost(_)) => Ok(()),
                closed => closed,
            },
            None => Ok(()),
        }
    }

    /// Rolls back the work of a dry run and returns its report.
    pub(super) async fn end_dry_run(&mut self) -> Result<DryRunReport, DbError> {
        let mut report = DryRunReport::default();
        for opened in self.open.values_mut() {
            if let Some(DryRunSession { dry_run, .. }) = opened.dry_run.take() {
                let DryRunReport { statements, losses } = dry_run.end(&mut opened.session).await?;
                report.statements.extend(statements);
                report.losses.extend(losses);
            }
        }
        Ok(report)
    }

    /// Closes all sessions. The server rolls back what a session has left open, even if closing it fails.
    pub(super) async fn close_all(&mut self) {
        while let Some((_, opened)) = self.open.pop_first() {
            let _ = opened.session.close().await;
        }
        if let Some(probed) = self.probed.take() {
            let _ = probed.close().await;
        }
    }
}

impl OpenedSession {
    /// Returns what the server reported when the session was opened.
    pub(super) fn info(&self) -> &ServerInfo {
        self.session.info()
    }

    /// Returns a handle that cancels the running statement.
    pub(super) fn canceller(&self) -> limbeck_db::Canceller {
        self.session.canceller()
    }

    /// Returns the transaction status as the worker sees it.
    pub(super) fn status(&self) -> TransactionStatus {
        match &self.dry_run {
            Some(DryRunSession { dry_run, .. }) => dry_run.status(&self.session),
            None => self.session.transaction_status(),
        }
    }
}

async fn run_statement(
    session: &mut Session,
    request: &mut ExecuteRequest,
) -> Result<Outcome, DbError> {
    let before: Vec<&str> = request.before.iter().map(String::as_str).collect();
    if request.script {
        session.execute_script(&request.sql).await
    } else if let Some(many) = request.many.take() {
        let rows = many.into_iter().map(values);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        session.execute_many(&before, &request.sql, &rows).await
    } else if let Some(extended) = request.extended.take() {
        for statement in &before {
            session.execute(statement, &[]).await?;
        }
        run_extended(session, request, extended).await
    } else {
        let parameters = values(request.parameters.take().unwrap_or_default())?;
        session
            .execute_after(&before, &request.sql, &parameters)
            .await
    }
}

async fn run_extended(
    session: &mut Session,
    request: &mut ExecuteRequest,
    extended: Extended,
) -> Result<Outcome, DbError> {
    let types = match extended {
        Extended::BinaryParameters(types) => types,
        Extended::ParameterTypes => {
            let types = session.parameter_types(&request.sql).await?;
            let types = types.into_iter().map(|oid| Value::Integer(oid.into()));
            let result = ResultSet {
                rows: vec![types.collect()],
                ..ResultSet::default()
            };
            return Ok(Outcome {
                results: vec![result],
                notices: Vec::new(),
            });
        }
    };
    let values = values(request.parameters.take().unwrap_or_default())?;
    let parameters: Option<Vec<(u32, &[u8])>> = types
        .iter()
        .zip(&values)
        .map(|(oid, value)| match value {
            Value::Blob(bytes) => Some((*oid, bytes.as_slice())),
            _ => None,
        })
        .collect();
    let parameters = parameters.ok_or_else(|| {
        DbError::Unsupported("a parameter in binary form is not a value of bytes".into())
    })?;
    session.execute_binary(&request.sql, &parameters).await
}

fn closed(number: u32) -> DbError {
    DbError::Unsupported(format!("connection {number} is closed"))
}

fn values(row: Vec<Json>) -> Result<Vec<Value>, DbError> {
    let value = |json| {
        value_from_json(json).ok_or_else(|| {
            DbError::Unsupported("a parameter is not a number, text, bytes or null".into())
        })
    };
    row.into_iter().map(value).collect()
}
