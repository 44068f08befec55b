//! `limbeck dev`: upgrades the database, runs all processes of a project, and restarts them when sources change.

mod changes;
mod output;
mod process;
mod settings;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use limbeck::VersionTableLocation;
use limbeck::migrator::{Pending, Status};
use limbeck::project::Project;
use limbeck::url::{DatabaseUrl, mask};
use limbeck_supervisor::{
    HealthServer, LaunchSpec, PageAccess, Phase, ProcessState, Streams, listening_addresses,
};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until};

use self::changes::{Changes, FileChange};
use self::output::Prefix;
use self::process::{ProcessStatus, Runner, TargetState};
pub(crate) use self::settings::{DevSettings, NewRevisions};
use super::database::{MigrationResult, load_project, record_status};
use super::monitor::{Monitor, MonitorTarget};
use super::{EXEC, Launcher, Settings, own_command, print_notice, urls};
use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;
use crate::exit;
use crate::launch_error::LaunchError;

/// The database URL that limbeck uses if the project has none.
const DEFAULT_URL: &str = "sqlite+aiosqlite:///dev.db";

/// The `PORT` of the first process, as in foreman.
const FIRST_PORT: u16 = 5000;

/// The distance between the ports of two processes, as in foreman.
const PORT_STEP: u16 = 100;

/// The delay between a change and the restart. An editor may write several files, or one file several times.
const SETTLE_TIME: Duration = Duration::from_millis(200);

/// The time after which the summary is printed even if some processes don't listen on an address.
const SUMMARY_DELAY: Duration = Duration::from_secs(3);

/// The interval between two checks whether the processes listen.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs `limbeck dev`.
pub(crate) fn run(context: &Context, settings: Settings, dev: DevSettings) -> CommandResult {
    let project = context.project()?;
    let url = default_url(context, project)?;
    if let Some(url) = &url {
        print_notice(&format!("no database URL is configured: using {url}"));
    }
    let folder = std::env::current_dir()
        .map_err(|error| CliError::System("could not find the current folder", error))?;
    let tasks = LocalSet::new();
    context.runtime()?.block_on(tasks.run_until(async {
        let address = settings.health_addr.unwrap_or(([127, 0, 0, 1], 0).into());
        let mut launcher = Launcher::new(context, settings, url)?;
        let processes = dev.processes.keys();
        let processes = processes.map(|name| ProcessState::new(name)).collect();
        launcher
            .state
            .update(|state| state.application.processes = processes);
        let server = launcher.start_health_server(address)?;
        let migration = launcher.migrate().await?;
        launcher.owns_terminal = false;
        let session = DevSession::start(launcher, dev, migration, server, folder)?;
        session.run().await
    }))
}

/// Returns the URL of a SQLite file if neither the environment nor a stock `env.py` has a URL.
fn default_url(context: &Context, project: &Project) -> Result<Option<String>, CliError> {
    let is_known = urls::url_provider(context, project)?.is_some();
    Ok((!is_known).then(|| DEFAULT_URL.to_owned()))
}

/// The running processes and what `limbeck dev` watches.
struct DevSession<'a> {
    launcher: Launcher<'a>,
    settings: DevSettings,
    migration: MigrationResult,
    server: HealthServer,
    monitor_target: watch::Sender<MonitorTarget>,
    tasks: JoinSet<()>,
    names: Vec<String>,
    /// The requested state of each process.
    targets: Vec<watch::Sender<TargetState>>,
    /// Status changes, each with the index of its process.
    status_changes: mpsc::UnboundedReceiver<(usize, ProcessStatus)>,
    /// The status of each process; `None` before its first start.
    statuses: Vec<Option<ProcessStatus>>,
    changes: Changes,
    /// A message for each line from the terminal.
    terminal_lines: mpsc::UnboundedReceiver<()>,
    /// The revisions that Enter applies.
    offered: Vec<Pending>,
    /// The number of restarts.
    generation: u64,
}

impl<'a> DevSession<'a> {
    fn start(
        launcher: Launcher<'a>,
        settings: DevSettings,
        migration: MigrationResult,
        server: HealthServer,
        folder: PathBuf,
    ) -> Result<Self, CliError> {
        let variables = launcher.application_variables(migration.project)?;
        let guard = Launcher::start_guard()?;
        let (sender, status_changes) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let names: Vec<String> = settings.processes.keys().cloned().collect();
        let width = names.iter().map(String::len).max().unwrap_or_default();
        let mut targets = Vec::new();
        for (index, (name, process)) in settings.processes.iter().enumerate() {
            let (target_sender, target) = watch::channel(TargetState::Running { generation: 0 });
            targets.push(target_sender);
            let runner = Runner {
                index,
                spec: LaunchSpec {
                    starter: own_command([EXEC.into()].into_iter())?,
                    command: ["/bin/sh", "-c", process.command()]
                        .map(OsString::from)
                        .to_vec(),
                    variables: with_port(&variables, launcher.context, index),
                    streams: Streams::Piped,
                },
                guard: guard.clone(),
                prefix: Prefix::new(name, index, width),
                state: launcher.state.clone(),
                grace: launcher.settings.stop_timeout,
                target,
                status_changes: sender.clone(),
            };
            tasks.spawn(runner.run());
        }
        launcher.state.enter_phase(Phase::Starting);
        let (monitor, monitor_target) =
            Monitor::new(&launcher, &migration, &Arc::new(Notify::new()));
        tasks.spawn(monitor.run());
        let watched = if settings.watch.is_empty() {
            vec![folder.clone()]
        } else {
            settings
                .watch
                .iter()
                .map(|path| folder.join(path))
                .collect()
        };
        let revisions: Vec<PathBuf> = migration
            .project
            .script_folders()
            .into_iter()
            .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()))
            .collect();
        let changes = Changes::watch(&folder, &watched, revisions).map_err(LaunchError::Watch)?;
        Ok(Self {
            statuses: vec![None; names.len()],
            terminal_lines: terminal_lines(),
            offered: Vec::new(),
            generation: 0,
            launcher,
            settings,
            migration,
            server,
            monitor_target,
            tasks,
            names,
            targets,
            status_changes,
            changes,
        })
    }

    /// Runs until a signal asks limbeck to end.
    async fn run(mut self) -> CommandResult {
        let start = Instant::now();
        let mut has_summary = false;
        let mut settled_at: Option<Instant> = None;
        let (mut has_source_change, mut has_new_revision) = (false, false);
        let received = loop {
            tokio::select! {
                signal = self.launcher.signals.next() => if signal.is_end_request() {
                    break signal;
                },
                Some((index, status)) = self.status_changes.recv() => {
                    self.statuses[index] = Some(status);
                    self.record_process(index, status);
                    self.record_application();
                }
                change = self.changes.next() => {
                    let more = std::iter::from_fn(|| self.changes.try_next());
                    for change in std::iter::once(change).chain(more) {
                        has_source_change |= change == FileChange::Source;
                        has_new_revision |= change == FileChange::Revision;
                    }
                    settled_at = Some(Instant::now() + SETTLE_TIME);
                }
                () = sleep_until(settled_at.unwrap_or(start)), if settled_at.is_some() => {
                    settled_at = None;
                    if std::mem::take(&mut has_new_revision) {
                        self.handle_new_revisions().await;
                    }
                    if std::mem::take(&mut has_source_change) {
                        self.restart();
                    }
                }
                Some(()) = self.terminal_lines.recv() => if !self.offered.is_empty() {
                    self.apply().await;
                },
                () = sleep(POLL_INTERVAL), if !has_summary => {
                    let addresses = self.addresses();
                    if addresses.iter().all(|found| !found.is_empty()) || start.elapsed() > SUMMARY_DELAY {
                        has_summary = true;
                        self.print_summary(&addresses);
                    }
                }
            }
        };
        self.launcher.state.enter_phase(Phase::Stopping);
        for target in &self.targets {
            target.send_replace(TargetState::Stopped);
        }
        // Each runner kills a process that does not end in time. The monitor's task ends when the set is dropped.
        let mut remaining = self.names.len();
        while remaining > 0 && self.tasks.join_next().await.is_some() {
            remaining -= 1;
        }
        Ok(u8::try_from(128 + received.number()).unwrap_or(1))
    }

    /// Restarts the processes that don't reload by themselves.
    fn restart(&mut self) {
        self.generation += 1;
        let mut names = Vec::new();
        for ((name, process), target) in self.settings.processes.iter().zip(&self.targets) {
            if process.restarts_on_change() {
                names.push(name.as_str());
                target.send_replace(TargetState::Running {
                    generation: self.generation,
                });
            }
        }
        if !names.is_empty() {
            print_notice(&format!(
                "a source has changed: restarting {}",
                names.join(", ")
            ));
        }
    }

    fn record_process(&self, index: usize, status: ProcessStatus) {
        self.launcher.state.update(|state| {
            if let Some(process) = state.application.processes.get_mut(index) {
                match status {
                    ProcessStatus::Running { group } => process.record_start(group),
                    ProcessStatus::Exited { status } => process.record_exit(status),
                }
            }
        });
    }

    /// Records whether all processes run. The application is healthy if they do.
    fn record_application(&self) {
        let is_running =
            |status: &Option<ProcessStatus>| matches!(status, Some(ProcessStatus::Running { .. }));
        let is_healthy = self.statuses.iter().all(is_running);
        let first = self.statuses.iter().find_map(|status| match status {
            Some(ProcessStatus::Running { group }) => Some(*group),
            _ => None,
        });
        self.launcher.state.update(|state| {
            state.application.pid = first;
            state.application.is_healthy = is_healthy;
            state.has_been_ready |= is_healthy;
        });
        if is_healthy {
            self.launcher.state.enter_phase(Phase::Running);
        }
    }

    /// Returns the addresses on which each process listens.
    fn addresses(&self) -> Vec<Vec<String>> {
        let statuses = self.statuses.iter();
        statuses
            .map(|status| match status {
                Some(ProcessStatus::Running { group }) => {
                    let found = listening_addresses(*group).into_iter();
                    found.map(|address| format!("http://{address}")).collect()
                }
                _ => Vec::new(),
            })
            .collect()
    }

    fn print_summary(&self, addresses: &[Vec<String>]) {
        print_notice("started:");
        let mut rows = Vec::new();
        for ((name, status), addresses) in self.names.iter().zip(&self.statuses).zip(addresses) {
            let text = match status {
                Some(ProcessStatus::Running { .. }) if addresses.is_empty() => "running".to_owned(),
                Some(ProcessStatus::Running { .. }) => addresses.join(", "),
                _ => "exited".to_owned(),
            };
            rows.push((name.as_str(), text));
        }
        let state = self.launcher.state.snapshot();
        let revisions = state.schema.map(|schema| schema.current.join(", "));
        let url = self.launcher.url.as_deref().map_or_else(
            || "configured by the project".to_owned(),
            |url| {
                DatabaseUrl::parse(url)
                    .map_or_else(|_| mask(url).into_owned(), |url| url.to_string())
            },
        );
        rows.push((
            "database",
            format!("{url}, at {}", revisions.unwrap_or_default()),
        ));
        let server = self.server.address();
        rows.push(("health", format!("http://{server}/health")));
        if self.launcher.settings.page != PageAccess::Off {
            rows.push(("page", format!("http://{server}/")));
        }
        let width = rows
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or_default();
        for (name, text) in rows {
            anstream::eprintln!("  {name:width$}  {text}");
        }
    }

    /// Reads the project again and returns the revisions that the database lacks.
    async fn pending(&mut self) -> Result<Vec<Pending>, CliError> {
        let context = self.launcher.context;
        let url = self.launcher.url.as_deref();
        let project = load_project(context, url, watch::channel(None).1).await?;
        self.migration.project = project;
        self.launcher.page.set_project(project);
        self.update_monitor();
        let mut all = Status::default();
        for location in &self.migration.locations {
            let status = status_of(project, location, &self.launcher.settings.revision).await?;
            all.current.extend(status.current);
            all.pending.extend(status.pending);
            all.heads = status.heads;
        }
        record_status(&self.launcher.state, &all);
        Ok(all.pending)
    }

    /// Applies, offers or announces new revisions.
    async fn handle_new_revisions(&mut self) {
        match self.pending().await {
            Ok(pending) if pending.is_empty() => self.offered.clear(),
            Ok(pending) => {
                let list: Vec<String> = pending
                    .iter()
                    .map(|pending| format!("{} ({})", pending.revision, pending.doc))
                    .collect();
                let list = list.join(", ");
                match self.settings.migrate.unwrap_or(NewRevisions::Offer) {
                    NewRevisions::Apply => {
                        print_notice(&format!("new: {list}"));
                        self.apply().await;
                    }
                    NewRevisions::Offer if std::io::stdin().is_terminal() => {
                        print_notice(&format!("new: {list}; press Enter to apply"));
                        self.offered = pending;
                    }
                    NewRevisions::Offer | NewRevisions::Announce => {
                        print_notice(&format!("new: {list}; apply with `limbeck upgrade head`"));
                    }
                }
            }
            // The developer may not have finished the script.
            Err(error) => {
                exit::report(self.launcher.context, error);
            }
        }
    }

    async fn apply(&mut self) {
        self.offered.clear();
        match self.launcher.migrate().await {
            Ok(migration) => {
                self.migration = migration;
                self.update_monitor();
                print_notice("the database is at head");
            }
            Err(error) => {
                exit::report(self.launcher.context, error);
            }
        }
        self.launcher.state.enter_phase(Phase::Running);
        self.record_application();
    }

    /// Makes the monitor check the current project and version tables.
    fn update_monitor(&self) {
        let target = MonitorTarget::new(&self.migration);
        self.monitor_target.send_replace(target);
    }
}

/// Compares the version rows at a location with the scripts.
async fn status_of(
    project: &Project,
    location: &VersionTableLocation,
    target: &str,
) -> Result<Status, CliError> {
    let rows = match location.heads().await {
        Ok(rows) => rows.unwrap_or_default(),
        Err(limbeck::db::DbError::Connect(error)) => return Err(CliError::Database(error)),
        Err(error) => return Err(CliError::usage(error.to_string())),
    };
    Ok(Status::new(project, &rows, target)?)
}

/// Returns the variables of a process, with its own `PORT` unless the developer's environment has one.
fn with_port(
    variables: &BTreeMap<String, OsString>,
    context: &Context,
    index: usize,
) -> BTreeMap<String, OsString> {
    let mut variables = variables.clone();
    if context.variable("PORT").is_none()
        && let Ok(index) = u16::try_from(index)
    {
        let port = FIRST_PORT.saturating_add(PORT_STEP.saturating_mul(index));
        variables.insert("PORT".into(), port.to_string().into());
    }
    variables
}

/// Returns a channel with a message for each line from the terminal. The reading thread can't be stopped and ends with the
/// process.
fn terminal_lines() -> mpsc::UnboundedReceiver<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    if std::io::stdin().is_terminal() {
        std::thread::spawn(move || {
            let mut line = String::new();
            while std::io::stdin()
                .read_line(&mut line)
                .is_ok_and(|length| length > 0)
            {
                if sender.send(()).is_err() {
                    return;
                }
                line.clear();
            }
        });
    }
    receiver
}
