//! The migrations of the application in Python, before this one serves.

use std::env;
use std::path::Path;

use limbeck::Migrator;

use crate::settings::Settings;

/// Brings the database to head. Of several services that start at once one does, and the others wait for it.
pub async fn to_head(settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
    let url = settings.urls.sync_database_url()?;
    let folder = settings.alembic.parent().unwrap_or(Path::new(""));
    let folder = std::path::absolute(folder.join("."))?;
    let migrated = Migrator::for_project(&settings.alembic, env::vars())?
        // `env.py` imports the application's models from there, wherever this service was started.
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
