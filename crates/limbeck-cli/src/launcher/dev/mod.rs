//! `dev`: a database at head, and all processes of a project, started again when sources change.

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

use limbeck::location::VersionLocation;
use limbeck::migrator::{Pending, Status};
use limbeck::project::Project;
use limbeck::url::{DatabaseUrl, mask};
use limbeck_supervisor::{Audience, HealthServer, Launch, Phase, ProcessFacts, listening};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until};

use self::changes::{Change, Changes};
use self::output::Prefix;
use self::process::{Became, Runner, Wanted};
pub(crate) use self::settings::{DevSettings, Migrate};
use super::database::Migrated;
use super::database::note_status;
use super::monitor::{Monitor, Sight};
use super::{EXEC, Launcher, Settings, tell, this_program, urls};
use crate::cli_error::{CliError, Outcome};
use crate::context::Context;
use crate::launch_error::LaunchError;

/// The database of a project that names none.
const DEFAULT_URL: &str = "sqlite+aiosqlite:///dev.db";

/// `PORT` of the first process, and how far the next ones are away, as in foreman.
const PORTS: (u16, u16) = (5000, 100);

/// An editor writes several files, or one several times.
const SETTLING: Duration = Duration::from_millis(200);

/// How long processes that listen nowhere may take until they count as up.
const UP: Duration = Duration::from_secs(3);

/// How often is looked whether they listen.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the processes of a project.
pub(crate) fn run(context: &Context, settings: Settings, dev: DevSettings) -> Outcome {
    let project = context.project()?;
    let url = default_url(context, project)?;
    if let Some(url) = &url {
        tell(&format!("nothing names a database: {url} is used"));
    }
    let folder = std::env::current_dir()
        .map_err(|error| CliError::System("could not find the current folder", error))?;
    let aside = LocalSet::new();
    context.runtime()?.block_on(aside.run_until(async {
        let address = settings.health_addr.unwrap_or(([127, 0, 0, 1], 0).into());
        let mut launcher = Launcher::new(context, settings, url)?;
        let processes = dev.processes.keys();
        let processes = processes.map(|name| ProcessFacts::new(name)).collect();
        launcher
            .board
            .note(|facts| facts.application.processes = processes);
        let server = launcher.serve(address)?;
        let migrated = launcher.migrate().await?;
        launcher.has_terminal = false;
        let developing = Developing::start(launcher, dev, migrated, server, folder)?;
        developing.go_on().await
    }))
}

/// The URL of a file, where neither the environment nor a stock `env.py` names a database.
fn default_url(context: &Context, project: &Project) -> Result<Option<String>, CliError> {
    let known = urls::provider(context, project)?.is_some();
    Ok((!known).then(|| DEFAULT_URL.to_owned()))
}

/// What a developer has running.
struct Developing<'a> {
    launcher: Launcher<'a>,
    settings: DevSettings,
    migrated: Migrated,
    server: HealthServer,
    /// What the monitor looks at.
    sight: watch::Sender<Sight>,
    tasks: JoinSet<()>,
    names: Vec<String>,
    wanted: Vec<watch::Sender<Wanted>>,
    became: mpsc::UnboundedReceiver<(usize, Became)>,
    states: Vec<Option<Became>>,
    changes: Changes,
    /// Lines from a terminal.
    keys: mpsc::UnboundedReceiver<()>,
    /// What has been offered.
    offered: Vec<Pending>,
    generation: u64,
}

impl<'a> Developing<'a> {
    fn start(
        launcher: Launcher<'a>,
        settings: DevSettings,
        migrated: Migrated,
        server: HealthServer,
        folder: PathBuf,
    ) -> Result<Self, CliError> {
        let variables = launcher.variables(migrated.project)?;
        let guard = Launcher::guard()?;
        let (sender, became) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let names: Vec<String> = settings.processes.keys().cloned().collect();
        let width = names.iter().map(String::len).max().unwrap_or_default();
        let mut wanted = Vec::new();
        for (place, (name, process)) in settings.processes.iter().enumerate() {
            let (tell, told) = watch::channel(Wanted::Running(0));
            wanted.push(tell);
            let runner = Runner {
                place,
                launch: Launch {
                    starter: this_program([EXEC.into()].into_iter())?,
                    command: ["/bin/sh", "-c", process.command()]
                        .map(OsString::from)
                        .to_vec(),
                    variables: with_port(&variables, launcher.context, place),
                    is_piped: true,
                },
                guard: guard.clone(),
                prefix: Prefix::new(name, place, width),
                grace: launcher.settings.stop_timeout,
                wanted: told,
                became: sender.clone(),
            };
            tasks.spawn(runner.go_on());
        }
        launcher.board.enter(Phase::Starting);
        let (monitor, sight) = Monitor::new(&launcher, &migrated, &Arc::new(Notify::new()));
        tasks.spawn(monitor.watch());
        let watched = if settings.watch.is_empty() {
            vec![folder.clone()]
        } else {
            settings
                .watch
                .iter()
                .map(|path| folder.join(path))
                .collect()
        };
        let revisions: Vec<PathBuf> = migrated
            .project
            .script_folders()
            .into_iter()
            .map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()))
            .collect();
        let changes = Changes::watch(&folder, &watched, revisions).map_err(LaunchError::Watch)?;
        Ok(Self {
            states: vec![None; names.len()],
            keys: keys(),
            offered: Vec::new(),
            generation: 0,
            launcher,
            settings,
            migrated,
            server,
            sight,
            tasks,
            names,
            wanted,
            became,
            changes,
        })
    }

    async fn go_on(mut self) -> Outcome {
        let start = Instant::now();
        let mut summed_up = false;
        let mut settled: Option<Instant> = None;
        let (mut source, mut revision) = (false, false);
        let received = loop {
            tokio::select! {
                signal = self.launcher.signals.next() => if signal.ends() {
                    break signal;
                },
                Some((place, became)) = self.became.recv() => {
                    self.states[place] = Some(became);
                    self.note_process(place, became);
                    self.note();
                }
                change = self.changes.next() => {
                    let more = std::iter::from_fn(|| self.changes.more());
                    for change in std::iter::once(change).chain(more) {
                        source |= change == Change::Source;
                        revision |= change == Change::Revision;
                    }
                    settled = Some(Instant::now() + SETTLING);
                }
                () = sleep_until(settled.unwrap_or(start)), if settled.is_some() => {
                    settled = None;
                    if std::mem::take(&mut revision) {
                        self.look_for_revisions().await;
                    }
                    if std::mem::take(&mut source) {
                        self.restart();
                    }
                }
                Some(()) = self.keys.recv() => if !self.offered.is_empty() {
                    self.apply().await;
                },
                () = sleep(LOOK), if !summed_up => {
                    let addresses = self.addresses();
                    if addresses.iter().all(|found| !found.is_empty()) || start.elapsed() > UP {
                        summed_up = true;
                        self.sum_up(&addresses);
                    }
                }
            }
        };
        self.launcher.board.enter(Phase::Stopping);
        for wanted in &self.wanted {
            wanted.send_replace(Wanted::Ended);
        }
        // Whoever doesn't end in time is killed by its runner; the monitor ends with the set.
        let mut left = self.names.len();
        while left > 0 && self.tasks.join_next().await.is_some() {
            left -= 1;
        }
        Ok(u8::try_from(128 + received.number()).unwrap_or(1))
    }

    /// All processes that are not to be left alone.
    fn restart(&mut self) {
        self.generation += 1;
        let mut names = Vec::new();
        for ((name, process), wanted) in self.settings.processes.iter().zip(&self.wanted) {
            if process.restarts() {
                names.push(name.as_str());
                wanted.send_replace(Wanted::Running(self.generation));
            }
        }
        if !names.is_empty() {
            tell(&format!(
                "a source has changed: {} started again",
                names.join(", ")
            ));
        }
    }

    fn note_process(&self, place: usize, became: Became) {
        self.launcher.board.note(|facts| {
            if let Some(process) = facts.application.processes.get_mut(place) {
                match became {
                    Became::Running(group) => process.runs(group),
                    Became::Ended(status) => process.ended(status),
                }
            }
        });
    }

    /// Notes for the health endpoints whether all processes run.
    fn note(&self) {
        let running = |state: &Option<Became>| matches!(state, Some(Became::Running(_)));
        let well = self.states.iter().all(running);
        let first = self.states.iter().find_map(|state| match state {
            Some(Became::Running(group)) => Some(*group),
            _ => None,
        });
        self.launcher.board.note(|facts| {
            facts.application.pid = first;
            facts.application.well = well;
            facts.started |= well;
        });
        if well {
            self.launcher.board.enter(Phase::Running);
        }
    }

    /// Where each process listens.
    fn addresses(&self) -> Vec<Vec<String>> {
        let states = self.states.iter();
        states
            .map(|state| match state {
                Some(Became::Running(group)) => {
                    let found = listening(*group).into_iter();
                    found.map(|address| format!("http://{address}")).collect()
                }
                _ => Vec::new(),
            })
            .collect()
    }

    fn sum_up(&self, addresses: &[Vec<String>]) {
        tell("up:");
        let mut rows = Vec::new();
        for ((name, state), addresses) in self.names.iter().zip(&self.states).zip(addresses) {
            let what = match state {
                Some(Became::Running(_)) if addresses.is_empty() => "runs".to_owned(),
                Some(Became::Running(_)) => addresses.join(", "),
                _ => "has ended".to_owned(),
            };
            rows.push((name.as_str(), what));
        }
        let facts = self.launcher.board.facts();
        let revisions = facts.schema.map(|schema| schema.current.join(", "));
        let url = self.launcher.url.as_deref().map_or_else(
            || "the project's".to_owned(),
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
        if self.launcher.settings.page != Audience::Nobody {
            rows.push(("page", format!("http://{server}/")));
        }
        let width = rows
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or_default();
        for (name, what) in rows {
            anstream::eprintln!("  {name:width$}  {what}");
        }
    }

    /// What the scripts have that the database has not.
    async fn pending(&mut self) -> Result<Vec<Pending>, CliError> {
        let context = self.launcher.context;
        let url = self.launcher.url.as_deref();
        let project = super::database::load(context, url, watch::channel(None).1).await?;
        self.migrated.project = project;
        self.launcher.picture.note_project(project);
        self.sight.send_replace(Sight::of(&self.migrated));
        let mut all = Status::default();
        for location in &self.migrated.locations {
            let status = of_location(project, location, &self.launcher.settings.revision).await?;
            all.current.extend(status.current);
            all.pending.extend(status.pending);
            all.heads = status.heads;
        }
        note_status(&self.launcher.board, &all);
        Ok(all.pending)
    }

    async fn look_for_revisions(&mut self) {
        match self.pending().await {
            Ok(pending) if pending.is_empty() => self.offered.clear(),
            Ok(pending) => {
                let list: Vec<String> = pending
                    .iter()
                    .map(|pending| format!("{} ({})", pending.revision, pending.doc))
                    .collect();
                let list = list.join(", ");
                match self.settings.migrate.unwrap_or(Migrate::Offer) {
                    Migrate::Apply => {
                        tell(&format!("new: {list}"));
                        self.apply().await;
                    }
                    Migrate::Offer if std::io::stdin().is_terminal() => {
                        tell(&format!("new: {list}; press Enter to apply"));
                        self.offered = pending;
                    }
                    Migrate::Offer | Migrate::Tell => {
                        tell(&format!("new: {list}; apply with `limbeck upgrade head`"));
                    }
                }
            }
            // A script that is being written.
            Err(error) => {
                crate::exit::report(self.launcher.context, error);
            }
        }
    }

    async fn apply(&mut self) {
        self.offered.clear();
        match self.launcher.migrate().await {
            Ok(migrated) => {
                self.migrated = migrated;
                self.sight.send_replace(Sight::of(&self.migrated));
                tell("the database is at head");
            }
            Err(error) => {
                crate::exit::report(self.launcher.context, error);
            }
        }
        self.launcher.board.enter(Phase::Running);
        self.note();
    }
}

async fn of_location(
    project: &Project,
    location: &VersionLocation,
    target: &str,
) -> Result<Status, CliError> {
    let rows = match location.heads().await {
        Ok(rows) => rows.unwrap_or_default(),
        Err(limbeck::db::DbError::Connect(error)) => return Err(CliError::Database(error)),
        Err(error) => return Err(CliError::Refused(error.to_string())),
    };
    Ok(Status::new(project, &rows, target)?)
}

/// The variables of a process, with a `PORT` of its own where the developer has set none.
fn with_port(
    variables: &BTreeMap<String, OsString>,
    context: &Context,
    place: usize,
) -> BTreeMap<String, OsString> {
    let mut variables = variables.clone();
    if context.variable("PORT").is_none()
        && let Ok(place) = u16::try_from(place)
    {
        let port = PORTS.0.saturating_add(PORTS.1.saturating_mul(place));
        variables.insert("PORT".into(), port.to_string().into());
    }
    variables
}

/// Each line that a terminal gives. The thread ends with the process: nothing can end its reading.
fn keys() -> mpsc::UnboundedReceiver<()> {
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
