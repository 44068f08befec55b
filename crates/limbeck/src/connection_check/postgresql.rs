//! What a PostgreSQL server, or one that speaks its protocol, says of itself and of our rights.

use limbeck_db::{ConnectOptions, ConnectionDetails, DbError, Session, VersionTable};

use super::{ConnectionCheck, Pooler, Right, ask, pooler};

const WHO: &str = "SELECT pg_catalog.version(), pg_catalog.current_database(), current_user";

/// Names that come in front of others in what `version()` says.
const PRODUCTS: [&str; 4] = ["CockroachDB", "Redshift", "YugabyteDB", "PostgreSQL"];

const RIGHTS: &str = "SELECT s.name, pg_catalog.has_schema_privilege(s.name, 'CREATE'), \
     pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') \
     FROM (SELECT pg_catalog.current_schema() AS name) s";

pub(super) async fn look(
    session: &mut Session,
    options: &ConnectOptions,
    link: &ConnectionDetails,
    table: &VersionTable,
    check: &mut ConnectionCheck,
) -> Result<(), DbError> {
    let who = ask::row(session, WHO).await?.unwrap_or_default();
    let mut who = who.into_iter();
    let banner = who.next().flatten().unwrap_or_default();
    check.product = product(&banner).to_owned();
    check.database = who.next().flatten();
    check.user = who.next().flatten();
    check.pooler = if check.product == "PostgreSQL" {
        pooler::detect(session, options, link).await?
    } else {
        // What others make of process numbers is theirs.
        Pooler::NotKnown
    };
    check.read_only = read_only(session).await?;
    rights(session, table, check).await
}

fn product(banner: &str) -> &'static str {
    let named = PRODUCTS.into_iter().find(|name| banner.contains(name));
    match named {
        Some(name) => name,
        None if banner.contains("-YB-") => "YugabyteDB",
        None => "PostgreSQL",
    }
}

async fn read_only(session: &mut Session) -> Result<Option<String>, DbError> {
    let standby = ask::value(session, "SELECT pg_catalog.pg_is_in_recovery()").await?;
    if standby.as_deref() == Some("t") {
        return Ok(Some(
            "the server is a standby, which follows another one".into(),
        ));
    }
    let setting = ask::value(session, "SHOW transaction_read_only").await?;
    Ok((setting.as_deref() == Some("on"))
        .then(|| "`default_transaction_read_only` is on for this user, database or server".into()))
}

async fn rights(
    session: &mut Session,
    table: &VersionTable,
    check: &mut ConnectionCheck,
) -> Result<(), DbError> {
    let answer = ask::row(session, RIGHTS).await?.unwrap_or_default();
    let mut answer = answer.into_iter();
    let schema = answer.next();
    let mut yes = || answer.next().flatten().map(|text| text == "t");
    let (in_schema, in_database) = (yes(), yes());
    let (on, granted) = match schema.clone() {
        Some(Some(name)) => (format!("schema `{name}`"), in_schema),
        // There is no schema that a table without a schema's name could be created in.
        Some(None) => ("any schema of the search path".into(), Some(false)),
        None => ("the schema of the search path".into(), None),
    };
    check.rights.push(Right {
        right: "CREATE",
        on,
        granted,
        needed: true,
    });
    check.rights.push(Right {
        right: "CREATE",
        on: "the database (for schemas and extensions)".into(),
        granted: in_database,
        needed: false,
    });
    if let Some(found) = &check.version_table {
        let description = &found.description;
        let on = format!("table `{}.{}`", description.schema, table.name);
        check
            .rights
            .extend(description.privileges.iter().map(|privilege| Right {
                right: privilege.name,
                on: on.clone(),
                granted: Some(privilege.is_granted),
                needed: true,
            }));
    }
    Ok(())
}
