//! Questions to a session whose answers are texts.

use limbeck_db::{DbError, Session, Value};

/// A row of texts.
pub(super) type Row = Vec<Option<String>>;

/// The rows of a question; none when the server refuses to answer it.
pub(super) async fn rows(session: &mut Session, sql: &str) -> Result<Option<Vec<Row>>, DbError> {
    let Some(outcome) = unless_refused(session.execute(sql, &[]).await)? else {
        return Ok(None);
    };
    let rows = outcome
        .results
        .into_iter()
        .flat_map(|result| result.rows)
        .map(|row| row.into_iter().map(text).collect());
    Ok(Some(rows.collect()))
}

/// The first row of a question; none when there is none, or the server refuses to answer.
pub(super) async fn row(session: &mut Session, sql: &str) -> Result<Option<Row>, DbError> {
    Ok(rows(session, sql)
        .await?
        .and_then(|rows| rows.into_iter().next()))
}

/// The first value of the first row.
pub(super) async fn value(session: &mut Session, sql: &str) -> Result<Option<String>, DbError> {
    Ok(row(session, sql)
        .await?
        .and_then(|row| row.into_iter().next())
        .flatten())
}

/// A server that refuses to answer leaves something unknown; that is no reason to know nothing.
pub(super) fn unless_refused<T>(answer: Result<T, DbError>) -> Result<Option<T>, DbError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
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
