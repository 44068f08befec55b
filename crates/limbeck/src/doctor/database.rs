//! Checks of the database that a URL leads to.

use limbeck_db::{CertificateVerification, DbError, Product, TlsSummary};

use super::check::{Check, Id};
use super::history::{History, USUAL_WIDTH};
use super::url::Understood;
use crate::connection_check::{ConnectionCheck, OptionsError, Pooler};

/// Why there is nothing to check.
pub(super) enum NoConnection {
    Options(OptionsError),
    Database(DbError),
    /// There was no answer for long.
    Timeout,
}

/// The checks of a database that is not connected to.
pub(super) fn not_checked(why: &str) -> Vec<Check> {
    let mut checks = vec![Id::DatabaseConnection.not_checked("whether the database answers", why)];
    checks.extend(rest_not_checked(why));
    checks
}

fn rest_not_checked(why: &str) -> Vec<Check> {
    [
        (Id::DatabaseTls, "how the connection is protected"),
        (Id::DatabasePooler, "poolers"),
        (Id::DatabaseWriting, "whether it can be written"),
        (Id::DatabaseRights, "the user's rights"),
        (Id::DatabaseVersionWidth, "the width of the version column"),
        (Id::DatabaseRows, "the revisions in the version table"),
        (Id::DatabaseState, "where the database stands"),
    ]
    .map(|(id, what)| id.not_checked(what, why))
    .into()
}

/// Checks what a connection has come to.
pub(super) fn check(
    connected: &Result<ConnectionCheck, NoConnection>,
    url: &Understood,
    history: &History,
) -> Vec<Check> {
    let found = match connected {
        Ok(found) => found,
        Err(problem) => {
            let mut checks = vec![no_connection(problem)];
            checks.extend(rest_not_checked("there is no connection"));
            return checks;
        }
    };
    let mut checks = vec![
        Id::DatabaseConnection.ok(format!(
            "{} {} at `{}`",
            found.product, found.version, found.address
        )),
        tls(found, url),
        pooler(found.pooler),
        writing(found),
        rights(found),
        width(found, history),
    ];
    checks.extend(state(found, history));
    checks
}

fn no_connection(problem: &NoConnection) -> Check {
    let id = Id::DatabaseConnection;
    let (message, hint) = match problem {
        NoConnection::Options(OptionsError::Url(error)) => (error.to_string(), error.help.clone()),
        NoConnection::Options(OptionsError::Connect(error))
        | NoConnection::Database(DbError::Connect(error)) => {
            (error.to_string(), error.hint.clone())
        }
        NoConnection::Database(error) => (error.to_string(), None),
        NoConnection::Timeout => (
            format!("no answer within {} seconds", super::PATIENCE.as_secs()),
            Some("check that the host can be reached from here (network, firewall)".into()),
        ),
    };
    let check = id.error(message);
    match hint {
        Some(hint) => check.fix(hint),
        None => check,
    }
}

fn tls(found: &ConnectionCheck, url: &Understood) -> Check {
    let id = Id::DatabaseTls;
    match &found.tls {
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
        None if super::url::is_local(&url.info) => {
            id.ok("none, and the database is on this machine")
        }
        None => id
            .warning("nothing is encrypted on the way to the database")
            .fix("switch TLS on at the server, and demand it in the URL"),
    }
}

fn pooler(pooler: Pooler) -> Check {
    let id = Id::DatabasePooler;
    match pooler {
        Pooler::None => id.ok("none"),
        Pooler::Transaction => id
            .note("a pooler shares connections by transaction; limbeck runs there, asyncpg's prepared statements don't")
            .fix("set DIRECT_URL to the server's own address for migrations"),
        Pooler::Present => id.note("a pooler is in between, by session or by transaction"),
        Pooler::NotKnown => {
            id.not_checked("poolers", "this server gives no sure sign of them")
        }
    }
}

fn writing(found: &ConnectionCheck) -> Check {
    let id = Id::DatabaseWriting;
    match &found.read_only {
        None => id.ok("it can be written"),
        Some(why) => id
            .error(format!("the database is read-only: {why}"))
            .fix("connect to the primary, as a user that may write"),
    }
}

fn rights(found: &ConnectionCheck) -> Check {
    let id = Id::DatabaseRights;
    let list = |granted: Option<bool>| -> Vec<String> {
        let privileges = found.privileges.iter();
        privileges
            .filter(|check| check.is_required && check.is_granted == granted)
            .map(|check| format!("{} on {}", check.privilege, check.object))
            .collect()
    };
    let (missing, unknown) = (list(Some(false)), list(None));
    if !missing.is_empty() {
        return id
            .error(format!("missing: {}", missing.join("; ")))
            .fix("have the owner grant them, or migrate as the owner");
    }
    if !unknown.is_empty() {
        let why = "they may come from a role, whose rights its members can't read";
        return id.not_checked(&unknown.join("; "), why);
    }
    id.ok("the user has those that migrations need")
}

fn width(found: &ConnectionCheck, history: &History) -> Check {
    let id = Id::DatabaseVersionWidth;
    let Some((longest, path)) = &history.longest else {
        return id.ok("there are no revisions yet");
    };
    if found.server == Product::Sqlite {
        return id.ok("SQLite takes texts of any length");
    }
    let width = match &found.version_table {
        Some(table) if table.description.width.is_none() => {
            return match &table.description.column_type {
                Some(kind) => id.ok(format!("`version_num` is {kind}")),
                None => id.error("the version table has no column `version_num`"),
            };
        }
        Some(table) => table
            .description
            .width
            .map_or(USUAL_WIDTH, |it| it as usize),
        None => USUAL_WIDTH,
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
    .fix("shorten the id, or widen the column before it is applied")
}

fn state(found: &ConnectionCheck, history: &History) -> Vec<Check> {
    let (rows_id, id) = (Id::DatabaseRows, Id::DatabaseState);
    let skipped = |why: &str| {
        vec![
            rows_id.not_checked("the revisions in the version table", why),
            id.not_checked("where the database stands", why),
        ]
    };
    let Some(map) = &history.map else {
        return skipped("the history can't be read");
    };
    let rows: &[String] = match &found.version_table {
        None => &[],
        Some(table) => match &table.rows {
            Some(rows) => rows,
            None => return skipped("the version table may not be read"),
        },
    };
    let unknown: Vec<&String> = rows.iter().filter(|row| map.get(row).is_none()).collect();
    if !unknown.is_empty() {
        return vec![
            rows_id
                .error(format!(
                    "the history has no {}: another branch, or a newer one, was applied here",
                    super::quoted(&unknown)
                ))
                .fix("check out the code that has it, or correct the table with `limbeck stamp`"),
            id.not_checked(
                "where the database stands",
                "its revision is not in the history",
            ),
        ];
    }
    let mut checks = vec![rows_id.ok(if rows.is_empty() {
        "there are none yet".into()
    } else {
        format!("{} in the history", super::quoted(rows))
    })];
    checks.push(match map.plan_upgrade(rows, "heads") {
        Err(error) => id.error(error.to_string()),
        Ok(plan) if plan.steps.is_empty() => id.ok("at head"),
        Ok(plan) => {
            let pending = plan.steps.len();
            let verb = if pending == 1 {
                "revision is"
            } else {
                "revisions are"
            };
            id.note(format!("{pending} {verb} pending"))
                .fix("run `limbeck upgrade head`")
        }
    });
    checks
}
