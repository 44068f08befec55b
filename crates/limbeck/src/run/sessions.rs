//! The sessions that the worker asked for, and the errors that they met.

use std::collections::BTreeMap;

use limbeck_db::{
    ConnectArgs, ConnectErrorKind, ConnectOptions, DbError, FunctionCall, FunctionCallSender,
    Outcome, ProcessEnvironment, Product, Session, TransactionStatus,
};
use limbeck_script::worker::{
    BuiltInFunction, ConnectFailureReason, ConnectReply, ConnectRequest, ErrorKind, ErrorReply,
    ExecuteRequest, FunctionRequest, ServerProduct,
};
use serde_json::Value as Json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use limbeck_url::DatabaseUrl;

use crate::native::OpenSession;

use super::host::Interrupt;
use super::rehearsal::{Admitted, InStep, Rehearsal};
use super::watchdog::Watchdog;
use super::wire::{connect_args, database_url, server_error, session_status, value_from_json};

/// The open sessions of a run by the number that the worker knows them by.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: BTreeMap<u32, Open>,
    last: u32,
    errors: Vec<Met>,
    calls: Option<FunctionCallSender>,
    spare: Option<OpenSession>,
    /// Whether all that happens is undone in the end.
    rehearses: bool,
    /// What ends a statement that keeps the thread of the run; none where no statement may.
    watched: Option<Interrupt>,
}

/// An open session and what it was opened with.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) session: Session,
    pub(super) options: ConnectOptions,
    rehearsal: Option<Rehearsed>,
    /// Whether it is the session that a look has opened.
    pub(super) is_of_look: bool,
    _watchdog: Option<Watchdog>,
}

/// A session that is rehearsed with.
#[derive(Debug)]
struct Rehearsed {
    rehearsal: Rehearsal,
    url: DatabaseUrl,
    arguments: ConnectArgs,
    /// Whether the environment has closed it: to the next that asks for the same it is a new one.
    closed: bool,
}

/// An error that was handed to the worker, kept whole for the report.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) error: DbError,
    /// The statement that met it; none for a failure to connect.
    pub(super) sql: Option<String>,
    /// Where the session stood afterwards.
    pub(super) status: TransactionStatus,
}

impl Sessions {
    /// With a session for the first request that asks for the same.
    pub(super) fn new(
        spare: Option<OpenSession>,
        rehearses: bool,
        watched: Option<Interrupt>,
    ) -> Self {
        Self {
            spare,
            rehearses,
            watched,
            ..Self::default()
        }
    }

    /// Opens a session.
    pub(super) async fn connect(
        &mut self,
        request: ConnectRequest,
        process_environment: &ProcessEnvironment,
    ) -> Result<ConnectReply, DbError> {
        let url = database_url(request.url).map_err(|error| {
            DbError::Connect(limbeck_db::ConnectError {
                kind: ConnectErrorKind::Parameter,
                message: error.to_string(),
                hint: None,
            })
        })?;
        let arguments = connect_args(request.args)?;
        let options = ConnectOptions::from_url(&url, &arguments, process_environment)?;
        let spare = self
            .spare
            .take_if(|spare| arguments.is_empty() && spare.url == url);
        let is_of_look = spare.is_some();
        self.last += 1;
        let closed = self.open.iter().find_map(|(number, open)| {
            let rehearsed = open.rehearsal.as_ref()?;
            let same = rehearsed.url == url && rehearsed.arguments == arguments;
            (rehearsed.closed && same).then_some(*number)
        });
        let again = closed.and_then(|number| self.open.remove(&number));
        let (mut session, rehearsal) = match (again, spare) {
            (Some(open), _) => (open.session, open.rehearsal),
            (None, Some(spare)) => (spare.session, None),
            (None, None) if self.watched.is_some() => {
                (Session::open_on_caller_thread(&options).await?, None)
            }
            (None, None) => (Session::open(&options).await?, None),
        };
        let watchdog = match &self.watched {
            Some(interrupt) if session.info().product == Product::Sqlite => {
                let watchdog = Watchdog::start(session.canceller(), interrupt.clone());
                Some(watchdog.map_err(DbError::ConnectionLost)?)
            }
            _ => None,
        };
        let rehearsal = match rehearsal {
            Some(rehearsed) => Some(Rehearsed {
                closed: false,
                ..rehearsed
            }),
            None if self.rehearses => Some(Rehearsed {
                rehearsal: Rehearsal::begin(&mut session).await?,
                url,
                arguments,
                closed: false,
            }),
            None => None,
        };
        let info = session.info();
        let reply = ConnectReply {
            connection: self.last,
            product: match info.product {
                Product::Postgresql => ServerProduct::Postgresql,
                Product::Sqlite => ServerProduct::Sqlite,
                Product::Mysql => ServerProduct::Mysql,
                Product::Mariadb => ServerProduct::Mariadb,
            },
            version: info.version.clone(),
            parameters: info.parameters.clone(),
        };
        let open = Open {
            session,
            options,
            rehearsal,
            is_of_look,
            _watchdog: watchdog,
        };
        self.open.insert(self.last, open);
        Ok(reply)
    }

    /// An open session.
    pub(super) fn get(&mut self, number: u32) -> Option<&mut Open> {
        self.open.get_mut(&number)
    }

    /// Runs what the worker asked for.
    pub(super) async fn execute(
        &mut self,
        request: &mut ExecuteRequest,
        step: Option<InStep<'_>>,
    ) -> Result<(Outcome, TransactionStatus), DbError> {
        let Some(open) = self.open.get_mut(&request.connection) else {
            return Err(DbError::Unsupported(format!(
                "connection {} is closed",
                request.connection
            )));
        };
        let session = &mut open.session;
        if let Some(Rehearsed { rehearsal, .. }) = &mut open.rehearsal {
            let ExecuteRequest {
                before,
                sql,
                script,
                ..
            } = request;
            let admitted = rehearsal.admit(session, before, sql, *script).await?;
            if let Admitted::Answered(outcome) = admitted {
                return Ok((outcome, rehearsal.status(session)));
            }
        }
        let before: Vec<&str> = request.before.iter().map(String::as_str).collect();
        let outcome = if request.script {
            session.execute_script(&request.sql).await?
        } else if let Some(many) = request.many.take() {
            let rows = many
                .into_iter()
                .map(values)
                .collect::<Result<Vec<_>, _>>()?;
            session.execute_many(&before, &request.sql, &rows).await?
        } else {
            let parameters = values(request.parameters.take().unwrap_or_default())?;
            session
                .execute_after(&before, &request.sql, &parameters)
                .await?
        };
        match &mut open.rehearsal {
            Some(Rehearsed { rehearsal, .. }) => {
                rehearsal.note(session, &request.sql, step, &outcome)?;
                Ok((outcome, rehearsal.status(session)))
            }
            None => Ok((outcome, session.transaction_status())),
        }
    }

    /// Lets SQL call a Python function; the calls come out of the receiver of [`Self::calls`].
    pub(super) async fn register(&mut self, request: &FunctionRequest) -> Result<(), DbError> {
        let (Some(open), Some(calls)) = (self.open.get_mut(&request.connection), &self.calls)
        else {
            return Err(DbError::Unsupported(format!(
                "connection {} is closed",
                request.connection
            )));
        };
        let FunctionRequest {
            name,
            arguments,
            deterministic,
            built_in,
            ..
        } = request;
        if let Some(BuiltInFunction::MathFloor) = built_in {
            return open.session.define_floor().await;
        }
        open.session
            .register_function(name, *arguments, *deterministic, calls.clone())
            .await
    }

    /// Where calls of Python functions come from.
    pub(super) fn calls(&mut self) -> UnboundedReceiver<FunctionCall> {
        let (sender, receiver) = unbounded_channel();
        self.calls = Some(sender);
        receiver
    }

    /// Closes a session; an open transaction is rolled back.
    pub(super) async fn close(&mut self, number: u32) -> Result<(), DbError> {
        if let Some(open) = self.open.get_mut(&number)
            && let Some(rehearsed) = &mut open.rehearsal
        {
            rehearsed.closed = true;
            return rehearsed.rehearsal.close(&mut open.session).await;
        }
        match self.open.remove(&number) {
            Some(open) => open.session.close().await,
            None => Ok(()),
        }
    }

    /// Undoes what was rehearsed, and says what it would have been.
    pub(super) async fn end_rehearsal(&mut self) -> Result<super::Rehearsed, DbError> {
        let mut all = super::Rehearsed::default();
        for open in self.open.values_mut() {
            if let Some(Rehearsed { rehearsal, .. }) = open.rehearsal.take() {
                let super::Rehearsed { statements, losses } =
                    rehearsal.end(&mut open.session).await?;
                all.statements.extend(statements);
                all.losses.extend(losses);
            }
        }
        Ok(all)
    }

    /// Closes all of them. What can't be closed politely is dropped: the server rolls it back.
    pub(super) async fn close_all(&mut self) {
        while let Some((_, open)) = self.open.pop_first() {
            let _ = open.session.close().await;
        }
        if let Some(spare) = self.spare.take() {
            let _ = spare.close().await;
        }
    }

    /// Keeps an error and gives it as the worker reads it.
    pub(super) fn keep(
        &mut self,
        error: DbError,
        sql: Option<String>,
        connection: Option<u32>,
    ) -> ErrorReply<'_> {
        let status = connection.and_then(|number| self.open.get(&number)).map_or(
            TransactionStatus::Idle,
            |open| match &open.rehearsal {
                Some(Rehearsed { rehearsal, .. }) => rehearsal.status(&open.session),
                None => open.session.transaction_status(),
            },
        );
        let id = self.errors.len();
        self.errors.push(Met { error, sql, status });
        let met = &self.errors[id];
        let (kind, server) = match &met.error {
            DbError::Server(error) => (ErrorKind::Server, Some(server_error(error))),
            DbError::Connect(_) => (ErrorKind::Connect, None),
            DbError::ConnectionLost(_) => (ErrorKind::Lost, None),
            DbError::Unsupported(_) => (ErrorKind::Unsupported, None),
            _ => (ErrorKind::Protocol, None),
        };
        ErrorReply {
            id: id as u64,
            kind,
            message: met.error.to_string(),
            reason: match &met.error {
                DbError::Connect(error) => reason(error.kind),
                _ => None,
            },
            server,
            status: session_status(status),
        }
    }

    /// The error with this number.
    pub(super) fn met(&self, id: u64) -> Option<&Met> {
        self.errors.get(usize::try_from(id).ok()?)
    }
}

fn reason(kind: ConnectErrorKind) -> Option<ConnectFailureReason> {
    match kind {
        ConnectErrorKind::Authentication => Some(ConnectFailureReason::Authentication),
        ConnectErrorKind::NoSuchDatabase => Some(ConnectFailureReason::NoSuchDatabase),
        ConnectErrorKind::TooManyConnections => Some(ConnectFailureReason::TooManyConnections),
        ConnectErrorKind::Parameter => None,
        _ => Some(ConnectFailureReason::Unreachable),
    }
}

fn values(row: Vec<Json>) -> Result<Vec<limbeck_db::Value>, DbError> {
    row.into_iter()
        .map(|json| {
            value_from_json(json).ok_or_else(|| {
                DbError::Unsupported("a parameter is no number, text, bytes or null".into())
            })
        })
        .collect()
}
