//! The additions of commands to the report of `--report`.

use limbeck::project::Project;
use limbeck::{CommandError, DatabaseState};

use super::Context;
use crate::cli_error::{CliError, FileError};
use crate::output::report::{Reason, WRITE_REPORT};

impl Context {
    /// Closes what is open and writes the report.
    ///
    /// # Errors
    /// Returns an error if the report can't be written.
    pub(crate) fn close(
        self,
        command: &str,
        status: u8,
        reason: Option<Reason>,
    ) -> Result<(), FileError> {
        self.close_session();
        let (Some(report), Some(path)) = (self.report, self.global.report) else {
            return Ok(());
        };
        report
            .write(command, status, reason)
            .map_err(|error| FileError::new(WRITE_REPORT, &path, error))
    }

    /// Reports a revision that the command lists.
    pub(crate) fn report_revision(&self, project: &Project, id: &str) -> Result<(), CommandError> {
        match &self.report {
            Some(report) => report.add_revision(project, id),
            None => Ok(()),
        }
    }

    /// Reports the revisions that the command created: those that `before` lacks.
    pub(crate) fn report_new_revisions(&self, before: &Project) -> Result<(), CliError> {
        let Some(report) = &self.report else {
            return Ok(());
        };
        let after = self.load_project()?;
        for revision in after.map.declarations() {
            if before.map.get(&revision.id).is_none() {
                report.add_revision(after, &revision.id)?;
            }
        }
        Ok(())
    }

    /// Reports the version rows of a database that the command does not change.
    pub(crate) fn report_unchanged(&self, rows: &[String]) {
        self.report_state(&DatabaseState {
            before: Some(rows.to_vec()),
            after: Some(rows.to_vec()),
            ..DatabaseState::default()
        });
    }

    /// Reports the state of the database.
    pub(crate) fn report_state(&self, state: &DatabaseState) {
        if let Some(report) = &self.report {
            report.set_state(state);
        }
    }
}
