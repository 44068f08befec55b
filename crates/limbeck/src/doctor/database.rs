//! Checks of the database behind a URL.

use limbeck_db::{CertificateVerification, DbError, Product, TlsSummary};

use super::check::{Check, CheckId};
use super::history::{DEFAULT_WIDTH, History};
use super::url::ParsedUrl;
use crate::connection_check::{ConnectionCheck, OptionsError, Pooler};

/// The reason why a connection could not be checked.
pub(super) enum ConnectionProblem {
    Options(OptionsError),
    Database(DbError),
    /// The check took longer than [`CONNECTION_TIMEOUT`](super::CONNECTION_TIMEOUT).
    Timeout,
}

/// Returns the checks of a database that limbeck doesn't connect to.
pub(super) fn not_checked(reason: &str) -> Vec<Check> {
    let mut checks = vec![CheckId::DatabaseConnection.not_checked("the connection", reason)];
    checks.extend(rest_not_checked(reason));
    checks
}

fn rest_not_checked(reason: &str) -> Vec<Check> {
    [
        (CheckId::DatabaseTls, "the protection of the connection"),
        (CheckId::DatabasePooler, "poolers"),
        (
            CheckId::DatabaseWriting,
            "whether the database can be written",
        ),
        (CheckId::DatabaseRights, "the user's privileges"),
        (
            CheckId::DatabaseVersionWidth,
            "the width of the version column",
        ),
        (CheckId::DatabaseRows, "the revisions in the version table"),
        (CheckId::DatabaseState, "the state of the database"),
    ]
    .map(|(id, subject)| id.not_checked(subject, reason))
    .into()
}

/// Checks the result of a connection.
pub(super) fn check(
    connection: &Result<ConnectionCheck, ConnectionProblem>,
    url: &ParsedUrl,
    history: &History,
) -> Vec<Check> {
    let connection = match connection {
        Ok(connection) => connection,
        Err(problem) => {
            let mut checks = vec![no_connection(problem)];
            checks.extend(rest_not_checked("there is no connection"));
            return checks;
        }
    };
    let mut checks = vec![
        CheckId::DatabaseConnection.ok(format!(
            "{} {} at `{}`",
            connection.product, connection.version, connection.address
        )),
        check_tls(connection, url),
        check_pooler(connection.pooler),
        check_writing(connection),
        check_privileges(connection),
        check_width(connection, history),
    ];
    checks.extend(check_state(connection, history));
    checks
}

fn no_connection(problem: &ConnectionProblem) -> Check {
    let id = CheckId::DatabaseConnection;
    let (message, hint) = match problem {
        ConnectionProblem::Options(OptionsError::Url(error)) => {
            (error.to_string(), error.help.clone())
        }
        ConnectionProblem::Options(OptionsError::Connect(error))
        | ConnectionProblem::Database(DbError::Connect(error)) => {
            (error.to_string(), error.hint.clone())
        }
        ConnectionProblem::Database(error) => (error.to_string(), None),
        ConnectionProblem::Timeout => (
            format!(
                "no answer within {} seconds",
                super::CONNECTION_TIMEOUT.as_secs()
            ),
            Some("check the network and the firewall between this machine and the host".into()),
        ),
    };
    let check = id.error(message);
    match hint {
        Some(hint) => check.fix(hint),
        None => check,
    }
}

fn check_tls(connection: &ConnectionCheck, url: &ParsedUrl) -> Check {
    let id = CheckId::DatabaseTls;
    match &connection.tls {
        Some(TlsSummary {
            version,
            cipher,
            verified,
            ..
        }) => {
            let message = format!("{version}, {cipher}, verified: {verified}");
            if *verified == CertificateVerification::None {
                id.note(message)
            } else {
                id.ok(message)
            }
        }
        None if super::url::is_local(&url.info) => id.ok("no TLS; the database is on this machine"),
        None => id
            .warning("the connection is not encrypted")
            .fix("enable TLS on the server, and require it in the URL"),
    }
}

fn check_pooler(pooler: Pooler) -> Check {
    let id = CheckId::DatabasePooler;
    match pooler {
        Pooler::None => id.ok("none"),
        Pooler::Transaction => id
            .note("a pooler assigns connections by transaction; limbeck supports that, but asyncpg's prepared statements fail")
            .fix("for migrations, set DIRECT_URL to the address of the server itself"),
        Pooler::Present => id.note("a pooler assigns connections, by session or by transaction"),
        Pooler::NotKnown => {
            id.not_checked("poolers", "this server gives no reliable sign of a pooler")
        }
    }
}

fn check_writing(connection: &ConnectionCheck) -> Check {
    let id = CheckId::DatabaseWriting;
    match &connection.read_only {
        None => id.ok("the database can be written"),
        Some(reason) => id
            .error(format!("the database is read-only: {reason}"))
            .fix("connect to the primary server, as a user with write access"),
    }
}

fn check_privileges(connection: &ConnectionCheck) -> Check {
    let id = CheckId::DatabaseRights;
    let list = |is_granted: Option<bool>| -> Vec<String> {
        let privileges = connection.privileges.iter();
        privileges
            .filter(|check| check.is_required && check.is_granted == is_granted)
            .map(|check| format!("{} on {}", check.privilege, check.object))
            .collect()
    };
    let (missing, unknown) = (list(Some(false)), list(None));
    if !missing.is_empty() {
        return id
            .error(format!("missing: {}", missing.join("; ")))
            .fix("grant the privileges as the owner, or migrate as the owner");
    }
    if !unknown.is_empty() {
        let reason = "a role may grant these privileges, and its members can't read its grants";
        return id.not_checked(&unknown.join("; "), reason);
    }
    id.ok("the user has the privileges that migrations need")
}

fn check_width(connection: &ConnectionCheck, history: &History) -> Check {
    let id = CheckId::DatabaseVersionWidth;
    let Some((longest, path)) = &history.longest else {
        return id.ok("there are no revisions yet");
    };
    if connection.server == Product::Sqlite {
        return id.ok("SQLite accepts texts of any length");
    }
    let width = match &connection.version_table {
        Some(table) if table.description.width.is_none() => {
            return match &table.description.column_type {
                Some(kind) => id.ok(format!("`version_num` is {kind}")),
                None => id.error("the version table has no column `version_num`"),
            };
        }
        Some(table) => table
            .description
            .width
            .map_or(DEFAULT_WIDTH, |width| width as usize),
        None => DEFAULT_WIDTH,
    };
    let length = longest.chars().count();
    if length <= width {
        return id.ok(format!(
            "`version_num` takes {width} characters, and ids have at most {length}"
        ));
    }
    id.error(format!(
        "`version_num` takes {width} characters, and `{longest}` has {length}"
    ))
    .at(path, None)
    .fix("shorten the id, or widen the column before the upgrade")
}

fn check_state(connection: &ConnectionCheck, history: &History) -> Vec<Check> {
    let (rows_id, state_id) = (CheckId::DatabaseRows, CheckId::DatabaseState);
    let not_checked = |reason: &str| {
        vec![
            rows_id.not_checked("the revisions in the version table", reason),
            state_id.not_checked("the state of the database", reason),
        ]
    };
    let Some(map) = &history.map else {
        return not_checked("the history can't be read");
    };
    let rows: &[String] = match &connection.version_table {
        None => &[],
        Some(table) => match &table.rows {
            Some(rows) => rows,
            None => return not_checked("the user may not read the version table"),
        },
    };
    let unknown: Vec<&String> = rows.iter().filter(|row| map.get(row).is_none()).collect();
    if !unknown.is_empty() {
        return vec![
            rows_id
                .error(format!(
                    "the history does not contain {}: the database was migrated with other or newer code",
                    super::quoted(&unknown)
                ))
                .fix("check out the code with this revision, or correct the version table with `limbeck stamp`"),
            state_id.not_checked(
                "the state of the database",
                "its revision is not in the history",
            ),
        ];
    }
    let mut checks = vec![rows_id.ok(if rows.is_empty() {
        "the version table has no rows yet".into()
    } else {
        format!("the history contains {}", super::quoted(rows))
    })];
    checks.push(match map.plan_upgrade(rows, "heads") {
        Err(error) => state_id.error(error.to_string()),
        Ok(plan) if plan.steps.is_empty() => state_id.ok("at head"),
        Ok(plan) => {
            let pending = plan.steps.len();
            let verb = if pending == 1 {
                "revision is"
            } else {
                "revisions are"
            };
            state_id
                .note(format!("{pending} {verb} pending"))
                .fix("run `limbeck upgrade head`")
        }
    });
    checks
}
