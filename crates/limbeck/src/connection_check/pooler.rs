//! Detection of a pooler between limbeck and a PostgreSQL server.

use std::fmt;
use std::time::Duration;

use limbeck_db::{ConnectOptions, ConnectionDetails, DbError, Session};

use super::query;

/// The maximum wait for a second session, which a pooler without a free connection never opens.
const SECOND_SESSION_TIMEOUT: Duration = Duration::from_secs(2);

const BACKEND_PID: &str = "SELECT pg_catalog.pg_backend_pid()";

/// The pooler between limbeck and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// No pooler: the server process is the one that was announced when the session began.
    None,
    /// A pooler that may run each transaction in another session of the server.
    Transaction,
    /// A pooler that assigns connections by session or by transaction.
    Present,
    /// Unknown: the server gives no reliable sign.
    NotKnown,
}

impl fmt::Display for Pooler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "none",
            Self::Transaction => "transaction",
            Self::Present => "present",
            Self::NotKnown => "not_known",
        })
    }
}

/// Detects a pooler by its process numbers. A server announces its process number when a session begins. A pooler announces
/// a number of its own, because the server process may change. If one process serves two sessions, or two processes serve
/// one session, the pooler assigns connections by transaction.
pub(super) async fn detect(
    session: &mut Session,
    options: &ConnectOptions,
    details: &ConnectionDetails,
) -> Result<Pooler, DbError> {
    let (Some(announced), Some(process)) =
        (details.initial_session_id, backend_pid(session).await?)
    else {
        return Ok(Pooler::NotKnown);
    };
    if announced == process {
        return Ok(Pooler::None);
    }
    let second = tokio::time::timeout(SECOND_SESSION_TIMEOUT, pid_of_second_session(options)).await;
    let later = backend_pid(session).await?;
    let changed = later.is_some_and(|later| later != process);
    // A second session that could not be opened proves nothing.
    let shared = matches!(second, Ok(Ok(Some(other))) if other == process || Some(other) == later);
    Ok(if changed || shared {
        Pooler::Transaction
    } else {
        Pooler::Present
    })
}

async fn backend_pid(session: &mut Session) -> Result<Option<i64>, DbError> {
    let text = query::first_value(session, BACKEND_PID).await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

async fn pid_of_second_session(options: &ConnectOptions) -> Result<Option<i64>, DbError> {
    let mut session = Session::open(options).await?;
    let process = backend_pid(&mut session).await?;
    // The answer is complete; an error while closing the session doesn't change it.
    let _ = session.close().await;
    Ok(process)
}
