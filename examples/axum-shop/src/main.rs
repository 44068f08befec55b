//! The shop in Rust: the database and the migrations of `examples/fastapi-shop`, and the same interface.

mod database;
mod error;
mod migrate;
mod price;
mod request;
mod routes;
mod rows;
mod settings;
mod values;

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::database::Database;
use crate::settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log_error(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::read()?;
    // Installed before the migration, so that a signal during it ends the service cleanly.
    let mut shutdown = Box::pin(shutdown_signal()?);
    if settings.migrates {
        tokio::select! {
            migrated = migrate::to_head(&settings) => migrated?,
            () = &mut shutdown => return Ok(()),
        }
    }
    let database = Database::connect(&settings.urls)?;
    let listener = TcpListener::bind(settings.address).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes::all(database.clone()))
        .with_graceful_shutdown(shutdown)
        .await?;
    database.close().await;
    tracing::info!("shut down cleanly");
    Ok(())
}

/// Returns a future that completes with the first `SIGTERM` or `Ctrl-C`.
fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Logs an error and its causes. The errors of limbeck and sqlx contain no passwords.
fn log_error(error: &dyn Error) {
    tracing::error!("{error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        tracing::error!("  cause: {error}");
        cause = error.source();
    }
}
