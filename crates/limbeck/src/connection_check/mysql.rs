//! What a MySQL or MariaDB server says of itself and of our rights.

use std::collections::BTreeMap;

use limbeck_db::{
    ConnectionDetails, DbError, Product, Session, VERSION_TABLE_PRIVILEGES, VersionTable,
};

use super::{ConnectionCheck, Pooler, Right, ask};

const WHO: &str = "SELECT DATABASE(), CURRENT_USER(), CONNECTION_ID()";

/// The user's name as `information_schema` writes it.
const GRANTEE: &str = "CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - \
     CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), '''@''', \
     SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";

/// What migrations do in a database, and whether most do.
const DATABASE_RIGHTS: [(&str, bool); 5] = [
    ("CREATE", true),
    ("ALTER", true),
    ("DROP", false),
    ("INDEX", false),
    ("REFERENCES", false),
];

/// Who has one of these writes to a server that is `read_only` for others.
const ABOVE_READ_ONLY: [&str; 4] = [
    "SUPER",
    "READ_ONLY ADMIN",
    "READ ONLY ADMIN",
    "CONNECTION_ADMIN",
];

pub(super) async fn look(
    session: &mut Session,
    link: &ConnectionDetails,
    table: &VersionTable,
    check: &mut ConnectionCheck,
) -> Result<(), DbError> {
    check.product = match session.info().product {
        Product::Mariadb => "MariaDB",
        _ => "MySQL",
    }
    .into();
    let who = ask::row(session, WHO).await?.unwrap_or_default();
    let mut who = who.into_iter();
    check.database = who.next().flatten();
    check.user = who.next().flatten();
    let number: Option<i64> = who.next().flatten().and_then(|text| text.parse().ok());
    // An equal number is no sign that nobody is in between: proxies answer this question themselves.
    check.pooler = match (link.initial_session_id, number) {
        (Some(promised), Some(number)) if promised != number => Pooler::Present,
        _ => Pooler::NotKnown,
    };
    let granted = Grants::read(session).await?;
    check.read_only = read_only(session, &granted).await?;
    let Some(database) = check.database.clone() else {
        check.rights.push(Right {
            right: "CREATE",
            on: "any database: the URL names none".into(),
            granted: Some(false),
            needed: true,
        });
        return Ok(());
    };
    for (right, needed) in DATABASE_RIGHTS {
        check.rights.push(Right {
            right,
            on: format!("database `{database}`"),
            granted: granted.has(right, None),
            needed,
        });
    }
    if check.version_table.is_some() {
        for right in VERSION_TABLE_PRIVILEGES {
            check.rights.push(Right {
                right,
                on: format!("table `{}`", table.name),
                granted: granted.has(right, Some(&table.name)),
                needed: true,
            });
        }
    }
    Ok(())
}

async fn read_only(session: &mut Session, granted: &Grants) -> Result<Option<String>, DbError> {
    let question = "SHOW VARIABLES WHERE Variable_name IN \
         ('read_only', 'super_read_only', 'innodb_read_only', 'transaction_read_only', 'tx_read_only')";
    let rows = ask::rows(session, question).await?.unwrap_or_default();
    let on: Vec<String> = rows
        .into_iter()
        .filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
            Ok([Some(name), Some(value)]) => {
                // MariaDB has more than two values for the first.
                (!matches!(value.as_str(), "OFF" | "0")).then_some(name)
            }
            _ => None,
        })
        .collect();
    let above = ABOVE_READ_ONLY.iter().any(|right| granted.global(right));
    let counts = |name: &&String| name.as_str() != "read_only" || !above;
    Ok(on.iter().find(counts).map(|name| format!("`{name}` is on")))
}

/// The rights that were granted to the user itself, as `information_schema` has them.
struct Grants {
    /// On the whole server.
    global: Vec<String>,
    /// On the database, by names and by patterns that fit it.
    database: Vec<String>,
    /// On tables of the database.
    tables: BTreeMap<String, Vec<String>>,
    /// There may be more, or less, than is listed: roles that are active, revocations of parts.
    uncertain: bool,
}

impl Grants {
    async fn read(session: &mut Session) -> Result<Self, DbError> {
        let from = |table: &str, also: &str| {
            format!("FROM information_schema.{table} WHERE GRANTEE = {GRANTEE} {also}")
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
        let mut uncertain = false;
        let mut list = Vec::new();
        for question in [global, database, tables] {
            let answer = ask::rows(session, &question).await?;
            uncertain |= answer.is_none();
            list.push(answer.unwrap_or_default());
        }
        let mut by_table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in list.pop().unwrap_or_default() {
            if let Ok([Some(table), Some(right)]) = <[Option<String>; 2]>::try_from(row) {
                by_table.entry(table).or_default().push(right);
            }
        }
        let mut first = || -> Vec<String> {
            let rows = list.pop().unwrap_or_default().into_iter();
            rows.filter_map(|row| row.into_iter().next().flatten())
                .collect()
        };
        let (database, global) = (first(), first());
        let role = ask::value(session, "SELECT CURRENT_ROLE()").await?;
        let revokes = ask::row(session, "SHOW VARIABLES LIKE 'partial_revokes'").await?;
        let partly = revokes.is_some_and(|row| row.last() == Some(&Some("ON".into())));
        Ok(Self {
            global,
            database,
            tables: by_table,
            uncertain: uncertain || role.is_some_and(|role| role != "NONE") || partly,
        })
    }

    fn global(&self, right: &str) -> bool {
        self.global.iter().any(|granted| granted == right)
    }

    fn has(&self, right: &str, table: Option<&str>) -> Option<bool> {
        let on_table = table.and_then(|table| self.tables.get(table));
        let granted = [Some(&self.global), Some(&self.database), on_table];
        let listed = granted
            .into_iter()
            .flatten()
            .any(|rights| rights.iter().any(|granted| granted == right));
        match (listed, self.uncertain) {
            (listed, false) => Some(listed),
            _ => None,
        }
    }
}
