//! Replies of the host, apart from the reply to `execute`.

use std::collections::BTreeMap;

use serde::Serialize;

/// The reply to [`WorkerRequest::Connect`](super::WorkerRequest::Connect).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectReply {
    /// The number of the new session.
    pub connection: u32,
    /// The server's product.
    pub product: ServerProduct,
    /// The server's version, as the server reports it.
    pub version: String,
    /// The server's settings that it reported by itself (PostgreSQL).
    pub parameters: BTreeMap<String, String>,
    /// The parameters of the connection under libpq's names, without secrets (PostgreSQL).
    pub libpq: BTreeMap<String, String>,
}

/// A database product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the products")]
pub enum ServerProduct {
    Postgresql,
    Sqlite,
    Mysql,
    Mariadb,
}

/// The transaction status of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SessionStatus {
    /// Outside a transaction.
    #[serde(rename = "I")]
    Idle,
    /// In a transaction.
    #[serde(rename = "T")]
    InTransaction,
    /// In a transaction that failed.
    #[serde(rename = "E")]
    InFailedTransaction,
}

/// The reply to [`WorkerRequest::Copy`](super::WorkerRequest::Copy) for a statement that started a COPY. Any other
/// statement has the reply of `execute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CopyReply {
    /// The direction of the data.
    pub copy: CopyDirection,
    /// `true` for the binary format.
    pub binary: bool,
    /// The number of columns.
    pub columns: usize,
}

/// The direction of a COPY's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyDirection {
    /// From the worker to the server.
    In,
    /// From the server to the worker.
    Out,
}

/// The reply to [`WorkerRequest::CopyRead`](super::WorkerRequest::CopyRead) while there is data. The last reply is that of
/// `execute`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyDataReply {
    /// The server's messages, in base64. Each contains a row.
    pub data: Vec<String>,
}

/// The reply to [`WorkerRequest::Plan`](super::WorkerRequest::Plan).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PlanReply {
    /// The plan.
    Steps(StepsReply),
    /// The command was refused.
    CommandError {
        /// Alembic's message, without `FAILED: `.
        #[serde(rename = "command_error")]
        message: String,
    },
}

/// A plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StepsReply {
    /// The steps, in order.
    pub steps: Vec<PlannedStep>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// `true` if the worker creates the version table if it doesn't exist.
    pub ensure_version: bool,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "direction", rename_all = "snake_case")]
pub enum PlannedStep {
    /// Run the `upgrade` of a revision.
    Upgrade {
        /// The revision.
        revision: String,
    },
    /// Run the `downgrade` of a revision.
    Downgrade {
        /// The revision.
        revision: String,
    },
    /// Change the version rows only.
    Stamp {
        /// The version rows that the step replaces.
        from: Vec<String>,
        /// The version rows that the step writes.
        to: Vec<String>,
        /// `true` if `to` is above `from` in the revision graph.
        is_upward: bool,
        /// `true` if the step moves a branch.
        branch_move: bool,
    },
}

/// The error that takes the place of a reply.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorReply<'a> {
    /// The number under which the host keeps the error.
    pub id: u64,
    /// The kind of error.
    pub kind: ErrorReplyKind,
    /// The message.
    pub message: String,
    /// The reason for an error of kind [`ErrorReplyKind::Connect`], if drivers have a number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ConnectFailureReason>,
    /// The fields of an error of kind [`ErrorReplyKind::Server`].
    #[serde(flatten)]
    pub server: Option<ServerErrorReply<'a>>,
    /// The status of the session after the error.
    pub status: SessionStatus,
}

/// The kind of an error of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorReplyKind {
    /// The server reported an error.
    Server,
    /// No session could be opened.
    Connect,
    /// The session broke.
    Lost,
    /// The host can't do what was asked.
    Unsupported,
    /// Any other error.
    Protocol,
}

/// The reason why no session could be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectFailureReason {
    /// The server refused the user or the password.
    Authentication,
    /// The database doesn't exist.
    NoSuchDatabase,
    /// The server has no connection left.
    TooManyConnections,
    /// The server can't be reached.
    Unreachable,
}

/// The fields of a server's error.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ServerErrorReply<'a> {
    /// The severity (PostgreSQL).
    pub severity: &'a str,
    /// The SQLSTATE, or the name of the result code (`SQLite`).
    pub code: &'a str,
    /// The error's number (MySQL and MariaDB).
    pub number: u32,
    /// Further explanation of the error.
    pub detail: Option<&'a str>,
    /// The server's suggestion.
    pub hint: Option<&'a str>,
    /// The character of the statement that the error is about, from 1.
    pub position: Option<u32>,
    /// The server-side call stack.
    pub context: Option<&'a str>,
    /// The schema that the error is about.
    pub schema: Option<&'a str>,
    /// The table that the error is about.
    pub table: Option<&'a str>,
    /// The column that the error is about.
    pub column: Option<&'a str>,
    /// The constraint that the error is about.
    pub constraint: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use serde_json::{Value, json};

    use super::{
        ConnectFailureReason, ConnectReply, ErrorReply, ErrorReplyKind, PlanReply, PlannedStep,
        ServerErrorReply, ServerProduct, SessionStatus, StepsReply,
    };

    fn check(reply: &impl Serialize, expected: Value) {
        assert_eq!(serde_json::to_value(reply).unwrap(), expected);
    }

    #[test]
    fn writes_an_opened_session() {
        let reply = ConnectReply {
            connection: 1,
            product: ServerProduct::Postgresql,
            version: "16.2".into(),
            parameters: BTreeMap::from([("TimeZone".into(), "UTC".into())]),
            libpq: BTreeMap::from([("user".into(), "app".into())]),
        };
        let expected = json!({
            "connection": 1, "product": "postgresql", "version": "16.2", "parameters": {"TimeZone": "UTC"},
            "libpq": {"user": "app"},
        });
        check(&reply, expected);
    }

    #[test]
    fn writes_a_plan() {
        let revision = || "a".to_owned();
        let reply = PlanReply::Steps(StepsReply {
            steps: vec![
                PlannedStep::Upgrade {
                    revision: revision(),
                },
                PlannedStep::Downgrade {
                    revision: revision(),
                },
                PlannedStep::Stamp {
                    from: vec![],
                    to: vec![revision()],
                    is_upward: true,
                    branch_move: false,
                },
            ],
            warnings: vec!["w".into()],
            ensure_version: false,
        });
        let expected = json!({
            "steps": [
                {"direction": "upgrade", "revision": "a"},
                {"direction": "downgrade", "revision": "a"},
                {"direction": "stamp", "from": [], "to": ["a"], "is_upward": true, "branch_move": false},
            ],
            "warnings": ["w"],
            "ensure_version": false,
        });
        check(&reply, expected);
        let message = "Can't locate revision".to_owned();
        check(
            &PlanReply::CommandError { message },
            json!({"command_error": "Can't locate revision"}),
        );
    }

    #[test]
    fn writes_the_fields_of_an_error_by_its_kind() {
        let reply = ErrorReply {
            id: 7,
            kind: ErrorReplyKind::Connect,
            message: "m".into(),
            reason: Some(ConnectFailureReason::NoSuchDatabase),
            server: None,
            status: SessionStatus::Idle,
        };
        let expected = json!({
            "id": 7, "kind": "connect", "message": "m", "reason": "no_such_database", "status": "I",
        });
        check(&reply, expected);
        let reply = ErrorReply {
            kind: ErrorReplyKind::Server,
            reason: None,
            server: Some(ServerErrorReply {
                severity: "ERROR",
                code: "42P01",
                number: 0,
                detail: None,
                hint: Some("h"),
                position: Some(3),
                context: None,
                schema: None,
                table: Some("t"),
                column: None,
                constraint: None,
            }),
            status: SessionStatus::InFailedTransaction,
            ..reply
        };
        let expected = json!({
            "id": 7, "kind": "server", "message": "m", "severity": "ERROR", "code": "42P01", "number": 0,
            "detail": null, "hint": "h", "position": 3, "context": null, "schema": null, "table": "t",
            "column": null, "constraint": null, "status": "E",
        });
        check(&reply, expected);
    }
}
