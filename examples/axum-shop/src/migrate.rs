//! The migrations of the Python application, which run before this service starts.

use std::env;
use std::path::Path;

use limbeck::Migrator;

use crate::settings::Settings;

/// Upgrades the database to head. If several services start at once, one migrates and the others wait for it.
pub async fn to_head(settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
    let url = settings.urls.sync_database_url()?;
    let folder = settings.alembic.parent().unwrap_or(Path::new(""));
    let folder = std::path::absolute(folder.join("."))?;
    let migrated = Migrator::for_project(&settings.alembic, env::vars())?
        // `env.py` imports the application's models from this folder. The service may run in another one.
        .with_import_folder(&folder)
        .with_database_url(url.reveal_complete_url()?)
        .upgrade("head")
        .await
        .map_err(|error| error.report())?;
    tracing::info!(
        applied = migrated.revisions.len(),
        "the database is at head"
    );
    Ok(())
}
