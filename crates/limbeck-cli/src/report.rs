//! What `--report` writes: what a run did, for the program that started it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use limbeck::project::Project;
use limbeck::run::{Event, Refusal, Standing};
use serde_json::{Value as Json, json};

use crate::context::{CliError, Context, REPORT, RefusedFile};
use crate::exit;

/// A report that grows while the command runs.
#[derive(Debug)]
pub(crate) struct Report {
    file: File,
    seen: RefCell<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    standing: Standing,
    steps: Vec<Json>,
    revisions: Vec<Json>,
}

/// Why a command failed, as a program reads it.
#[derive(Debug)]
pub(crate) struct Reason {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// The revision whose step failed.
    pub(crate) revision: Option<String>,
}

impl Report {
    /// Opens the file before anything is done, so that a name that can't be written to costs nothing.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            seen: RefCell::default(),
        })
    }

    pub(crate) fn event(&self, event: &Event<'_>) {
        match event {
            Event::Step {
                revision,
                kind,
                path,
                ..
            } => {
                let step = json!({"revision": revision, "kind": kind, "path": path});
                self.seen.borrow_mut().steps.push(step);
            }
            Event::Stands(standing) => self.stands(standing),
            Event::WaitingForLock { .. }
            | Event::LockTaken { .. }
            | Event::StatementBegins { .. }
            | Event::StatementEnds { .. }
            | Event::Rehearsed(_)
            | Event::Planned { .. }
            | Event::Located(_) => {}
        }
    }

    /// Where the database stood and stands.
    pub(crate) fn stands(&self, standing: &Standing) {
        self.seen.borrow_mut().standing = standing.clone();
    }

    /// The command found these rows and leaves them.
    pub(crate) fn unchanged(&self, rows: &[String]) {
        self.stands(&Standing {
            before: Some(rows.to_vec()),
            after: Some(rows.to_vec()),
            ..Standing::default()
        });
    }

    /// A revision that the command lists, or has made.
    pub(crate) fn revision(&self, project: &Project, id: &str) -> Result<(), Refusal> {
        let (member, script) = project.script(id)?;
        let declared = member.revision();
        let row = json!({
            "revision": id,
            "down_revisions": declared.down_revisions,
            "depends_on": declared.dependencies,
            "branch_labels": member.labels().collect::<Vec<_>>(),
            "is_head": member.children().len() == 0,
            "doc": script.doc(),
            "path": script.path(),
        });
        self.seen.borrow_mut().revisions.push(row);
        Ok(())
    }

    pub(crate) fn write(
        mut self,
        command: &str,
        exit_status: u8,
        reason: Option<Reason>,
    ) -> io::Result<()> {
        let Seen {
            standing,
            steps,
            revisions,
        } = self.seen.take();
        let error = reason.map(|reason| {
            json!({"kind": reason.kind, "message": reason.message, "revision": reason.revision})
        });
        let report = json!({
            "command": command,
            "exit_status": exit_status,
            "error": error,
            "heads_before": standing.before,
            "heads_after": standing.after,
            "steps": steps,
            "revisions": revisions,
        });
        writeln!(self.file, "{report}")?;
        self.file.sync_data()
    }
}

impl Context {
    /// Ends what is open, writes the report, and gives the exit status.
    pub(crate) fn close(self, command: &str, status: u8, reason: Option<Reason>) -> u8 {
        self.close_session();
        let (Some(report), Some(path)) = (self.report, self.global.report) else {
            return status;
        };
        match report.write(command, status, reason) {
            Ok(()) => status,
            Err(error) => {
                let refused = RefusedFile::with(REPORT, &path)(error);
                exit::refuse_file(&refused).max(status)
            }
        }
    }

    /// Notes a revision that the command lists.
    pub(crate) fn listed(&self, project: &Project, id: &str) -> Result<(), Refusal> {
        match &self.report {
            Some(report) => report.revision(project, id),
            None => Ok(()),
        }
    }

    /// Notes the rows of a database that the command leaves as it is.
    pub(crate) fn found(&self, rows: &[String]) {
        if let Some(report) = &self.report {
            report.unchanged(rows);
        }
    }

    /// Notes where a failure leaves the database.
    pub(crate) fn stands(&self, standing: &Standing) {
        if let Some(report) = &self.report {
            report.stands(standing);
        }
    }

    /// Notes the revisions that a command has made: those which were not there before.
    pub(crate) fn made(&self, before: &Project) -> Result<(), CliError> {
        let Some(report) = &self.report else {
            return Ok(());
        };
        let after = self.load()?;
        for revision in after.map.declarations() {
            if before.map.get(&revision.id).is_none() {
                report.revision(after, &revision.id)?;
            }
        }
        Ok(())
    }
}
