//! Writes the SQL of the pending revisions for the page, once a client has requested the page.

use limbeck::RunControl;
use limbeck::migrator::Migrator;
use limbeck::project::Project;
use limbeck_supervisor::SharedState;
use tokio::task::spawn_local;

use super::{Launcher, migrator};
use crate::cli_error::CliError;
use crate::page::{PageState, PendingSql};

/// The setting of an `env.py` that sends its SQL elsewhere, usually into files. A request for the page must not write any.
const OUTPUT_BUFFER: &str = "output_buffer";

impl Launcher<'_> {
    /// Starts the task that waits for requests of the page and writes the SQL with Python, in the launcher's event loop.
    pub(super) fn start_sql_writer(&self) -> Result<(), CliError> {
        let writer = SqlWriter {
            migrator: migrator(self.context, self.url.as_deref())?,
            state: self.state.clone(),
            page: self.page.clone(),
            target: self.settings.revision.clone(),
        };
        // The task ends with the event loop.
        drop(spawn_local(writer.run()));
        Ok(())
    }
}

struct SqlWriter {
    migrator: Migrator,
    state: SharedState,
    page: PageState,
    target: String,
}

impl SqlWriter {
    async fn run(self) {
        loop {
            self.page.sql_requested().await;
            let (Some(project), Some(schema)) = (self.page.project(), self.state.snapshot().schema)
            else {
                continue;
            };
            let pending = schema.pending.into_iter().map(|pending| pending.id);
            // Several databases of one project may be at the same revision.
            let mut rows = schema.current;
            rows.sort_unstable();
            rows.dedup();
            let sql = self.write(project, &rows, pending.collect()).await;
            self.page.set_sql(sql);
        }
    }

    async fn write(&self, project: &Project, rows: &[String], pending: Vec<String>) -> PendingSql {
        let env = project.script_folder.as_ref();
        let env = env.and_then(|folder| std::fs::read_to_string(folder.join("env.py")).ok());
        if env.is_some_and(|text| text.contains(OUTPUT_BUFFER)) {
            let reason = "env.py writes its SQL elsewhere, with `output_buffer`";
            return PendingSql::missing(pending, reason);
        }
        let mut on_event = |_: limbeck::Event<'_>| {};
        let control = RunControl::without_signals(&mut on_event);
        let writing = self
            .migrator
            .offline_sql(project, rows, &self.target, control);
        match Box::pin(writing).await {
            Ok(sql) => PendingSql::written(pending, sql),
            Err(error) => PendingSql::missing(pending, &error.to_string()),
        }
    }
}

/// Returns the project's name for the page: the name of its folder.
pub(super) fn project_name() -> String {
    let folder = std::env::current_dir().unwrap_or_default();
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
