//! Queries whose results are read as texts.

use limbeck_db::{DbError, Session, Value};

/// A row of texts; `None` is `NULL`.
pub(super) type Row = Vec<Option<String>>;

/// Returns the rows of a query; `None` if the server rejects the query.
pub(super) async fn rows(session: &mut Session, sql: &str) -> Result<Option<Vec<Row>>, DbError> {
    let Some(outcome) = unless_rejected(session.execute(sql, &[]).await)? else {
        return Ok(None);
    };
    let rows = outcome
        .results
        .into_iter()
        .flat_map(|result| result.rows)
        .map(|row| row.into_iter().map(text).collect());
    Ok(Some(rows.collect()))
}

/// Returns the first row of a query; `None` if there is no row, or the server rejects the query.
pub(super) async fn first_row(session: &mut Session, sql: &str) -> Result<Option<Row>, DbError> {
    Ok(rows(session, sql)
        .await?
        .and_then(|rows| rows.into_iter().next()))
}

/// Returns the first value of the first row; `None` also for `NULL`.
pub(super) async fn first_value(
    session: &mut Session,
    sql: &str,
) -> Result<Option<String>, DbError> {
    Ok(first_row(session, sql)
        .await?
        .and_then(|row| row.into_iter().next())
        .flatten())
}

/// Returns `None` for an error that the server reports: the rest of the check is still useful. Other errors end the check.
pub(super) fn unless_rejected<T>(result: Result<T, DbError>) -> Result<Option<T>, DbError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(DbError::Server(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) | Value::BrokenText(bytes) => {
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
    }
}
