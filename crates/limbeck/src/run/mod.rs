//! One run of the project's environment: the worker asks, and limbeck answers over the connection that it owns.

mod copy;
mod dry_run;
mod event;
mod explain;
mod failure;
mod finish;
mod interrupt;
mod interruption;
mod locks;
mod operation;
mod progress;
mod sessions;
mod state;
mod step_work;
mod transaction_control;
mod version_changes;
mod watchdog;
mod wire;
mod worker_driver;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use limbeck_db::{LockWait, ProcessEnvironment};
use limbeck_revision::RevisionMap;
use limbeck_script::interpreter::Interpreter;
use limbeck_script::worker::{ImportedScript, Start, Worker, WorkerOptions};

use crate::version_probe::OpenSession;

pub use self::dry_run::{DryRunReport, DryRunStatement, Loss};
pub use self::event::Event;
pub use self::failure::{
    DatabaseState, FailedStatement, FailedStep, Failure, NotCommitted, RunError, SourceLocation,
};
pub use self::interrupt::{Interrupt, Signal};
pub use self::interruption::{Activity, Interruption};
use self::locks::Locks;
pub(crate) use self::operation::{Inspection, Operation};
use self::progress::RunProgress;
use self::sessions::{DatabaseErrors, Sessions};
use self::state::RunState;
use self::worker_driver::WorkerDriver;

/// The parameters of a run.
pub(crate) struct RunOptions<'a> {
    pub(crate) interpreter: Interpreter,
    /// The worker's first message.
    pub(crate) start: Start,
    /// The environment of the process, for the connection's defaults.
    pub(crate) process_environment: &'a ProcessEnvironment,
    /// Environment variables for the worker, in addition to the inherited ones.
    pub(crate) variables: BTreeMap<String, String>,
    /// Maximum time to wait for the migration lock; `None` to run without it.
    pub(crate) lock_wait: Option<LockWait>,
    /// `true` if the run ends with reading the version table and reporting it as [`Event::Finished`].
    pub(crate) report_final_state: bool,
    /// `true` if the run is rolled back at the end.
    pub(crate) dry_run: bool,
    /// The worker's standard output for a run that writes SQL and opens no connection.
    pub(crate) script_to: Option<Arc<OwnedFd>>,
    /// A session that the version probe left open.
    pub(crate) session: Option<OpenSession>,
    pub(crate) interrupt: Interrupt,
    /// `true` if a statement may block the caller's thread. Signals must then be delivered by another thread.
    pub(crate) blocks_thread: bool,
    pub(crate) on_event: &'a mut (dyn FnMut(Event<'_>) + Send),
}

/// The end of a run that did not fail.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The run completed.
    Done,
    /// The project's code called `sys.exit` with this status.
    Exit(i32),
    /// The headers of all scripts, as asked for.
    Headers(Vec<ImportedScript>),
    /// The dry run completed and was rolled back.
    DryRun(DryRunReport),
}

/// Runs `env.py`, or one of Alembic's functions, in the worker.
///
/// # Errors
/// [`RunError`]: the run failed, was refused or was interrupted. Sessions, locks and the worker are released in any case.
pub(crate) async fn run(
    options: RunOptions<'_>,
    map: &RevisionMap,
    operation: &mut Operation<'_>,
) -> Result<Ending, RunError> {
    let RunOptions {
        interpreter,
        start,
        process_environment,
        variables,
        lock_wait,
        report_final_state,
        dry_run,
        script_to,
        session,
        interrupt,
        blocks_thread,
        on_event,
    } = options;
    let may_connect = script_to.is_none();
    let path = interpreter.path.clone();
    let worker_options = WorkerOptions {
        interpreter,
        start,
        variables,
        output: script_to,
    };
    let watched = blocks_thread.then(|| interrupt.clone());
    let (sessions, calls) = Sessions::new(session, dry_run, watched);
    let mut locks = Locks::new(lock_wait);
    if operation.changes_database()
        && let Some(options) = sessions.probed_options()
    {
        // Python takes a while to start.
        locks.open_session_ahead(options);
    }
    let mut state = RunState {
        sessions,
        errors: DatabaseErrors::default(),
        locks,
        progress: RunProgress::default(),
        version_changes: Vec::new(),
        operation,
        map,
        process_environment,
        dry_run,
        interrupt,
        on_event,
    };
    match Worker::start(&worker_options).await {
        Ok(worker) => {
            let mut driver = WorkerDriver::new(worker, path, calls, may_connect);
            let outcome = driver.run(&mut state).await;
            state.finish(driver, outcome, report_final_state).await
        }
        Err(error) => {
            state.release().await;
            Err(error.into())
        }
    }
}
