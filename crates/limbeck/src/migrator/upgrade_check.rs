//! The check whether an upgrade has anything to do, made without Python.

use limbeck_db::DbError;

use super::{MigrateError, Migrator};
use crate::project::Project;
use crate::version_probe::{ProbeTarget, VersionProbe};
use crate::version_table_location::VersionTableLocation;

/// The result of [`Migrator::check_upgrade`].
#[derive(Debug)]
pub enum UpgradeCheck {
    /// The database is at the target: the upgrade has nothing to do. The session is closed.
    UpToDate(Box<(VersionProbe, VersionTableLocation)>),
    /// The upgrade has to run.
    Pending(Box<VersionProbe>),
    /// The version table could not be read. The run will report the error with its location.
    Unreadable(DbError),
    /// `env.py` is not a stock one, so the upgrade has to run.
    NotStock,
}

impl Migrator {
    /// Checks without Python whether `upgrade` to `target` has anything to do. Writes nothing.
    ///
    /// # Errors
    /// [`MigrateError::Refused`] if the configuration can't be used.
    pub async fn check_upgrade(
        &self,
        project: &Project,
        target: &str,
    ) -> Result<UpgradeCheck, MigrateError> {
        let Some(environment) = ProbeTarget::read(project, &self.process_environment)? else {
            return Ok(UpgradeCheck::NotStock);
        };
        Ok(match environment.probe().await {
            Ok(mut probe) if probe.is_up_to_date(&project.map, target) => {
                probe.close_session().await;
                UpgradeCheck::UpToDate(Box::new((probe, environment.location().clone())))
            }
            Ok(probe) => UpgradeCheck::Pending(Box::new(probe)),
            Err(error) => UpgradeCheck::Unreadable(error),
        })
    }
}
