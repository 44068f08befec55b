//! The calls with which a service runs its migrations at startup.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use limbeck_db::{LockWait, ProcessEnvironment};
use limbeck_script::interpreter::InterpreterSearch;

use super::{
    DatabaseWait, MigrateError, MigrationReport, MigrationRequest, Migrator, Position, Request,
    RunControl, Status, UpgradeCheck,
};
use crate::config::ConfigFiles;
use crate::project::Project;
use crate::run::{DatabaseState, Event};

impl Migrator {
    /// Creates a migrator for the project with this `alembic.ini` or `pyproject.toml`. `variables` is the environment of the
    /// process: `std::env::vars()`. As in Alembic, a relative `script_location` starts at the current folder.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// let urls = limbeck::url::DatabaseConfigProvider::from_variables(&|name| std::env::var(name).ok(), None)?;
    /// let migrator = limbeck::Migrator::for_project("alembic.ini".as_ref(), std::env::vars())?
    ///     .with_database_url(urls.sync_database_url()?.reveal_complete_url()?);
    /// let report = migrator.upgrade("head").await?;
    /// println!("applied: {:?}", report.revisions);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`MigrateError::Config`] if the file can't be read or parsed.
    pub fn for_project(
        config: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, MigrateError> {
        let environment = ProcessEnvironment::from_variables(variables);
        let variable = |name: &str| environment.variables.get(name).map(String::as_str);
        let folder = |name: &str| {
            variable(name)
                .filter(|text| !text.is_empty())
                .map(Into::into)
        };
        let interpreter = InterpreterSearch {
            option: None,
            virtual_env: folder("VIRTUAL_ENV"),
            conda_prefix: folder("CONDA_PREFIX"),
            path: variable("PATH").map(Into::into),
            project: config.parent().map(Path::to_owned).unwrap_or_default(),
        };
        let name = config.display().to_string();
        let files = ConfigFiles::select(&[name], variable("ALEMBIC_CONFIG"))?;
        Ok(Self::new(files, environment, interpreter))
    }

    /// Sets the database: `sqlalchemy.url`, and `DATABASE_URL` for an `env.py` that reads the variable.
    #[must_use]
    pub fn with_database_url(mut self, url: &str) -> Self {
        self.overrides
            .set(&self.section.clone(), "sqlalchemy.url", url);
        self.with_variable("DATABASE_URL", url)
    }

    /// Sets an environment variable for the project's Python.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.process_environment
            .variables
            .insert(name.clone(), value.clone());
        self.variables.insert(name, value);
        self
    }

    /// Adds a folder to the front of the import path of the project's Python. An `env.py` that imports the application needs
    /// it if the ini has `prepend_sys_path = .`: that is the current folder, not the ini's.
    #[must_use]
    pub fn with_import_folder(self, folder: &Path) -> Self {
        let mut path = folder.display().to_string();
        if let Some(before) = self.variable("PYTHONPATH").filter(|text| !text.is_empty()) {
            path = format!("{path}:{before}");
        }
        self.with_variable("PYTHONPATH", &path)
    }

    /// Sets the maximum time to wait for another run that holds the migration lock; the default is ten minutes.
    #[must_use]
    pub fn with_lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = Some(LockWait::for_at_most(limit));
        self
    }

    /// Sets the maximum time for [`upgrade`](Self::upgrade) to wait for a database that can't be reached yet; the default is
    /// to fail at once.
    #[must_use]
    pub fn with_database_wait(mut self, limit: Duration) -> Self {
        self.database_wait = limit;
        self
    }

    /// Applies the pending revisions up to `target`: `head`, `heads`, a revision, `+2`. If several services start at once,
    /// one applies them and the others wait. Dropping the future closes the
    /// sessions and releases the lock; the server rolls back the open transaction when the running statement ends.
    ///
    /// `docs/run.md` describes the startup of a service, and `examples/axum-shop` is one.
    ///
    /// # Errors
    /// [`MigrateError`] if the database can't be reached in time, the upgrade is refused, or a step fails. The failed step is
    /// rolled back if the database can do that.
    pub async fn upgrade(&self, target: &str) -> Result<MigrationReport, MigrateError> {
        let project = self
            .project(RunControl::without_signals(&mut |_| {}))
            .await?;
        let mut wait = DatabaseWait::new(Instant::now(), self.database_wait);
        loop {
            let connected = AtomicBool::new(false);
            match Box::pin(self.try_upgrade(&project, target, &connected)).await {
                Err(error)
                    if !connected.load(Ordering::Relaxed)
                        && error.transient_connect_error().is_some() =>
                {
                    match wait.next_pause() {
                        Some(pause) => tokio::time::sleep(pause).await,
                        None => return Err(error),
                    }
                }
                result => return result,
            }
        }
    }

    async fn try_upgrade(
        &self,
        project: &Project,
        target: &str,
        connected: &AtomicBool,
    ) -> Result<MigrationReport, MigrateError> {
        let session = match self.check_upgrade(project, target).await? {
            UpgradeCheck::UpToDate(_) => return Ok(MigrationReport::default()),
            UpgradeCheck::Pending(probe) => probe.session,
            UpgradeCheck::Unreadable(_) | UpgradeCheck::NotStock => None,
        };
        let request = Request::Upgrade(MigrationRequest::to(target));
        let mut on_event = |event: &Event<'_>| {
            if let Event::Located(_) = event {
                connected.store(true, Ordering::Relaxed);
            }
        };
        self.change(request, project, session, &mut on_event).await
    }

    /// Reverts the revisions after `target`: `base`, a revision, `-1`.
    ///
    /// # Errors
    /// [`MigrateError`], as [`upgrade`](Self::upgrade).
    pub async fn downgrade(&self, target: &str) -> Result<MigrationReport, MigrateError> {
        let project = self
            .project(RunControl::without_signals(&mut |_| {}))
            .await?;
        let request = Request::Downgrade(MigrationRequest::to(target));
        self.change(request, &project, None, &mut |_| {}).await
    }

    /// Returns the status of each database that `env.py` chooses. `target` is an argument of [`upgrade`](Self::upgrade).
    /// Writes nothing.
    ///
    /// # Errors
    /// [`MigrateError`] if a database can't be read, or a row or the target can't be resolved.
    pub async fn status(&self, target: &str) -> Result<Vec<Status>, MigrateError> {
        let project = self
            .project(RunControl::without_signals(&mut |_| {}))
            .await?;
        let positions = self
            .positions(&project, RunControl::without_signals(&mut |_| {}))
            .await?;
        let status = |position: &Position| Status::new(&project, &position.rows, target);
        Ok(positions.iter().map(status).collect::<Result<_, _>>()?)
    }

    async fn change(
        &self,
        request: Request<'_>,
        project: &Project,
        session: Option<crate::version_probe::OpenSession>,
        on_event: &mut (dyn FnMut(&Event<'_>) + Send),
    ) -> Result<MigrationReport, MigrateError> {
        let mut revisions = Vec::new();
        let mut state = DatabaseState::default();
        let mut on_event = |event: Event<'_>| {
            on_event(&event);
            match event {
                Event::Step { revision, .. } => revisions.push(revision.to_owned()),
                Event::Finished(finished) => state = finished,
                _ => {}
            }
        };
        let migrator = Self {
            report_final_state: true,
            ..self.clone()
        };
        let control = RunControl {
            session,
            ..RunControl::without_signals(&mut on_event)
        };
        let completion = migrator.run(request, Some(project), control).await?;
        completion.require_done()?;
        Ok(MigrationReport {
            revisions,
            before: state.before,
            after: state.after,
        })
    }
}
