//! The driver that runs steps in the worker: it answers the worker's requests from the state of the run.

use std::path::PathBuf;
use std::time::Duration;

use limbeck_db::{DbError, FunctionCall, Outcome, TransactionStatus};
use limbeck_script::worker::{
    CallResult, ExecuteRequest, ImportedScript, PlanReply, PlanRequest, RunOutcome, StepRequest,
    Worker, WorkerRequest,
};
use serde::Serialize;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::copy::{CopyAnswer, CopyError};
use super::failure::RunError;
use super::interrupt::unless_interrupted;
use super::interruption::{Activity, Interruption, is_own_rollback};
use super::operation::Operation;
use super::sessions::CopyStep;
use super::state::RunState;
use super::wire::{WireOutcome, WireRow, connect_reply, steps_reply, value_from_json};
use crate::command_error::CommandError;

/// Maximum time for the worker to exit after a signal.
const GRACE_AFTER_SIGNAL: Duration = Duration::from_millis(500);

/// A running worker, and what it has sent for the end of the run.
pub(super) struct WorkerDriver {
    worker: Worker,
    interpreter: PathBuf,
    /// The calls of Python functions by running statements.
    calls: UnboundedReceiver<FunctionCall>,
    /// `true` if `env.py` may connect, which it may not in offline mode.
    may_connect: bool,
    headers: Option<Vec<ImportedScript>>,
    /// The refusal that the worker was sent, which it raises as Alembic's `CommandError`.
    refusal: Option<CommandError>,
}

/// A message that changes the course of the run.
enum Milestone {
    Plan(PlanRequest),
    StepBegins(StepRequest),
    StepEnds,
    End(RunOutcome),
}

/// The end of a step.
enum StepEnd {
    /// The step is done: its statements have run and its version rows are written.
    Done,
    /// The worker left the step: it failed, or `env.py` goes on with something else.
    Left(Milestone),
}

impl WorkerDriver {
    pub(super) fn new(
        worker: Worker,
        interpreter: PathBuf,
        calls: UnboundedReceiver<FunctionCall>,
        may_connect: bool,
    ) -> Self {
        Self {
            worker,
            interpreter,
            calls,
            may_connect,
            headers: None,
            refusal: None,
        }
    }

    /// Serves the worker until the run ends.
    ///
    /// # Errors
    /// [`RunError`] if the worker exits or breaks the protocol, or a signal arrives.
    pub(super) async fn run(
        &mut self,
        state: &mut RunState<'_, '_>,
    ) -> Result<RunOutcome, RunError> {
        let mut milestone = self.advance(state).await?;
        loop {
            milestone = match milestone {
                Milestone::Plan(request) => {
                    self.plan(request, state).await?;
                    self.advance(state).await?
                }
                Milestone::StepBegins(step) => match self.run_step(step, state).await? {
                    StepEnd::Done => self.advance(state).await?,
                    StepEnd::Left(milestone) => milestone,
                },
                Milestone::StepEnds => self.advance(state).await?,
                Milestone::End(outcome) => return Ok(outcome),
            };
        }
    }

    /// Runs a step to its end.
    async fn run_step(
        &mut self,
        step: StepRequest,
        state: &mut RunState<'_, '_>,
    ) -> Result<StepEnd, RunError> {
        state.begin_step(step);
        match self.advance(state).await? {
            Milestone::StepEnds => {
                state.end_step();
                Ok(StepEnd::Done)
            }
            milestone => Ok(StepEnd::Left(milestone)),
        }
    }

    /// Answers requests until a milestone.
    async fn advance(&mut self, state: &mut RunState<'_, '_>) -> Result<Milestone, RunError> {
        loop {
            let receiving = self.worker.next_request();
            match unless_interrupted(&mut state.interrupt, receiving).await?? {
                WorkerRequest::Connect(_) if !self.may_connect => {
                    let text = "env.py asks for a connection in offline mode";
                    self.reply_error(state, DbError::Unsupported(text.into()))
                        .await?;
                }
                WorkerRequest::Connect(request) => {
                    let connecting = state.sessions.connect(request, state.process_environment);
                    let connected = unless_interrupted(&mut state.interrupt, connecting)
                        .await
                        .map_err(|signal| Interruption::new(signal, Activity::Connecting))?;
                    let reply = connected.and_then(|number| {
                        let opened = state.sessions.get(number)?;
                        Ok(connect_reply(number, opened.info(), &opened.options))
                    });
                    self.reply_result(state, reply).await?;
                }
                WorkerRequest::Execute(request) => self.execute(request, state).await?,
                WorkerRequest::Copy(request) => {
                    let started = state.start_copy(request).await?;
                    self.reply_copy(state, started).await?;
                }
                WorkerRequest::CopyData { connection, data } => {
                    let step = CopyStep::Send(data);
                    self.continue_copy(state, connection, step).await?;
                }
                WorkerRequest::CopyRead { connection } => {
                    let step = CopyStep::Receive;
                    self.continue_copy(state, connection, step).await?;
                }
                WorkerRequest::CopyEnd {
                    connection,
                    failure,
                } => {
                    let step = failure.map_or(CopyStep::Finish, CopyStep::Fail);
                    self.continue_copy(state, connection, step).await?;
                }
                WorkerRequest::CopyCancel { connection } => {
                    let step = CopyStep::Cancel;
                    self.continue_copy(state, connection, step).await?;
                }
                WorkerRequest::Close { connection } => {
                    state.record_close(Some(connection));
                    let closed = state.sessions.close(connection).await;
                    self.reply_result(state, closed).await?;
                }
                WorkerRequest::Function(request) => {
                    let registered = state.sessions.register(&request).await;
                    self.reply_result(state, registered).await?;
                }
                WorkerRequest::Library { name } => {
                    let version = (name == "sqlite").then(limbeck_db::sqlite_version);
                    self.worker.reply(&version).await?;
                }
                WorkerRequest::Lock(request) => {
                    let locked = state.lock(request).await?;
                    self.reply_result(state, locked).await?;
                }
                WorkerRequest::Headers { scripts } => {
                    self.headers = Some(scripts);
                    self.worker.reply(&()).await?;
                }
                WorkerRequest::Plan(request) => return Ok(Milestone::Plan(request)),
                WorkerRequest::Step(request) => return Ok(Milestone::StepBegins(request)),
                WorkerRequest::StepEnd => return Ok(Milestone::StepEnds),
                WorkerRequest::OutputFailed { errno } => {
                    (state.on_event)(crate::Event::OutputFailed { errno });
                }
                WorkerRequest::Using { what } => {
                    (state.on_event)(crate::Event::UsingEnvironment { what: &what });
                }
                WorkerRequest::End(outcome) => {
                    self.worker.reply(&()).await?;
                    return Ok(Milestone::End(outcome));
                }
            }
        }
    }

    async fn execute(
        &mut self,
        mut request: ExecuteRequest,
        state: &mut RunState<'_, '_>,
    ) -> Result<(), RunError> {
        let executed = {
            let running = state.execute(&mut request);
            tokio::pin!(running);
            loop {
                tokio::select! {
                    executed = &mut running => break executed?,
                    Some(call) = self.calls.recv() => call_function(&mut self.worker, call).await?,
                }
            }
        };
        match executed {
            Ok((outcome, status)) => {
                let reply = WireOutcome { outcome, status };
                Ok(self.worker.reply(&reply).await?)
            }
            Err(error) => {
                let reply = state.keep_statement_error(error, request)?;
                Ok(self.worker.reply_error(&reply).await?)
            }
        }
    }

    async fn continue_copy(
        &mut self,
        state: &mut RunState<'_, '_>,
        connection: u32,
        step: CopyStep,
    ) -> Result<(), RunError> {
        let continued = state.continue_copy(connection, step).await?;
        self.reply_copy(state, continued).await
    }

    async fn reply_copy(
        &mut self,
        state: &mut RunState<'_, '_>,
        result: Result<CopyAnswer, CopyError>,
    ) -> Result<(), RunError> {
        let reply = match result.map_err(|error| *error) {
            Ok(answer) => return Ok(self.worker.reply(&answer).await?),
            Err((error, Some(request))) => state.keep_statement_error(error, request)?,
            Err((error, None)) => state.keep_error(error.error)?,
        };
        Ok(self.worker.reply_error(&reply).await?)
    }

    async fn plan(
        &mut self,
        request: PlanRequest,
        state: &mut RunState<'_, '_>,
    ) -> Result<(), RunError> {
        let connection = request.at.as_ref().map(|table| table.connection);
        if let Some(table) = request.at
            && let Err(error) = state.locate(table)
        {
            return self.reply_error(state, error).await;
        }
        let ensure_version = matches!(state.operation, Operation::EnsureVersion);
        let reply = match state.plan(request.heads, request.url.as_deref()) {
            Ok(plan) => {
                if let Some(connection) = connection {
                    state.expect_changes(connection, &plan, request.begun_at);
                }
                PlanReply::Steps(steps_reply(&plan, ensure_version))
            }
            Err(refusal) => {
                let message = refusal.to_string();
                self.refusal = Some(refusal);
                PlanReply::CommandError { message }
            }
        };
        Ok(self.worker.reply(&reply).await?)
    }

    async fn reply_result<T: Serialize + Sync>(
        &mut self,
        state: &mut RunState<'_, '_>,
        result: Result<T, impl Into<DbError>>,
    ) -> Result<(), RunError> {
        match result {
            Ok(reply) => Ok(self.worker.reply(&reply).await?),
            Err(error) => self.reply_error(state, error).await,
        }
    }

    async fn reply_error(
        &mut self,
        state: &mut RunState<'_, '_>,
        error: impl Into<DbError>,
    ) -> Result<(), RunError> {
        let reply = state.keep_error(error)?;
        Ok(self.worker.reply_error(&reply).await?)
    }

    /// Waits for the worker to exit after an outcome.
    pub(super) async fn wait(self) -> WorkerResults {
        let (worker, results) = self.into_results();
        // The worker has sent the outcome, so how its process ends is of no consequence.
        let _ = worker.wait().await;
        results
    }

    /// Stops the worker.
    pub(super) async fn stop(self) -> WorkerResults {
        let (worker, results) = self.into_results();
        worker.stop(GRACE_AFTER_SIGNAL).await;
        results
    }

    /// Lets the worker end after a signal, and stops it if it does not end. Its sessions must be closed.
    pub(super) async fn interrupt(mut self) -> WorkerResults {
        // `Ctrl-C` interrupts the project's code, too, which then leaves its transactions and connections. An error would
        // make SQLAlchemy's pool print a traceback. All other requests get no reply, so nothing else goes on.
        let leaving = async {
            loop {
                let replied = match self.worker.next_request().await {
                    Ok(WorkerRequest::Execute(request)) if is_own_rollback(&request) => {
                        let (outcome, status) = (Outcome::default(), TransactionStatus::Idle);
                        self.worker.reply(&WireOutcome { outcome, status }).await
                    }
                    Ok(WorkerRequest::Close { .. } | WorkerRequest::End(_)) => {
                        self.worker.reply(&()).await
                    }
                    Ok(_) => Ok(()),
                    Err(error) => Err(error),
                };
                if replied.is_err() {
                    // The worker has exited.
                    break;
                }
            }
        };
        // A worker that does not end in time is killed next.
        let _ = timeout(GRACE_AFTER_SIGNAL, leaving).await;
        let (worker, results) = self.into_results();
        worker.stop(Duration::ZERO).await;
        results
    }

    fn into_results(self) -> (Worker, WorkerResults) {
        let results = WorkerResults {
            interpreter: self.interpreter,
            headers: self.headers,
            refusal: self.refusal,
        };
        (self.worker, results)
    }
}

/// The facts that outlive the worker.
#[derive(Debug, Default)]
pub(super) struct WorkerResults {
    /// The interpreter that ran the worker.
    pub(super) interpreter: PathBuf,
    /// The headers of the scripts, if they were asked for.
    pub(super) headers: Option<Vec<ImportedScript>>,
    /// The last refusal that the worker was sent.
    pub(super) refusal: Option<CommandError>,
}

/// Lets the worker call a Python function for a running statement.
async fn call_function(worker: &mut Worker, call: FunctionCall) -> Result<(), RunError> {
    let result = match worker.call(&call.name, &WireRow(&call.arguments)).await? {
        CallResult::Return(value) => value_from_json(value).ok_or_else(|| {
            format!(
                "the function `{}` returned a value that SQLite has no type for",
                call.name
            )
        }),
        CallResult::Raise(text) => Err(text),
    };
    // An interrupted statement no longer waits for the result.
    let _ = call.answer.send(result);
    Ok(())
}
