//! Before the application: the database is waited for, and brought to the wanted revision.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use limbeck::db::{ConnectError, DbError};
use limbeck::location::VersionLocation;
use limbeck::migrator::{Call, Migrator, Status, Watch};
use limbeck::native::{NativeEnvironment, OpenSession};
use limbeck::project::Project;
use limbeck::run::{Ending, Event, Intent, Interrupt, Refusal, Standing};
use limbeck_supervisor::{Board, Metrics, Phase, Received, SchemaFacts, StepFacts};
use tokio::time::{sleep, timeout};

use super::waiting::{Waiting, connect_error, too_slow};
use super::{Launcher, migrator, since};
use crate::cli_error::CliError;
use crate::context::Context;
use crate::launch_error::LaunchError;
use crate::output::notices::{print_event, print_log, print_warning};
use crate::output::progress::{Progress, truncate_sql};

/// How long a try has at least, however little is left of the wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// What has been done before the application starts.
pub(super) struct Migrated {
    pub(super) project: &'static Project,
    /// Where version rows are to be looked at from now on.
    pub(super) locations: Vec<VersionLocation>,
    /// The rows before and after; none where nothing was done.
    pub(super) standing: Option<Standing>,
    /// The revisions that were applied, in order.
    pub(super) applied: Vec<String>,
}

/// What came of one try.
enum Try {
    Done(Migrated),
    /// The database may come yet.
    NotYet(ConnectError),
    /// There was no answer in the time that there was.
    NoAnswer,
}

impl Launcher<'_> {
    /// Waits for the database and upgrades it.
    pub(super) async fn migrate(&mut self) -> Result<Migrated, CliError> {
        let start = Instant::now();
        let context = self.context;
        let (board, metrics) = (self.board.clone(), self.metrics.clone());
        let settings = self.settings.clone();
        let has_terminal = self.has_terminal;
        let url = self.url.clone();
        let url = url.as_deref();
        let loading = async |interrupt| load(context, url, interrupt).await;
        let (project, signal) = self.unless_signalled(loading).await;
        let project = refuse_signal(project, signal)??;
        self.picture.note_project(project);
        let mut waiting = Waiting::new(start, settings.wait);
        let mut last = None;
        loop {
            let attempt = async |interrupt: Interrupt| {
                let attempt = Attempt {
                    migrator: Migrator {
                        looks_after: true,
                        ..migrator(context, url)?
                    },
                    project,
                    board: &board,
                    metrics: &metrics,
                    revision: &settings.revision,
                    left: waiting.left().max(PATIENCE),
                    has_terminal,
                };
                Box::pin(attempt.make(interrupt)).await
            };
            let (tried, signal) = self.unless_signalled(attempt).await;
            let error = match refuse_signal(tried, signal)?? {
                Try::Done(migrated) => return Ok(migrated),
                Try::NotYet(error) => error,
                // What it was before says more.
                Try::NoAnswer => last.unwrap_or_else(too_slow),
            };
            last = Some(error.clone());
            let Some(pause) = waiting.pause(&format!("for the database: {error}")) else {
                return Err(LaunchError::Database {
                    error: error.into(),
                    waited: since(start),
                }
                .into());
            };
            let reason = error.kind.to_string();
            self.board
                .note(|facts| facts.waiting_for = Some(reason.clone()));
            self.board.database_failed(reason);
            let pausing = async |mut interrupt: Interrupt| {
                // The pause's end and a signal are told apart by the caller.
                let _ = timeout(pause, interrupt.wait_for(Option::is_some)).await;
            };
            let ((), signal) = self.unless_signalled(pausing).await;
            refuse_signal((), signal)?;
        }
    }
}

/// The project, which is there to the end of the process.
pub(super) async fn load(
    context: &Context,
    url: Option<&str>,
    interrupt: Interrupt,
) -> Result<&'static Project, CliError> {
    let mut on_event = |event: Event<'_>| print_event(&event);
    let watch = Watch {
        interrupt,
        keeps_thread: false,
        on_event: &mut on_event,
    };
    let project = migrator(context, url)?.project(watch).await;
    let project = project.map_err(|error| CliError::from(error).in_launch())?;
    for warning in project.warnings() {
        print_warning(warning);
    }
    Ok(Box::leak(Box::new(project)))
}

/// What came of some work, unless a signal has come meanwhile: then nothing is begun any more.
fn refuse_signal<T>(done: T, signal: Option<Received>) -> Result<T, CliError> {
    match signal {
        Some(signal) => Err(LaunchError::Signalled {
            number: signal.number(),
        }
        .into()),
        None => Ok(done),
    }
}

/// One try to bring the database to the wanted revision.
struct Attempt<'a> {
    migrator: Migrator,
    project: &'static Project,
    board: &'a Board,
    metrics: &'a Metrics,
    revision: &'a str,
    /// How long the database may take to let us in.
    left: Duration,
    /// Whether nobody else writes to the terminal meanwhile.
    has_terminal: bool,
}

impl Attempt<'_> {
    async fn make(self, interrupt: Interrupt) -> Result<Try, CliError> {
        let project = self.project;
        let mut session = None;
        if let Some(environment) =
            NativeEnvironment::read(project, &self.migrator.process_environment)?
        {
            let looked = Instant::now();
            match timeout(self.left, environment.look()).await {
                Ok(Ok(look)) => {
                    self.reached(looked.elapsed());
                    let rows = look.heads.unwrap_or_default();
                    let status = Status::new(project, &rows, self.revision)?;
                    note_status(self.board, &status);
                    if look_says_done(&status, &rows) {
                        print_log(&look.log);
                        if let Some(session) = look.session {
                            // What was read stays so.
                            let _ = session.close().await;
                        }
                        return Ok(Try::Done(Migrated {
                            project,
                            locations: vec![environment.location().clone()],
                            standing: None,
                            applied: Vec::new(),
                        }));
                    }
                    session = look.session;
                }
                Ok(Err(DbError::Connect(error))) if error.kind.is_transient() => {
                    return Ok(Try::NotYet(error));
                }
                // The worker meets the same and tells where.
                Ok(Err(_)) => {}
                Err(_) => return Ok(Try::NoAnswer),
            }
        }
        self.run(session, interrupt).await
    }

    async fn run(
        &self,
        session: Option<OpenSession>,
        interrupt: Interrupt,
    ) -> Result<Try, CliError> {
        let project = self.project;
        let target = self.revision;
        let start = Instant::now();
        let reached = Cell::new(false);
        let seen = RefCell::new(Seen::default());
        let mut progress = Progress::new(self.has_terminal);
        let mut on_event = |event: Event<'_>| {
            progress.event(&event);
            if let Event::Located(_) = &event
                && !reached.replace(true)
            {
                self.reached(start.elapsed());
                self.board.enter(Phase::Migrating);
            }
            if let Event::Planned { heads, .. } = &event {
                self.stands(heads);
            }
            seen.borrow_mut().event(&event, self.board, self.metrics);
        };
        let (stop, stopped) = tokio::sync::watch::channel(*interrupt.borrow());
        let watch = Watch {
            interrupt: stopped,
            keeps_thread: false,
            on_event: &mut on_event,
        };
        let call = Call {
            session,
            ..Call::to("upgrade", target)
        };
        let intent = &mut Intent::Upgrade(target.to_owned());
        let ended = {
            let running = self.migrator.run(call, Some(project), intent, watch);
            tokio::pin!(running);
            let mut interrupt = interrupt;
            let mut late = false;
            loop {
                tokio::select! {
                    ended = &mut running => break (ended, late),
                    // Only until the environment is connected: a migration takes the time that it takes.
                    () = sleep(self.left), if !reached.get() && !late => {
                        if !reached.get() {
                            late = true;
                            stop.send_replace(Some(limbeck::run::Signal::Terminate));
                        }
                    }
                    Ok(signal) = interrupt.wait_for(Option::is_some) => {
                        stop.send_replace(*signal);
                        drop(signal);
                        break ((&mut running).await, late);
                    }
                }
            }
        };
        let seen = seen.into_inner();
        match ended {
            (Ok(Ending::Done), _) => {
                seen.last_step(self.metrics);
                if let ([_], Some(standing)) = (&seen.locations[..], &seen.standing)
                    && let Some(rows) = &standing.after
                {
                    self.stands(rows);
                }
                self.board.note(|facts| {
                    facts.step = None;
                    facts.steps_done = 0;
                });
                Ok(Try::Done(Migrated {
                    project,
                    locations: seen.locations,
                    standing: seen.standing,
                    applied: seen.applied,
                }))
            }
            (Ok(Ending::Refused(message)), _) => Err(CliError::Refused(message).in_launch()),
            (Ok(Ending::Exit(status)), _) => {
                let refusal = Refusal::of_exit(status);
                Err(CliError::Refused(refusal.0).in_launch())
            }
            (Ok(Ending::Headers(_)), _) => {
                let text = "the worker has answered another question".to_owned();
                Err(CliError::Refused(text).in_launch())
            }
            (Err(_), true) => Ok(Try::NoAnswer),
            (Err(error), false) => match connect_error(error, reached.get()) {
                Ok(error) => Ok(Try::NotYet(error)),
                Err(error) => Err(CliError::from(error).in_launch()),
            },
        }
    }

    /// Notes where the schema stands; what doesn't fit the scripts is refused by the run itself.
    fn stands(&self, rows: &[String]) {
        if let Ok(status) = Status::new(self.project, rows, self.revision) {
            note_status(self.board, &status);
        }
    }

    fn reached(&self, took: Duration) {
        self.board.note(|facts| facts.waiting_for = None);
        self.board.database_answered(took);
    }
}

/// A plan that is empty because there is nothing to do: without version rows `upgrade` makes the table, at least.
fn look_says_done(status: &Status, rows: &[String]) -> bool {
    status.is_there() && !rows.is_empty()
}

/// Notes where the schema stands.
pub(super) fn note_status(board: &Board, status: &Status) {
    let pending = status
        .pending
        .iter()
        .map(|pending| (pending.revision.clone(), pending.doc.clone()))
        .collect();
    let schema = SchemaFacts {
        current: status.current.clone(),
        heads: status.heads.clone(),
        pending,
        at_head: status.is_there(),
    };
    board.note(|facts| facts.schema = Some(schema));
}

/// What a run has told.
#[derive(Default)]
pub(super) struct Seen {
    locations: Vec<VersionLocation>,
    standing: Option<Standing>,
    applied: Vec<String>,
    step: Option<Instant>,
}

impl Seen {
    pub(super) fn event(&mut self, event: &Event<'_>, board: &Board, metrics: &Metrics) {
        match event {
            Event::Located(location) => {
                let scope = location.scope();
                if self.locations.iter().all(|known| known.scope() != scope) {
                    self.locations.push((*location).clone());
                }
            }
            Event::Step {
                revision,
                kind,
                number,
                of,
                ..
            } => {
                self.last_step(metrics);
                self.applied.push((*revision).to_owned());
                let since = Instant::now();
                self.step = Some(since);
                board.note(|facts| {
                    facts.steps_done = number - 1;
                    facts.step = Some(StepFacts {
                        revision: (*revision).to_owned(),
                        kind: (*kind).to_owned(),
                        number: *number,
                        of: *of,
                        statements: 0,
                        statement: None,
                        since,
                    });
                });
            }
            Event::StatementBegins { sql } => {
                let shown = truncate_sql(sql);
                board.note(|facts| {
                    if let Some(step) = &mut facts.step {
                        step.statement = Some(shown);
                    }
                });
            }
            Event::StatementEnds { took, succeeded } => {
                if *succeeded {
                    metrics.statement(*took);
                }
                board.note(|facts| {
                    if let Some(step) = &mut facts.step {
                        step.statement = None;
                        step.statements += usize::from(*succeeded);
                    }
                });
            }
            Event::Stands(standing) => self.standing = Some(standing.clone()),
            Event::Planned { .. } | Event::Rehearsed(_) => {}
            Event::WaitingForLock { .. } => {
                board.note(|facts| facts.waiting_for = Some("migration lock".into()));
            }
            Event::LockTaken { .. } => board.note(|facts| facts.waiting_for = None),
        }
    }

    fn last_step(&self, metrics: &Metrics) {
        if let Some(start) = self.step {
            metrics.step(start.elapsed());
        }
    }
}
