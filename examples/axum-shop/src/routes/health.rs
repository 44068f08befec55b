//! Health checks: liveness and readiness.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::database::Database;

/// The maximum time for an answer of the database.
const PATIENCE: Duration = Duration::from_secs(2);

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

async fn live() -> Json<Value> {
    Json(json!({"status": "alive"}))
}

/// Reports whether the database answers. The reason of a failure is logged, and not part of the response.
async fn ready(State(database): State<Database>) -> (StatusCode, Json<Value>) {
    let why = match timeout(PATIENCE, ask(&database)).await {
        Ok(Ok(())) => return (StatusCode::OK, Json(json!({"status": "ready"}))),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("not within {PATIENCE:?}"),
    };
    tracing::warn!("the database does not answer: {why}");
    (
        StatusCode::SERVICE_UNAVAILABLE,
        Json(json!({"status": "unready"})),
    )
}

async fn ask(database: &Database) -> sqlx::Result<()> {
    let mut transaction = database.read().await?;
    transaction.execute("SELECT 1", &[]).await?;
    transaction.commit().await
}
