//! Errors of requests, and their responses.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(String),
    /// The request is malformed.
    #[error("{0}")]
    Invalid(String),
    #[error("the database refuses it: it conflicts with other data")]
    Refused(#[source] sqlx::Error),
    #[error("something is wrong here, and nothing was changed")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(database_error) if is_constraint(database_error) => Self::Refused(error),
            _ => Self::Database(error),
        }
    }
}

/// Returns `true` if a row would violate a constraint. sqlx's own kinds of errors don't cover all: a forbidden deletion has
/// its own code on PostgreSQL, and the code of a trigger on SQLite.
fn is_constraint(error: &dyn DatabaseError) -> bool {
    const SQLITE_CONSTRAINT: i32 = 19;
    if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
        return error.code().starts_with("23");
    }
    let code = error.code().and_then(|code| code.parse::<i32>().ok());
    error.try_downcast_ref::<SqliteError>().is_some()
        && code.is_some_and(|code| code & 0xff == SQLITE_CONSTRAINT)
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::Invalid(rejection.body_text())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) | Self::Refused(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Database(error) => {
                tracing::error!("{error}");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, Json(json!({"detail": self.to_string()}))).into_response()
    }
}
