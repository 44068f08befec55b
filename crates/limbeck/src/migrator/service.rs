//! Migrations as a service runs them at its start: a call for each of Alembic's commands, with what came of it.

use std::path::Path;
use std::time::Duration;

use limbeck_db::{LockWait, ProcessEnvironment};
use limbeck_script::interpreter::InterpreterSearch;
use tokio::sync::watch;

use super::{Call, MigrateError, Migrator, Position, Status, Watch};
use crate::config::ConfigFiles;
use crate::project::Project;
use crate::run::{Ending, Event, Intent, Refusal, Standing};

/// What a call has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The revisions whose steps were run, in order.
    pub revisions: Vec<String>,
    /// The version rows before; none where there was nothing to do.
    pub before: Option<Vec<String>>,
    /// The version rows after; none where there was nothing to do.
    pub after: Option<Vec<String>>,
}

impl Migrator {
    /// For the project whose configuration is this `alembic.ini` or `pyproject.toml`, in a process with these variables:
    /// `std::env::vars()`. As with Alembic, a `script_location` that isn't absolute starts at the current folder.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// let urls = limbeck::url::DatabaseConfigProvider::from_variables(&|name| std::env::var(name).ok(), None)?;
    /// let migrator = limbeck::Migrator::for_project("alembic.ini".as_ref(), std::env::vars())?
    ///     .with_database_url(urls.sync_database_url()?.reveal_complete_url()?);
    /// let migrated = migrator.upgrade("head").await?;
    /// println!("applied: {:?}", migrated.revisions);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`MigrateError::Config`].
    pub fn for_project(
        config: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, MigrateError> {
        let process_environment = ProcessEnvironment::from_variables(variables);
        let variable = |name: &str| process_environment.variables.get(name).map(String::as_str);
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
        Ok(Self::new(files, process_environment, interpreter))
    }

    /// With another database: the value of `sqlalchemy.url`, and of `DATABASE_URL` for an `env.py` that reads that.
    #[must_use]
    pub fn with_database_url(mut self, url: &str) -> Self {
        self.overrides
            .set(&self.section.clone(), "sqlalchemy.url", url);
        self.with_variable("DATABASE_URL", url)
    }

    /// With an environment variable for the project's Python.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.process_environment
            .variables
            .insert(name.clone(), value.clone());
        self.variables.insert(name, value);
        self
    }

    /// With a folder that the project's Python imports from first: the project's own, for an `env.py` that imports the
    /// application and an ini with `prepend_sys_path = .`, which is the current folder and not the ini's.
    #[must_use]
    pub fn with_import_folder(self, folder: &Path) -> Self {
        let mut path = folder.display().to_string();
        if let Some(before) = self.variable("PYTHONPATH").filter(|text| !text.is_empty()) {
            path = format!("{path}:{before}");
        }
        self.with_variable("PYTHONPATH", &path)
    }

    /// With the time to wait for another run that migrates; ten minutes otherwise.
    #[must_use]
    pub fn with_lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = Some(LockWait::for_at_most(limit));
        self
    }

    /// Applies what is pending up to `target`: `head`, `heads`, a revision, `+2`. Of several services that start at
    /// once one does it, the others wait for it. The future stays on its thread; dropping it rolls back what is open.
    ///
    /// `docs/run.md` has the whole of a service's start, and `examples/axum-shop` is one.
    ///
    /// # Errors
    /// [`MigrateError`]; what a failing step has done is rolled back where the database can.
    pub async fn upgrade(&self, target: &str) -> Result<Migrated, MigrateError> {
        let project = self.project(quiet(&mut |_| {})).await?;
        if let Some(look) = self.look(&project).await? {
            let rows = look.heads.unwrap_or_default();
            if let Some(session) = look.session {
                // What was read stays so.
                let _ = session.close().await;
            }
            if !rows.is_empty() && Status::new(&project, &rows, target)?.is_there() {
                return Ok(Migrated::default());
            }
        }
        let intent = Intent::Upgrade(target.to_owned());
        self.change("upgrade", target, &project, intent).await
    }

    /// Undoes what lies after `target`: `base`, a revision, `-1`.
    ///
    /// # Errors
    /// [`MigrateError`], as [`Self::upgrade`].
    pub async fn downgrade(&self, target: &str) -> Result<Migrated, MigrateError> {
        let project = self.project(quiet(&mut |_| {})).await?;
        let intent = Intent::Downgrade(target.to_owned());
        self.change("downgrade", target, &project, intent).await
    }

    /// Where the database stands, and what `upgrade` to `target` would apply; several where `env.py` leads to several
    /// databases. Writes nothing.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub async fn status(&self, target: &str) -> Result<Vec<Status>, MigrateError> {
        let project = self.project(quiet(&mut |_| {})).await?;
        let positions = self.positions(&project, quiet(&mut |_| {})).await?;
        let status = |position: &Position| Status::new(&project, &position.rows, target);
        Ok(positions.iter().map(status).collect::<Result<_, _>>()?)
    }

    async fn change(
        &self,
        command: &str,
        target: &str,
        project: &Project,
        mut intent: Intent<'_>,
    ) -> Result<Migrated, MigrateError> {
        let mut revisions = Vec::new();
        let mut stands = Standing::default();
        let mut on_event = |event: Event<'_>| match event {
            Event::Step { revision, .. } => revisions.push(revision.to_owned()),
            Event::Stands(standing) => stands = standing,
            _ => {}
        };
        let call = Call::to(command, target);
        let looking = Self {
            looks_after: true,
            ..self.clone()
        };
        let watch = quiet(&mut on_event);
        match looking.run(call, Some(project), &mut intent, watch).await? {
            Ending::Done | Ending::Headers(_) => Ok(Migrated {
                revisions,
                before: stands.before,
                after: stands.after,
            }),
            Ending::Refused(message) => Err(Refusal(message).into()),
            Ending::Exit(status) => Err(Refusal::of_exit(status).into()),
        }
    }
}

/// A watch that no signal ends. Dropping the future does: its connections close, and the server rolls back.
fn quiet(on_event: &mut dyn FnMut(Event<'_>)) -> Watch<'_> {
    let (_, interrupt) = watch::channel(None);
    Watch {
        interrupt,
        keeps_thread: false,
        on_event,
    }
}
