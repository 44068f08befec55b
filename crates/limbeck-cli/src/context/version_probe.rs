//! The version probe: reads the version table without Python.

use limbeck::native::{Look, NativeEnvironment};
use limbeck::project::Project;

use super::Context;
use crate::cli_error::CliError;

impl Context {
    /// Reads the version table without Python.
    ///
    /// Returns `None` if `env.py` is not a stock one, or if reading fails: the worker then fails in the same way, and
    /// its error names the line.
    pub(crate) fn probe_versions(&self, project: &Project) -> Result<Option<Look>, CliError> {
        let Some(environment) = NativeEnvironment::read(project, &self.process_environment)? else {
            return Ok(None);
        };
        let found = match environment.look_at_once() {
            Some(found) => found.ok(),
            None => self.runtime()?.block_on(environment.look()).ok(),
        };
        Ok(found.map(|mut look| {
            self.session.replace(look.session.take());
            look
        }))
    }

    /// Closes the session of a version probe if no run has taken the session.
    pub(super) fn close_session(&self) {
        if let (Some(session), Some(runtime)) = (self.session.take(), self.runtime.get()) {
            // The session has only run reads, and their result is known: a failed close loses nothing.
            let _ = runtime.block_on(session.close());
        }
    }
}
