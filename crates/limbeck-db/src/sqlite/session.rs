//! SQLite: an open session, on the thread of whoever asks or on one of its own, so that something else can be heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::InterruptHandle;
use tokio::sync::{mpsc, oneshot};

use super::SqliteOptions;
use super::functions::FunctionCallSender;
use super::library::{Job, Library};
use crate::{ConnectionDetails, DbError, Outcome, Product, ServerInfo, TransactionStatus, Value};

/// An open SQLite session.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    info: ServerInfo,
    status: TransactionStatus,
    place: Place,
    canceller: SqliteCanceller,
}

/// Where the library works.
#[derive(Debug)]
enum Place {
    /// On a thread of the session's own.
    Thread(Thread),
    /// On the thread of the caller, who hears nothing else meanwhile. None only while it moves to its own.
    Here(Option<Library>),
}

/// The thread of a session.
#[derive(Debug)]
struct Thread {
    jobs: mpsc::UnboundedSender<(Job, oneshot::Sender<Answer>)>,
    /// Tells when the thread has closed the file: waiting for the thread itself would take another one.
    closed: oneshot::Receiver<()>,
}

impl Thread {
    /// Starts one that gets its library itself.
    fn start(library: impl FnOnce() -> Option<Library> + Send + 'static) -> Result<Self, DbError> {
        let (jobs, mut receiver) = mpsc::unbounded_channel::<(Job, oneshot::Sender<Answer>)>();
        let (has_closed, closed) = oneshot::channel();
        let work = move || {
            let Some(mut library) = library() else {
                return;
            };
            while let Some((job, answer)) = receiver.blocking_recv() {
                // Nobody waits any more only when the caller was cancelled.
                let _ = answer.send(library.run(job));
            }
            drop(library);
            // A session that was dropped, not closed, is waited for by nobody.
            let _ = has_closed.send(());
        };
        let builder = thread::Builder::new().name("sqlite".into());
        builder.spawn(work).map_err(DbError::ConnectionLost)?;
        Ok(Self { jobs, closed })
    }
}

/// What the thread answers: the outcome, and where the session stands.
type Answer = (Result<Outcome, DbError>, TransactionStatus);

/// Interrupts a SQLite session.
#[derive(Clone)]
pub(crate) struct SqliteCanceller {
    interrupt: Arc<InterruptHandle>,
    /// For a statement that waits for another process instead of working.
    interrupted: Arc<AtomicBool>,
}

impl std::fmt::Debug for SqliteCanceller {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SqliteCanceller").finish_non_exhaustive()
    }
}

impl SqliteSession {
    pub(crate) async fn open(options: &SqliteOptions) -> Result<Self, DbError> {
        let (opened, ready) = oneshot::channel();
        let wanted = options.clone();
        let interrupted = Arc::new(AtomicBool::new(false));
        let interrupted_there = Arc::clone(&interrupted);
        let thread = Thread::start(move || {
            let library = Library::open(&wanted, interrupted_there);
            let (library, told) = match library {
                Ok(library) => {
                    let handle = library.interrupt_handle();
                    (Some(library), Ok(handle))
                }
                Err(error) => (None, Err(error)),
            };
            // Nobody waits any more only when the caller was cancelled.
            let _ = opened.send(told);
            library
        })?;
        let interrupt = ready.await.map_err(|_| gone())??;
        Ok(Self::new(
            options,
            Place::Thread(thread),
            interrupt,
            interrupted,
        ))
    }

    /// Opens a session that works on the thread of the caller.
    pub(crate) fn open_on_caller_thread(options: &SqliteOptions) -> Result<Self, DbError> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let library = Library::open(options, Arc::clone(&interrupted))?;
        let interrupt = library.interrupt_handle();
        let place = Place::Here(Some(library));
        Ok(Self::new(options, place, interrupt, interrupted))
    }

    fn new(
        options: &SqliteOptions,
        place: Place,
        interrupt: InterruptHandle,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self {
            info: ServerInfo {
                product: Product::Sqlite,
                version: rusqlite::version().into(),
                parameters: BTreeMap::new(),
                address: options.shown().to_owned(),
            },
            status: TransactionStatus::Idle,
            place,
            canceller: SqliteCanceller {
                interrupt: Arc::new(interrupt),
                interrupted,
            },
        }
    }

    pub(crate) async fn execute(
        &mut self,
        sql: &str,
        parameters: &[Value],
    ) -> Result<Outcome, DbError> {
        self.run(Job::One {
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
        self.run(Job::Many {
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

    pub(crate) async fn register_function(
        &mut self,
        name: &str,
        arguments: i32,
        deterministic: bool,
        calls: FunctionCallSender,
    ) -> Result<(), DbError> {
        // Whoever carries the function out can't be kept by the statement that calls it.
        if let Place::Here(library) = &mut self.place {
            let library = library.take();
            self.place = Place::Thread(Thread::start(move || library)?);
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
        self.run(Job::Floor).await.map(|_| ())
    }

    async fn run(&mut self, job: Job) -> Result<Outcome, DbError> {
        let (outcome, status) = match &mut self.place {
            Place::Thread(Thread { jobs, .. }) => {
                let (answer, answered) = oneshot::channel();
                jobs.send((job, answer)).map_err(|_| gone())?;
                answered.await.map_err(|_| gone())?
            }
            Place::Here(library) => library.as_mut().ok_or_else(gone)?.run(job),
        };
        self.status = status;
        outcome
    }

    pub(crate) async fn connection_details(&mut self) -> Result<ConnectionDetails, DbError> {
        let outcome = self.run(Job::IsReadOnly).await?;
        let first = outcome.results.first().and_then(|set| set.rows.first());
        let answer = first.and_then(|row| row.first());
        Ok(ConnectionDetails {
            is_read_only: answer.map(|value| *value == Value::Integer(1)),
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
        match self.place {
            Place::Thread(Thread { jobs, closed }) => {
                drop(jobs);
                closed.await.map_err(|_| gone())
            }
            Place::Here(library) => {
                drop(library);
                Ok(())
            }
        }
    }
}

impl SqliteCanceller {
    #[expect(
        clippy::unused_async,
        reason = "the other databases' cancellers wait for their server"
    )]
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        self.interrupted.store(true, Ordering::Relaxed);
        self.interrupt.interrupt();
        Ok(())
    }
}

fn gone() -> DbError {
    DbError::Protocol("the SQLite session's thread has ended".into())
}
