//! Looks at the database while the application runs: whether it answers, and whether the schema is still the wanted one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use limbeck::db::DbError;
use limbeck::location::VersionLocation;
use limbeck::migrator::Status;
use limbeck::project::Project;
use limbeck_supervisor::Board;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::Launcher;
use super::database::{Migrated, note_status};

/// How long between two looks, and how long one may take.
const INTERVAL: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(5);

/// What the rows are held against, and where they are.
pub(super) struct Sight {
    project: &'static Project,
    locations: Vec<VersionLocation>,
}

impl Sight {
    pub(super) fn of(migrated: &Migrated) -> Self {
        Self {
            project: migrated.project,
            locations: migrated.locations.clone(),
        }
    }
}

/// What looks at the database.
pub(super) struct Monitor {
    board: Board,
    revision: String,
    sight: watch::Receiver<Sight>,
    changed: Arc<Notify>,
}

impl Monitor {
    /// What looks, and who tells it when the project is another one.
    pub(super) fn new(
        launcher: &Launcher<'_>,
        migrated: &Migrated,
        changed: &Arc<Notify>,
    ) -> (Self, watch::Sender<Sight>) {
        let (sender, sight) = watch::channel(Sight::of(migrated));
        let monitor = Self {
            board: launcher.board.clone(),
            revision: launcher.settings.revision.clone(),
            sight,
            changed: Arc::clone(changed),
        };
        (monitor, sender)
    }

    pub(super) async fn watch(mut self) {
        loop {
            self.look().await;
            self.changed.notify_one();
            tokio::select! {
                () = sleep(INTERVAL) => {}
                Ok(()) = self.sight.changed() => {}
            }
        }
    }

    async fn look(&mut self) {
        let start = Instant::now();
        let mut all = Status::default();
        let (project, locations) = {
            let sight = self.sight.borrow_and_update();
            (sight.project, sight.locations.clone())
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
                        // A revision that no script of ours has: a newer release has migrated.
                        Err(_) => "unknown_revision".to_owned(),
                    }
                }
                Ok(Err(DbError::Connect(error))) => error.kind.to_string(),
                Ok(Err(DbError::Server(error))) => format!("server: {}", error.code),
                Ok(Err(_)) => "lost".to_owned(),
                Err(_) => "timeout".to_owned(),
            };
            self.board.database_failed(problem);
            return;
        }
        self.board.database_answered(start.elapsed());
        note_status(&self.board, &all);
    }
}
