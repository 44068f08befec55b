//! Checks of a PostgreSQL server, or of another server with its protocol.

use limbeck_db::{ConnectOptions, ConnectionDetails, DbError, Session, VersionTable};

use super::{ConnectionCheck, Pooler, PrivilegeCheck, pooler, query};

const IDENTITY: &str = "SELECT pg_catalog.version(), pg_catalog.current_database(), current_user";

/// Names of products in `version()`. Redshift's also contains PostgreSQL, so that name comes last.
const PRODUCTS: [&str; 4] = ["CockroachDB", "Redshift", "YugabyteDB", "PostgreSQL"];

const CREATE_PRIVILEGES: &str = "SELECT s.name, pg_catalog.has_schema_privilege(s.name, 'CREATE'), \
     pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') \
     FROM (SELECT pg_catalog.current_schema() AS name) s";

pub(super) async fn check(
    session: &mut Session,
    options: &ConnectOptions,
    details: &ConnectionDetails,
    table: &VersionTable,
    check: &mut ConnectionCheck,
) -> Result<(), DbError> {
    let row = query::first_row(session, IDENTITY)
        .await?
        .unwrap_or_default();
    let mut identity = row.into_iter();
    let version = identity.next().flatten().unwrap_or_default();
    check.product = product(&version).to_owned();
    check.database = identity.next().flatten();
    check.user = identity.next().flatten();
    check.pooler = if check.product == "PostgreSQL" {
        pooler::detect(session, options, details).await?
    } else {
        // Process numbers of other products have other meanings.
        Pooler::NotKnown
    };
    check.read_only = read_only_reason(session).await?;
    check_privileges(session, table, check).await
}

fn product(version: &str) -> &'static str {
    let named = PRODUCTS.into_iter().find(|name| version.contains(name));
    match named {
        Some(name) => name,
        None if version.contains("-YB-") => "YugabyteDB",
        None => "PostgreSQL",
    }
}

async fn read_only_reason(session: &mut Session) -> Result<Option<String>, DbError> {
    let standby = query::first_value(session, "SELECT pg_catalog.pg_is_in_recovery()").await?;
    if standby.as_deref() == Some("t") {
        return Ok(Some("the server is a standby of another server".into()));
    }
    let setting = query::first_value(session, "SHOW transaction_read_only").await?;
    Ok((setting.as_deref() == Some("on"))
        .then(|| "`default_transaction_read_only` is on for this user, database or server".into()))
}

async fn check_privileges(
    session: &mut Session,
    table: &VersionTable,
    check: &mut ConnectionCheck,
) -> Result<(), DbError> {
    let row = query::first_row(session, CREATE_PRIVILEGES)
        .await?
        .unwrap_or_default();
    let mut values = row.into_iter();
    let schema = values.next();
    let mut next_flag = || values.next().flatten().map(|text| text == "t");
    let (in_schema, in_database) = (next_flag(), next_flag());
    let (object, is_granted) = match schema {
        Some(Some(name)) => (format!("schema `{name}`"), in_schema),
        // The search path has no schema for a table whose name has none.
        Some(None) => ("any schema of the search path".into(), Some(false)),
        None => ("the schema of the search path".into(), None),
    };
    check.privileges.push(PrivilegeCheck {
        privilege: "CREATE",
        object,
        is_granted,
        is_required: true,
    });
    check.privileges.push(PrivilegeCheck {
        privilege: "CREATE",
        object: "the database (for schemas and extensions)".into(),
        is_granted: in_database,
        is_required: false,
    });
    if let Some(found) = &check.version_table {
        let description = &found.description;
        let object = format!("table `{}.{}`", description.schema, table.name);
        let of_table = description
            .privileges
            .iter()
            .map(|privilege| PrivilegeCheck {
                privilege: privilege.name,
                object: object.clone(),
                is_granted: Some(privilege.is_granted),
                is_required: true,
            });
        check.privileges.extend(of_table);
    }
    Ok(())
}
