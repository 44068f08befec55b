//! Checks the database while the application runs: its connection, and whether the schema is still at the target.

use std::sync::Arc;
use std::time::{Duration, Instant};

use limbeck::VersionTableLocation;
use limbeck::db::DbError;
use limbeck::migrator::Status;
use limbeck::project::Project;
use limbeck_supervisor::SharedState;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::Launcher;
use super::database::{MigrationResult, record_status};

/// The interval between two checks.
const INTERVAL: Duration = Duration::from_secs(10);

/// The maximum duration of a check.
const LIMIT: Duration = Duration::from_secs(5);

/// The scripts and the version tables that the monitor compares.
pub(super) struct MonitorTarget {
    project: &'static Project,
    locations: Vec<VersionTableLocation>,
}

impl MonitorTarget {
    pub(super) fn new(migration: &MigrationResult) -> Self {
        Self {
            project: migration.project,
            locations: migration.locations.clone(),
        }
    }
}

/// The task that checks the database.
pub(super) struct Monitor {
    state: SharedState,
    revision: String,
    target: watch::Receiver<MonitorTarget>,
    changed: Arc<Notify>,
}

impl Monitor {
    /// Creates a monitor, and the sender that replaces its target. The monitor notifies `changed` after each check.
    pub(super) fn new(
        launcher: &Launcher<'_>,
        migration: &MigrationResult,
        changed: &Arc<Notify>,
    ) -> (Self, watch::Sender<MonitorTarget>) {
        let (sender, target) = watch::channel(MonitorTarget::new(migration));
        let monitor = Self {
            state: launcher.state.clone(),
            revision: launcher.settings.revision.clone(),
            target,
            changed: Arc::clone(changed),
        };
        (monitor, sender)
    }

    /// Checks the database at each interval, and at once when the target changes.
    pub(super) async fn run(mut self) {
        loop {
            self.check().await;
            self.changed.notify_one();
            tokio::select! {
                () = sleep(INTERVAL) => {}
                Ok(()) = self.target.changed() => {}
            }
        }
    }

    async fn check(&mut self) {
        let start = Instant::now();
        let mut all = Status::default();
        let (project, locations) = {
            let target = self.target.borrow_and_update();
            (target.project, target.locations.clone())
        };
        for location in &locations {
            let problem = match timeout(LIMIT, location.heads()).await {
                Ok(Ok(rows)) => {
                    let rows = rows.unwrap_or_default();
                    match Status::new(project, &rows, &self.revision) {
                        Ok(status) => {
                            all.current.extend(status.current);
                            all.pending.extend(status.pending);
                            all.heads = status.heads;
                            continue;
                        }
                        // An unknown revision means that a newer release has migrated.
                        Err(refusal) => refusal.kind().name().to_owned(),
                    }
                }
                Ok(Err(DbError::Connect(error))) => error.kind.to_string(),
                Ok(Err(DbError::Server(error))) => format!("server: {}", error.code),
                Ok(Err(_)) => "lost".to_owned(),
                Err(_) => "timeout".to_owned(),
            };
            self.state.record_database_failure(problem);
            return;
        }
        self.state.record_database_answer(start.elapsed());
        record_status(&self.state, &all);
    }
}
