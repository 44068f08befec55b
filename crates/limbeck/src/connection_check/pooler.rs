//! Whether somebody stands between us and a PostgreSQL server who shares its connections out.

use std::fmt;
use std::time::Duration;

use limbeck_db::{ConnectOptions, ConnectionDetails, DbError, Session};

use super::ask;

/// How long a second session is waited for: in a pooler that is full none comes.
const PATIENCE: Duration = Duration::from_secs(2);

const WHICH_PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";

/// Who stands in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// Nobody: the server's own process is the one that was promised when the session began.
    None,
    /// A pooler that gives each transaction another session.
    Transaction,
    /// A pooler, by session or by transaction.
    Present,
    /// There is no sure sign.
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

/// Looks for sure signs. A server tells the number of its process when a session begins; a pooler tells one
/// of its own, since the process will be another one. Two sessions that are served by one process, or
/// one that is served by two, share by transaction.
pub(super) async fn detect(
    session: &mut Session,
    options: &ConnectOptions,
    link: &ConnectionDetails,
) -> Result<Pooler, DbError> {
    let (Some(promised), Some(process)) = (link.initial_session_id, number(session).await?) else {
        return Ok(Pooler::NotKnown);
    };
    if promised == process {
        return Ok(Pooler::None);
    }
    let second = tokio::time::timeout(PATIENCE, process_of_another(options)).await;
    let again = number(session).await?;
    let changed = again.is_some_and(|again| again != process);
    // No second session, for whatever reason, is no sign of anything.
    let shared = matches!(second, Ok(Ok(Some(other))) if other == process || Some(other) == again);
    Ok(if changed || shared {
        Pooler::Transaction
    } else {
        Pooler::Present
    })
}

async fn number(session: &mut Session) -> Result<Option<i64>, DbError> {
    let text = ask::value(session, WHICH_PROCESS).await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

async fn process_of_another(options: &ConnectOptions) -> Result<Option<i64>, DbError> {
    let mut session = Session::open(options).await?;
    let process = number(&mut session).await?;
    // It was for this one question.
    let _ = session.close().await;
    Ok(process)
}
