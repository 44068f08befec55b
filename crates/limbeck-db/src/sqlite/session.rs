//! An open SQLite session, on the caller's thread or on its own thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::InterruptHandle;
use tokio::sync::{mpsc, oneshot};

use super::SqliteOptions;
use super::functions::FunctionCallSender;
use super::library::{Job, JobResult, Library};
use crate::{ConnectionDetails, DbError, Outcome, Product, ServerInfo, TransactionStatus, Value};

/// An open SQLite session.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    info: ServerInfo,
    status: TransactionStatus,
    executor: Executor,
    canceller: SqliteCanceller,
    is_commit_forbidden: bool,
}

/// The thread on which the library works.
#[derive(Debug)]
enum Executor {
    /// The session's own thread.
    OwnThread(LibraryThread),
    /// The caller's thread, which a statement blocks. `None` only while the library moves to its own thread.
    CallerThread(Option<Library>),
}

/// The thread of a session.
#[derive(Debug)]
struct LibraryThread {
    jobs: mpsc::UnboundedSender<(Job, oneshot::Sender<JobResult>)>,
    /// Completes after the thread has closed the file. Joining the thread instead would block another one.
    closed: oneshot::Receiver<()>,
}

impl LibraryThread {
    /// Starts a thread that creates its library and then runs jobs.
    fn start(library: impl FnOnce() -> Option<Library> + Send + 'static) -> Result<Self, DbError> {
        let (jobs, mut receiver) = mpsc::unbounded_channel::<(Job, oneshot::Sender<JobResult>)>();
        let (has_closed, closed) = oneshot::channel();
        let work = move || {
            let Some(mut library) = library() else {
                return;
            };
            while let Some((job, answer)) = receiver.blocking_recv() {
                // The receiver is gone if the caller's future was dropped.
                let _ = answer.send(library.run(job));
            }
            drop(library);
            // The receiver is gone if the session was dropped without `close`.
            let _ = has_closed.send(());
        };
        let builder = thread::Builder::new().name("sqlite".into());
        builder.spawn(work).map_err(DbError::Thread)?;
        Ok(Self { jobs, closed })
    }
}

/// A handle that interrupts a SQLite session.
#[derive(Clone)]
pub(crate) struct SqliteCanceller {
    interrupt: Arc<InterruptHandle>,
    /// Interrupts a statement that waits for another process's lock.
    is_interrupted: Arc<AtomicBool>,
}

impl std::fmt::Debug for SqliteCanceller {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SqliteCanceller").finish_non_exhaustive()
    }
}

impl SqliteSession {
    pub(crate) async fn open(options: &SqliteOptions) -> Result<Self, DbError> {
        let (opened, opening) = oneshot::channel();
        let thread_options = options.clone();
        let is_interrupted = Arc::new(AtomicBool::new(false));
        let is_interrupted_there = Arc::clone(&is_interrupted);
        let thread = LibraryThread::start(move || {
            let library = Library::open(&thread_options, is_interrupted_there);
            let (library, result) = match library {
                Ok(library) => {
                    let handle = library.interrupt_handle();
                    (Some(library), Ok(handle))
                }
                Err(error) => (None, Err(error)),
            };
            // The receiver is gone if the caller's future was dropped.
            let _ = opened.send(result);
            library
        })?;
        let interrupt = opening.await.map_err(|_| DbError::ThreadEnded)??;
        Ok(Self::new(
            options,
            Executor::OwnThread(thread),
            interrupt,
            is_interrupted,
        ))
    }

    pub(crate) fn open_on_caller_thread(options: &SqliteOptions) -> Result<Self, DbError> {
        let is_interrupted = Arc::new(AtomicBool::new(false));
        let library = Library::open(options, Arc::clone(&is_interrupted))?;
        let interrupt = library.interrupt_handle();
        let executor = Executor::CallerThread(Some(library));
        Ok(Self::new(options, executor, interrupt, is_interrupted))
    }

    fn new(
        options: &SqliteOptions,
        executor: Executor,
        interrupt: InterruptHandle,
        is_interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self {
            info: ServerInfo {
                product: Product::Sqlite,
                version: rusqlite::version().into(),
                parameters: BTreeMap::new(),
                address: options.display_name().to_owned(),
            },
            status: TransactionStatus::Idle,
            executor,
            canceller: SqliteCanceller {
                interrupt: Arc::new(interrupt),
                is_interrupted,
            },
            is_commit_forbidden: false,
        }
    }

    pub(crate) async fn execute(
        &mut self,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Outcome, DbError> {
        self.run(Job::Statement {
            sql: sql.to_owned(),
            parameters: parameters.to_vec(),
        })
        .await
    }

    pub(crate) async fn execute_many(
        &mut self,
        sql: &str,
        rows: &[Vec<Value>],
    ) -> Result<Outcome, DbError> {
        self.run(Job::StatementPerRow {
            sql: sql.to_owned(),
            rows: rows.to_vec(),
        })
        .await
    }

    pub(crate) async fn execute_script(&mut self, sql: &str) -> Result<Outcome, DbError> {
        self.run(Job::Script {
            sql: sql.to_owned(),
        })
        .await
    }

    /// Begins a transaction, and turns each commit into a rollback until [`SqliteSession::allow_commits`].
    pub(crate) async fn begin_without_commit(&mut self) -> Result<(), DbError> {
        self.run(Job::ForbidCommits(true)).await?;
        self.is_commit_forbidden = true;
        self.execute("BEGIN", &[]).await.map(|_| ())
    }

    pub(crate) fn is_commit_forbidden(&self) -> bool {
        self.is_commit_forbidden && self.status != TransactionStatus::Idle
    }

    pub(crate) async fn allow_commits(&mut self) -> Result<(), DbError> {
        if self.status != TransactionStatus::Idle {
            self.execute("ROLLBACK", &[]).await?;
        }
        self.run(Job::ForbidCommits(false)).await?;
        self.is_commit_forbidden = false;
        Ok(())
    }

    pub(crate) async fn register_function(
        &mut self,
        name: &str,
        arguments: i32,
        deterministic: bool,
        calls: FunctionCallSender,
    ) -> Result<(), DbError> {
        // The statement that calls the function must not block the thread that executes it.
        if let Executor::CallerThread(library) = &mut self.executor {
            let library = library.take();
            self.executor = Executor::OwnThread(LibraryThread::start(move || library)?);
        }
        let job = Job::Function {
            name: name.to_owned(),
            arguments,
            deterministic,
            calls,
        };
        self.run(job).await.map(|_| ())
    }

    pub(crate) async fn define_floor(&mut self) -> Result<(), DbError> {
        self.run(Job::PythonFloor).await.map(|_| ())
    }

    async fn run(&mut self, job: Job) -> Result<Outcome, DbError> {
        let JobResult { outcome, status } = match &mut self.executor {
            Executor::OwnThread(LibraryThread { jobs, .. }) => {
                let (answer, answered) = oneshot::channel();
                jobs.send((job, answer)).map_err(|_| DbError::ThreadEnded)?;
                answered.await.map_err(|_| DbError::ThreadEnded)?
            }
            Executor::CallerThread(library) => {
                library.as_mut().ok_or(DbError::ThreadEnded)?.run(job)
            }
        };
        self.status = status;
        outcome
    }

    pub(crate) async fn connection_details(&mut self) -> Result<ConnectionDetails, DbError> {
        let outcome = self.run(Job::IsReadOnly).await?;
        Ok(ConnectionDetails {
            is_read_only: outcome
                .first_value()
                .map(|value| *value == Value::Integer(1)),
            ..ConnectionDetails::default()
        })
    }

    pub(crate) fn transaction_status(&self) -> TransactionStatus {
        self.status
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }

    pub(crate) fn canceller(&self) -> SqliteCanceller {
        self.canceller.clone()
    }

    pub(crate) async fn close(self) -> Result<(), DbError> {
        match self.executor {
            Executor::OwnThread(LibraryThread { jobs, closed }) => {
                drop(jobs);
                closed.await.map_err(|_| DbError::ThreadEnded)
            }
            Executor::CallerThread(library) => {
                drop(library);
                Ok(())
            }
        }
    }
}

impl SqliteCanceller {
    #[expect(
        clippy::unused_async,
        reason = "the cancellers of the other databases wait for their server"
    )]
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        self.is_interrupted.store(true, Ordering::Relaxed);
        self.interrupt.interrupt();
        Ok(())
    }
}
