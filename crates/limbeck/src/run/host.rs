//! The host's loop: one request of the worker after the other, until the run ends or a signal ends it.

use std::collections::BTreeMap;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use limbeck_db::{
    DbError, FunctionCall, LockError, LockScope, LockWait, LockWaitProgress, MigrationLock,
    Outcome, ProcessEnvironment, Session, TransactionStatus, VersionTable,
};
use limbeck_revision::RevisionMap;
use limbeck_script::interpreter::Interpreter;
use limbeck_script::worker::{
    CallResult, ExecuteRequest, ImportedScript, LockRequest, PlanReply, PlanRequest, Request,
    RunOutcome, Start, StepRequest, StepsReply, VersionTableRef, Worker, WorkerOptions,
};
use serde_json::Value as Json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::location::VersionLocation;
use crate::native::OpenSession;

use super::failure::{RunError, Standing};
use super::intent::{Intent, plan_reply};
use super::rehearsal::{InStep, Rehearsed};
use super::sessions::Sessions;
use super::wire::{WireOutcome, WireRow, value_from_json};

/// How long a worker may take to end by itself after a signal.
const GRACE_AFTER_SIGNAL: Duration = Duration::from_millis(500);

/// How long the server may take to stop a statement that was cancelled.
const GRACE_AFTER_CANCEL: Duration = Duration::from_secs(5);

/// Why the worker is there.
const WORKER: &str = "the worker is taken only when the run has ended";

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGINT`: `Ctrl-C`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
}

/// Where a run learns of signals: `None` until there is one.
pub type Interrupt = watch::Receiver<Option<Signal>>;

/// What a run tells while it goes.
#[derive(Debug)]
pub enum Event<'a> {
    /// Another run holds the migration lock; told after a second and then every ten.
    WaitingForLock {
        /// Who holds it, as far as the server can say.
        holder: Option<String>,
        /// For how long we have waited.
        waited: Duration,
    },
    /// The lock was taken after a wait.
    LockTaken {
        /// For how long we waited.
        waited: Duration,
    },
    /// A step begins.
    Step {
        /// The revision.
        revision: &'a str,
        /// `upgrade` or `downgrade`.
        kind: &'a str,
        /// Its script.
        path: &'a Path,
        /// Its place in the plan, from 1.
        number: usize,
        /// How many steps the plan has.
        of: usize,
    },
    /// A statement of a step is sent.
    StatementBegins {
        /// Its text.
        sql: &'a str,
    },
    /// The database has answered it.
    StatementEnds {
        /// How long the database took.
        took: Duration,
        /// Whether it was carried out.
        succeeded: bool,
    },
    /// The environment has said where the version rows are.
    Located(&'a VersionLocation),
    /// The version rows were read, and these steps follow from them.
    Planned {
        /// The rows.
        heads: &'a [String],
        /// The revisions of the steps, in order.
        revisions: &'a [String],
    },
    /// A run that undoes everything has come to its end, and this is what it would have done.
    Rehearsed(Rehearsed),
    /// A run has come to its end, and this is where the database stands; told when it was asked for.
    Stands(Standing),
}

/// What a run takes.
pub struct RunOptions<'a> {
    /// The interpreter.
    pub interpreter: Interpreter,
    /// The worker's first message, without what this crate fills in.
    pub start: Start,
    /// The environment that a connection looks at.
    pub process_environment: &'a ProcessEnvironment,
    /// Environment variables of the worker, on top of the process's own.
    pub variables: BTreeMap<String, String>,
    /// How long to wait for another run that holds the lock; none to run without the lock.
    pub lock_wait: Option<LockWait>,
    /// Whether to look at the version table once more when all is done, and to tell of it.
    pub looks_after: bool,
    /// Whether to undo everything in the end, and to tell what it would have been.
    pub rehearses: bool,
    /// Where what the project prints goes, for a run that writes SQL and opens no connection.
    pub script_to: Option<Arc<OwnedFd>>,
    /// A session that is open already, for the first connection that is the same.
    pub session: Option<OpenSession>,
    /// Signals.
    pub interrupt: Interrupt,
    /// Whether a statement may keep the thread of the caller; `interrupt` is then told from another one.
    pub keeps_thread: bool,
    /// What is told.
    pub on_event: &'a mut dyn FnMut(Event<'_>),
}

/// How a run ended, when it did not fail.
#[derive(Debug)]
pub enum Ending {
    /// All done.
    Done,
    /// The command was refused, in Alembic's words.
    Refused(String),
    /// User code called `sys.exit`.
    Exit(i32),
    /// The headers that were asked for.
    Headers(Vec<ImportedScript>),
}

/// Runs `env.py` in the worker.
///
/// # Errors
/// [`RunError`] tells what failed and where that leaves the database.
pub async fn run(
    options: RunOptions<'_>,
    map: &RevisionMap,
    intent: &mut Intent<'_>,
) -> Result<Ending, RunError> {
    let mut start = options.start;
    start.changes_database = intent.changes_database();
    let interpreter = options.interpreter.path.clone();
    let worker_options = WorkerOptions {
        interpreter: options.interpreter,
        start,
        variables: options.variables,
        output: options.script_to.clone(),
    };
    let watched = options.keeps_thread.then(|| options.interrupt.clone());
    // Python takes its time to start; a session for the lock is opened meanwhile where one will be needed.
    let lock_session = options
        .session
        .as_ref()
        .filter(|_| options.lock_wait.is_some() && intent.changes_database())
        .map(|look| {
            let options = look.options.clone();
            tokio::spawn(async move { Session::open(&options).await })
        });
    let mut sessions = Sessions::new(options.session, options.rehearses, watched);
    let calls = sessions.calls();
    let mut host = Host {
        worker: Some(Worker::start(&worker_options).await?),
        sessions,
        calls,
        locks: Vec::new(),
        lock_session,
        map,
        intent,
        process_environment: options.process_environment,
        lock_wait: options.lock_wait,
        looks_after: options.looks_after,
        rehearses: options.rehearses,
        connects: options.script_to.is_none(),
        interrupt: options.interrupt,
        on_event: options.on_event,
        progress: Progress::default(),
        headers: None,
        interpreter,
    };
    let ended = host.serve().await;
    host.finish(ended).await
}

/// What a run has come to.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The revisions of the plan.
    pub(super) planned: Vec<String>,
    /// The step that runs: its place in the plan, its kind and script.
    pub(super) step: Option<RunningStep>,
    /// The version rows that the plan began with.
    pub(super) heads_before: Option<Vec<String>>,
    /// Where the version rows are, once `env.py` has said it.
    pub(super) location: Option<VersionLocation>,
}

/// The step that runs.
#[derive(Debug)]
pub(super) struct RunningStep {
    pub(super) index: usize,
    pub(super) revision: String,
    pub(super) kind: String,
    pub(super) path: PathBuf,
    /// Statements that were sent for it.
    pub(super) statements: usize,
    /// Whether some of what it did is in the database, whatever comes.
    pub(super) committed: bool,
}

pub(super) struct Host<'a, 'i> {
    worker: Option<Worker>,
    pub(super) sessions: Sessions,
    /// Calls of Python functions out of running statements.
    calls: UnboundedReceiver<FunctionCall>,
    locks: Vec<(LockScope, MigrationLock)>,
    /// A session that is being opened for the lock of the connection that a look has opened.
    lock_session: Option<JoinHandle<Result<Session, DbError>>>,
    map: &'a RevisionMap,
    intent: &'a mut Intent<'i>,
    process_environment: &'a ProcessEnvironment,
    lock_wait: Option<LockWait>,
    looks_after: bool,
    rehearses: bool,
    connects: bool,
    interrupt: Interrupt,
    on_event: &'a mut dyn FnMut(Event<'_>),
    pub(super) progress: Progress,
    headers: Option<Vec<ImportedScript>>,
    pub(super) interpreter: PathBuf,
}

/// Why serving stopped before the worker's last word.
enum Stop {
    Signal(Signal),
    Error(RunError),
}

impl<E: Into<RunError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl Host<'_, '_> {
    fn worker(&mut self) -> &mut Worker {
        self.worker.as_mut().expect(WORKER)
    }

    async fn serve(&mut self) -> Result<RunOutcome, Stop> {
        loop {
            let mut interrupt = self.interrupt.clone();
            let request =
                unless_interrupted(&mut interrupt, self.worker().next_request()).await??;
            match request {
                Request::Connect(_) if !self.connects => {
                    let text = "a connection is asked for in offline mode";
                    self.reply_error(DbError::Unsupported(text.into()), None, None)
                        .await?;
                }
                Request::Connect(request) => {
                    let connected = unless_interrupted(
                        &mut interrupt,
                        self.sessions.connect(request, self.process_environment),
                    )
                    .await?;
                    match connected {
                        Ok(reply) => self.worker().reply(&reply).await?,
                        Err(error) => self.reply_error(error, None, None).await?,
                    }
                }
                Request::Execute(request) => self.execute(request).await?,
                Request::Close { connection } => match self.sessions.close(connection).await {
                    Ok(()) => self.worker().reply(&Json::Null).await?,
                    Err(error) => self.reply_error(error, None, None).await?,
                },
                Request::Function(request) => match self.sessions.register(&request).await {
                    Ok(()) => self.worker().reply(&Json::Null).await?,
                    Err(error) => self.reply_error(error, None, None).await?,
                },
                Request::Library { name } => {
                    let version = (name == "sqlite").then(limbeck_db::sqlite_version);
                    self.worker().reply(&version).await?;
                }
                Request::Plan(request) => self.plan(request).await?,
                Request::Lock(request) => self.lock(request).await?,
                Request::Step(request) => self.step(request),
                Request::StepEnd => {}
                Request::Headers { scripts } => {
                    self.headers = Some(scripts);
                    self.worker().reply(&Json::Null).await?;
                }
                Request::End(end) => {
                    self.worker().reply(&Json::Null).await?;
                    return Ok(end);
                }
            }
        }
    }

    async fn execute(&mut self, mut request: ExecuteRequest) -> Result<(), Stop> {
        if let Some(step) = &mut self.progress.step {
            step.statements += 1;
        }
        let canceller = self
            .sessions
            .get(request.connection)
            .map(|open| open.session.canceller());
        let mut interrupt = self.interrupt.clone();
        let connection = request.connection;
        let in_step = self.progress.step.is_some();
        if in_step {
            let sql = &request.sql;
            (self.on_event)(Event::StatementBegins { sql });
        }
        let start = Instant::now();
        let result = {
            let step = self.progress.step.as_ref().map(|step| InStep {
                revision: &step.revision,
                versions: self.progress.location.as_ref().map(|found| &found.table),
            });
            let running = self.sessions.execute(&mut request, step);
            tokio::pin!(running);
            let worker = self.worker.as_mut().expect(WORKER);
            loop {
                tokio::select! {
                    result = &mut running => break result,
                    Some(call) = self.calls.recv() => carry_out(worker, call).await?,
                    signal = interrupted(&mut interrupt) => {
                        if let Some(canceller) = canceller {
                            // Whether the cancel request gets through or not, the session is closed
                            // next, and the server then rolls back.
                            let _ = canceller.cancel().await;
                            let _ = tokio::time::timeout(GRACE_AFTER_CANCEL, &mut running).await;
                        }
                        return Err(Stop::Signal(signal));
                    }
                }
            }
        };
        if in_step {
            let took = start.elapsed();
            let succeeded = result.is_ok();
            (self.on_event)(Event::StatementEnds { took, succeeded });
        }
        match result {
            Ok((outcome, status)) => {
                if let Some(step) = &mut self.progress.step {
                    step.committed |=
                        !self.rehearses && commits(&request.sql, &outcome, status, step.statements);
                }
                let reply = WireOutcome {
                    outcome: &outcome,
                    status,
                };
                Ok(self.worker().reply(&reply).await?)
            }
            Err(error) => {
                self.reply_error(error, Some(request.sql), Some(connection))
                    .await
            }
        }
    }

    /// Notes and tells where the version rows are.
    fn locate(&mut self, at: VersionTableRef) -> Option<VersionLocation> {
        let options = self.sessions.get(at.connection)?.options.clone();
        let table = VersionTable {
            name: at.table,
            schema: at.schema,
        };
        let location = VersionLocation { options, table };
        (self.on_event)(Event::Located(&location));
        self.progress.location = Some(location.clone());
        Some(location)
    }

    async fn plan(&mut self, request: PlanRequest) -> Result<(), Stop> {
        if let Some(at) = request.at {
            self.locate(at);
        }
        if let Intent::Inspect(look) = self.intent {
            let reply = match look(&request.heads, request.url.as_deref()) {
                Ok(()) => PlanReply::Steps(StepsReply::default()),
                Err(refusal) => PlanReply::CommandError { message: refusal.0 },
            };
            return Ok(self.worker().reply(&reply).await?);
        }
        let reply = match self.intent.plan(self.map, &request.heads) {
            Ok(plan) => {
                self.progress.planned = plan
                    .steps
                    .iter()
                    .filter_map(|step| step.revision().map(str::to_owned))
                    .collect();
                self.progress.step = None;
                (self.on_event)(Event::Planned {
                    heads: &request.heads,
                    revisions: &self.progress.planned,
                });
                self.progress.heads_before = Some(request.heads);
                plan_reply(&plan, matches!(self.intent, Intent::EnsureVersion))
            }
            Err(refusal) => PlanReply::CommandError { message: refusal.0 },
        };
        Ok(self.worker().reply(&reply).await?)
    }

    async fn lock(&mut self, request: LockRequest) -> Result<(), Stop> {
        let number = request.at.connection;
        let Some(VersionLocation { options, table }) = self.locate(request.at) else {
            let error = DbError::Unsupported(format!("connection {number} is closed"));
            return self.reply_error(error, None, None).await;
        };
        let scope = LockScope::new(&options, &table);
        let held = self
            .locks
            .iter()
            .any(|(scope_held, _)| *scope_held == scope);
        let needed = !held
            && self
                .intent
                .needs_lock(self.map, request.exists, request.heads.as_deref());
        let Some(wait) = self.lock_wait.filter(|_| needed) else {
            return Ok(self.worker().reply(&Json::Null).await?);
        };
        let is_of_look = self
            .sessions
            .get(number)
            .is_some_and(|open| open.is_of_look);
        let ahead = self.lock_session.take_if(|_| is_of_look);
        let mut interrupt = self.interrupt.clone();
        let on_event = &mut *self.on_event;
        let mut waited = None;
        let taken = {
            let on_wait = |waiting: &LockWaitProgress| {
                waited = Some(waiting.waited);
                on_event(Event::WaitingForLock {
                    holder: waiting.holder.as_ref().map(ToString::to_string),
                    waited: waiting.waited,
                });
            };
            let taking = async {
                if let Some(opening) = ahead
                    && let Ok(Ok(session)) = opening.await
                {
                    return MigrationLock::acquire_over(session, &scope, wait, on_wait).await;
                }
                // What has failed meanwhile is tried once more, and says why.
                MigrationLock::acquire(&options, &scope, wait, on_wait).await
            };
            unless_interrupted(&mut interrupt, taking).await?
        };
        match taken {
            Ok(lock) => {
                if let Some(waited) = waited {
                    (self.on_event)(Event::LockTaken { waited });
                }
                self.locks.push((scope, lock));
                Ok(self.worker().reply(&Json::Null).await?)
            }
            Err(LockError::Db(error)) => self.reply_error(error, None, None).await,
            Err(error) => {
                self.reply_error(DbError::Unsupported(error.to_string()), None, None)
                    .await
            }
        }
    }

    fn step(&mut self, request: StepRequest) {
        // A stamp runs no script.
        let (Some(revision), Some(path)) = (request.revision, request.path) else {
            return;
        };
        let kind = request.direction.as_str();
        let index = self
            .progress
            .planned
            .iter()
            .position(|planned| *planned == revision)
            .unwrap_or(0);
        (self.on_event)(Event::Step {
            revision: &revision,
            kind,
            path: Path::new(&path),
            number: index + 1,
            of: self.progress.planned.len(),
        });
        self.progress.step = Some(RunningStep {
            index,
            revision,
            kind: kind.to_owned(),
            path: path.into(),
            statements: 0,
            committed: false,
        });
    }

    async fn reply_error(
        &mut self,
        error: DbError,
        sql: Option<String>,
        connection: Option<u32>,
    ) -> Result<(), Stop> {
        if let Some(signal) = *self.interrupt.borrow() {
            // What a statement says that was interrupted is nobody's error.
            return Err(Stop::Signal(signal));
        }
        let wire = self.sessions.keep(error, sql, connection);
        let worker = self.worker.as_mut().expect(WORKER);
        Ok(worker.reply_error(&wire).await?)
    }

    /// Leaves nothing behind: transactions are rolled back, sessions closed, locks freed, the worker ended.
    async fn finish(mut self, ended: Result<RunOutcome, Stop>) -> Result<Ending, RunError> {
        let rehearsed = if self.rehearses && matches!(ended, Ok(RunOutcome::Done)) {
            Some(self.sessions.end_rehearsal().await)
        } else {
            None
        };
        self.sessions.close_all().await;
        if let Some(opening) = self.lock_session.take() {
            opening.abort();
            if let Ok(Ok(session)) = opening.await {
                // Nothing has been done with it.
                let _ = session.close().await;
            }
        }
        if let Some(worker) = self.worker.take() {
            match &ended {
                Ok(_) => {
                    worker.wait().await?;
                }
                Err(_) => worker.stop(GRACE_AFTER_SIGNAL).await,
            }
        }
        match rehearsed {
            Some(Ok(rehearsed)) => (self.on_event)(Event::Rehearsed(rehearsed)),
            Some(Err(error)) => return Err(RunError::Rehearsal(error)),
            None => {}
        }
        let knows_where = self.progress.location.is_some();
        if self.looks_after && knows_where && matches!(ended, Ok(RunOutcome::Done)) {
            let standing = self.standing().await;
            (self.on_event)(Event::Stands(standing));
        }
        let result = match ended {
            Ok(RunOutcome::Done) => Ok(self.headers.take().map_or(Ending::Done, Ending::Headers)),
            Ok(RunOutcome::CommandError { message }) => Ok(Ending::Refused(message)),
            Ok(RunOutcome::Exit { status }) => Ok(Ending::Exit(status)),
            Ok(RunOutcome::Missing { module, message }) => Err(RunError::MissingModule {
                interpreter: self.interpreter.clone(),
                module,
                message,
            }),
            Ok(RunOutcome::Exception(exception)) => Err(self.explain(*exception).await),
            Err(Stop::Signal(signal)) => Err(RunError::Interrupted(signal)),
            Err(Stop::Error(error)) => Err(error),
        };
        for (_, lock) in self.locks.drain(..) {
            // The server frees the lock of a session that is gone; the run's own result stands.
            let _ = lock.release().await;
        }
        result
    }
}

/// Has the worker call a Python function for a running statement.
async fn carry_out(worker: &mut Worker, call: FunctionCall) -> Result<(), Stop> {
    let answer = match worker.call(&call.name, &WireRow(&call.arguments)).await? {
        CallResult::Return(value) => value_from_json(value).ok_or_else(|| {
            format!(
                "the function `{}` returned what SQLite has no type for",
                call.name
            )
        }),
        CallResult::Raise(text) => Err(text),
    };
    // A statement that was interrupted meanwhile waits for no answer.
    let _ = call.answer.send(answer);
    Ok(())
}

/// Waits for `work`, unless a signal comes first.
async fn unless_interrupted<T>(
    interrupt: &mut Interrupt,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    tokio::select! {
        done = work => Ok(done),
        signal = interrupted(interrupt) => Err(Stop::Signal(signal)),
    }
}

pub(super) async fn interrupted(interrupt: &mut Interrupt) -> Signal {
    loop {
        if let Some(signal) = *interrupt.borrow_and_update() {
            return signal;
        }
        if interrupt.changed().await.is_err() {
            // Nobody can signal any more.
            std::future::pending::<()>().await;
        }
    }
}

/// Whether a statement that went well has made something last: a COMMIT of the project's own, or a change
/// outside of a transaction. `number` is its place among those of the step.
fn commits(sql: &str, outcome: &Outcome, status: TransactionStatus, number: usize) -> bool {
    // What only says how the session goes on, or reads.
    const PASSING: [&str; 10] = [
        "ROLLBACK", "ABORT", "SET", "RESET", "DISCARD", "SELECT", "SHOW", "PRAGMA", "USE", "BEGIN",
    ];
    let word = sql
        .trim_start()
        .split(|character: char| !character.is_ascii_alphabetic())
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    // PostgreSQL says of a COMMIT that found nothing to commit that it was a rollback.
    let told = outcome
        .results
        .iter()
        .any(|result| result.tag.starts_with("COMMIT"));
    let asked = word == "COMMIT" && outcome.results.iter().all(|result| result.tag.is_empty());
    if told || asked {
        return number > 1;
    }
    status == TransactionStatus::Idle && word != "COMMIT" && !PASSING.contains(&word.as_str())
}

/// Whether a failing session had a transaction open, which the server has undone.
pub(super) fn was_in_transaction(status: TransactionStatus) -> bool {
    status != TransactionStatus::Idle
}
