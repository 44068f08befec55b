//! The report of a run that `--report` writes as JSON.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::output::redact::redact;
use limbeck::project::Project;
use limbeck::{CommandError, DatabaseState, Event};
use serde_json::{Value as Json, json};

/// The action of writing a report, for errors.
pub(crate) const WRITE_REPORT: &str = "write the report";

/// A report that grows while the command runs.
#[derive(Debug)]
pub(crate) struct Report {
    file: File,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    state: DatabaseState,
    steps: Vec<Json>,
    revisions: Vec<Json>,
}

/// The reason for a command's failure, for programs.
#[derive(Debug)]
pub(crate) struct Reason {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// The revision of the failed step.
    pub(crate) revision: Option<String>,
}

impl Report {
    /// Creates the file. Commands do so before anything else: if the file can't be created, nothing has changed yet.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            entries: Mutex::default(),
        })
    }

    /// Adds the step or state that an event carries. Ignores other events.
    pub(crate) fn event(&self, event: &Event<'_>) {
        match event {
            Event::Step {
                revision,
                direction,
                path,
                ..
            } => {
                let kind = direction.as_str();
                let step = json!({"revision": revision, "kind": kind, "path": masked(path)});
                self.entries().steps.push(step);
            }
            Event::Finished(state) => self.set_state(state),
            _ => {}
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the state of the database before and after the run.
    pub(crate) fn set_state(&self, state: &DatabaseState) {
        self.entries().state = state.clone();
    }

    /// Adds a revision that the command lists or created.
    pub(crate) fn add_revision(&self, project: &Project, id: &str) -> Result<(), CommandError> {
        let (member, script) = project.script(id)?;
        let declared = member.revision();
        let row = json!({
            "revision": id,
            "down_revisions": declared.down_revisions,
            "depends_on": declared.dependencies,
            "branch_labels": member.labels().collect::<Vec<_>>(),
            "is_head": member.children().len() == 0,
            "doc": script.doc(),
            "path": masked(&script.path()),
        });
        self.entries().revisions.push(row);
        Ok(())
    }

    /// Writes the report to its file.
    pub(crate) fn write(
        mut self,
        command: &str,
        exit_status: u8,
        reason: Option<Reason>,
    ) -> io::Result<()> {
        let Entries {
            state,
            steps,
            revisions,
        } = self
            .entries
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let error = reason.map(|reason| {
            json!({"kind": reason.kind, "message": reason.message, "revision": reason.revision})
        });
        let report = json!({
            "command": command,
            "exit_status": exit_status,
            "error": error,
            "heads_before": state.before,
            "heads_after": state.after,
            "steps": steps,
            "revisions": revisions,
        });
        writeln!(self.file, "{report}")?;
        self.file.sync_data()
    }
}

/// Returns a path without its secrets: a folder may have a database URL for its name.
fn masked(path: &Path) -> String {
    redact(&path.to_string_lossy())
}
