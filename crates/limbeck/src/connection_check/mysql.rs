//! Checks of a MySQL or MariaDB server.

use std::collections::BTreeMap;

use limbeck_db::{
    ConnectionDetails, DbError, Product, Session, VERSION_TABLE_PRIVILEGES, VersionTable,
};

use super::{ConnectionCheck, Pooler, PrivilegeCheck, query};

const IDENTITY: &str = "SELECT DATABASE(), CURRENT_USER(), CONNECTION_ID()";

/// The user's name as `information_schema` writes it.
const GRANTEE: &str = "CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - \
     CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), '''@''', \
     SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";

const READ_ONLY_VARIABLES: &str = "SHOW VARIABLES WHERE Variable_name IN \
     ('read_only', 'super_read_only', 'innodb_read_only', 'transaction_read_only', 'tx_read_only')";

/// Privileges that migrations use in a database, and whether every migration needs the privilege.
const DATABASE_PRIVILEGES: [(&str, bool); 5] = [
    ("CREATE", true),
    ("ALTER", true),
    ("DROP", false),
    ("INDEX", false),
    ("REFERENCES", false),
];

/// Privileges of which each allows writes although `read_only` is on.
const READ_ONLY_EXEMPTIONS: [&str; 4] = [
    "SUPER",
    "READ_ONLY ADMIN",
    "READ ONLY ADMIN",
    "CONNECTION_ADMIN",
];

pub(super) async fn check(
    session: &mut Session,
    details: &ConnectionDetails,
    table: &VersionTable,
    check: &mut ConnectionCheck,
) -> Result<(), DbError> {
    check.product = match session.info().product {
        Product::Mariadb => "MariaDB",
        _ => "MySQL",
    }
    .into();
    let row = query::first_row(session, IDENTITY)
        .await?
        .unwrap_or_default();
    let mut identity = row.into_iter();
    check.database = identity.next().flatten();
    check.user = identity.next().flatten();
    let connection_id: Option<i64> = identity.next().flatten().and_then(|text| text.parse().ok());
    // Equal numbers don't exclude a pooler: proxies answer `CONNECTION_ID()` themselves.
    check.pooler = match (details.initial_session_id, connection_id) {
        (Some(announced), Some(current)) if announced != current => Pooler::Present,
        _ => Pooler::NotKnown,
    };
    let grants = Grants::read(session).await?;
    check.read_only = read_only_reason(session, &grants).await?;
    let Some(database) = check.database.clone() else {
        check.privileges.push(PrivilegeCheck {
            privilege: "CREATE",
            object: "any database: the URL names none".into(),
            is_granted: Some(false),
            is_required: true,
        });
        return Ok(());
    };
    for (privilege, is_required) in DATABASE_PRIVILEGES {
        check.privileges.push(PrivilegeCheck {
            privilege,
            object: format!("database `{database}`"),
            is_granted: grants.contain(privilege, None),
            is_required,
        });
    }
    if check.version_table.is_some() {
        for privilege in VERSION_TABLE_PRIVILEGES {
            check.privileges.push(PrivilegeCheck {
                privilege,
                object: format!("table `{}`", table.name),
                is_granted: grants.contain(privilege, Some(&table.name)),
                is_required: true,
            });
        }
    }
    Ok(())
}

async fn read_only_reason(
    session: &mut Session,
    grants: &Grants,
) -> Result<Option<String>, DbError> {
    let rows = query::rows(session, READ_ONLY_VARIABLES)
        .await?
        .unwrap_or_default();
    let enabled: Vec<String> = rows
        .into_iter()
        .filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
            Ok([Some(name), Some(value)]) => {
                // MariaDB's `read_only` has more than two values.
                (!matches!(value.as_str(), "OFF" | "0")).then_some(name)
            }
            _ => None,
        })
        .collect();
    let is_exempt = READ_ONLY_EXEMPTIONS
        .iter()
        .any(|privilege| grants.contain_globally(privilege));
    let applies = |name: &&String| name.as_str() != "read_only" || !is_exempt;
    Ok(enabled
        .iter()
        .find(applies)
        .map(|name| format!("`{name}` is on")))
}

/// The privileges granted directly to the user, from `information_schema`.
struct Grants {
    /// Privileges on the whole server.
    global: Vec<String>,
    /// Privileges on the database, granted by its name or by a pattern.
    database: Vec<String>,
    /// Privileges on tables of the database, by table.
    tables: BTreeMap<String, Vec<String>>,
    /// `true` if the user may have more or fewer privileges, because of active roles, partial revokes or a rejected query.
    is_uncertain: bool,
}

impl Grants {
    async fn read(session: &mut Session) -> Result<Self, DbError> {
        let from = |table: &str, condition: &str| {
            format!("FROM information_schema.{table} WHERE GRANTEE = {GRANTEE} {condition}")
        };
        let global = format!("SELECT PRIVILEGE_TYPE {}", from("USER_PRIVILEGES", ""));
        let database = format!(
            "SELECT PRIVILEGE_TYPE {}",
            from("SCHEMA_PRIVILEGES", "AND DATABASE() LIKE TABLE_SCHEMA")
        );
        let tables = format!(
            "SELECT TABLE_NAME, PRIVILEGE_TYPE {}",
            from("TABLE_PRIVILEGES", "AND TABLE_SCHEMA = DATABASE()")
        );
        let global = query::rows(session, &global).await?;
        let database = query::rows(session, &database).await?;
        let tables = query::rows(session, &tables).await?;
        let is_incomplete = global.is_none() || database.is_none() || tables.is_none();
        let mut by_table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in tables.unwrap_or_default() {
            if let Ok([Some(table), Some(privilege)]) = <[Option<String>; 2]>::try_from(row) {
                by_table.entry(table).or_default().push(privilege);
            }
        }
        let role = query::first_value(session, "SELECT CURRENT_ROLE()").await?;
        let has_role = role.is_some_and(|role| role != "NONE");
        let revokes = query::first_row(session, "SHOW VARIABLES LIKE 'partial_revokes'").await?;
        let has_partial_revokes = revokes.is_some_and(|row| row.last() == Some(&Some("ON".into())));
        Ok(Self {
            global: first_column(global),
            database: first_column(database),
            tables: by_table,
            is_uncertain: is_incomplete || has_role || has_partial_revokes,
        })
    }

    fn contain_globally(&self, privilege: &str) -> bool {
        self.global.iter().any(|granted| granted == privilege)
    }

    /// Returns whether the user has a privilege on the database or on one of its tables; `None` if unknown.
    fn contain(&self, privilege: &str, table: Option<&str>) -> Option<bool> {
        let of_table = table.and_then(|table| self.tables.get(table));
        let is_granted = [Some(&self.global), Some(&self.database), of_table]
            .into_iter()
            .flatten()
            .flatten()
            .any(|granted| granted == privilege);
        (!self.is_uncertain).then_some(is_granted)
    }
}

fn first_column(rows: Option<Vec<query::Row>>) -> Vec<String> {
    rows.unwrap_or_default()
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect()
}
