//! The version probe: reads the version table without Python.

use std::sync::PoisonError;

use limbeck::project::Project;
use limbeck::{OpenSession, ProbeTarget, VersionProbe};

use super::Context;
use crate::cli_error::CliError;

impl Context {
    /// Reads the version table without Python.
    ///
    /// Returns `None` if `env.py` is not a stock one, or if reading fails: the worker then fails in the same way, and
    /// its error names the line.
    pub(crate) fn probe_versions(
        &self,
        project: &Project,
    ) -> Result<Option<VersionProbe>, CliError> {
        let Some(environment) = ProbeTarget::read(project, &self.process_environment)? else {
            return Ok(None);
        };
        let found = match environment.probe_now() {
            Some(found) => found.ok(),
            None => self.runtime()?.block_on(environment.probe()).ok(),
        };
        Ok(found.map(|mut probe| {
            *self.session() = probe.session.take();
            probe
        }))
    }

    /// Takes the session that a version probe opened.
    pub(super) fn take_session(&self) -> Option<OpenSession> {
        self.session().take()
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Option<OpenSession>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the session of a version probe if no run has taken the session.
    pub(super) fn close_session(&self) {
        if let (Some(session), Some(runtime)) = (self.take_session(), self.runtime.get()) {
            // The session has only run reads, and their result is known: a failed close loses nothing.
            let _ = runtime.block_on(session.close());
        }
    }
}
