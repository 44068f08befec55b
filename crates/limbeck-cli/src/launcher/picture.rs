//! Writes the SQL of what is pending once somebody looks at the page, beside all else that is going on.

use limbeck::migrator::{Migrator, Watch};
use limbeck::project::Project;
use limbeck_supervisor::Board;
use tokio::sync::watch;
use tokio::task::spawn_local;

use super::{Launcher, migrator};
use crate::cli_error::CliError;
use crate::page::{PendingSql, Picture};

/// What an `env.py` says that writes its SQL elsewhere, into files as a rule: looking at a page makes none.
const ELSEWHERE: &str = "output_buffer";

impl Launcher<'_> {
    /// Begins to wait for somebody who looks. It is a task of the event loop that also starts the application and the run that
    /// migrates: two processes that are started by two threads at once could inherit each other's pipes. Python does the work.
    pub(super) fn write_sql(&self) -> Result<(), CliError> {
        let writing = Writing {
            migrator: migrator(self.context, self.url.as_deref())?,
            board: self.board.clone(),
            picture: self.picture.clone(),
            target: self.settings.revision.clone(),
        };
        // It ends with the event loop.
        drop(spawn_local(writing.go_on()));
        Ok(())
    }
}

struct Writing {
    migrator: Migrator,
    board: Board,
    picture: Picture,
    target: String,
}

impl Writing {
    async fn go_on(self) {
        loop {
            self.picture.wanted().await;
            let (Some(project), Some(schema)) = (self.picture.project(), self.board.facts().schema)
            else {
                continue;
            };
            let of = schema.pending.iter().map(|(id, _)| id.clone()).collect();
            // Several databases of one project may stand at the same revision.
            let mut rows = schema.current;
            rows.sort_unstable();
            rows.dedup();
            let sql = self.write(project, &rows, of).await;
            self.picture.note_sql(sql);
        }
    }

    async fn write(&self, project: &Project, rows: &[String], of: Vec<String>) -> PendingSql {
        let env = project.script_folder.as_ref();
        let env = env.and_then(|folder| std::fs::read_to_string(folder.join("env.py")).ok());
        if env.is_some_and(|text| text.contains(ELSEWHERE)) {
            return PendingSql::missing(of, "env.py writes it elsewhere, with `output_buffer`");
        }
        let (_sender, interrupt) = watch::channel(None);
        let quiet = Watch {
            interrupt,
            keeps_thread: false,
            on_event: &mut |_| {},
        };
        let written = self
            .migrator
            .offline_sql(project, rows, &self.target, quiet);
        match Box::pin(written).await {
            Ok(sql) => PendingSql::written(of, sql),
            Err(error) => PendingSql::missing(of, &error.to_string()),
        }
    }
}

/// What the page calls the project: its folder.
pub(super) fn project_name() -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
