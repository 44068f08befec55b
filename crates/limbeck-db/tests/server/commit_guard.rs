//! Transactions that the database refuses to commit, whatever a script tries.

use limbeck_db::{
    ConnectArgs, ConnectOptions, DbError, ProcessEnvironment, Session, TransactionStatus,
};
use limbeck_testkit::{MariaDb, PgBouncer, Postgres, Tls};
use limbeck_url::DatabaseUrl;

use crate::support::{block_on, open, value};

/// Scripts that try to commit the table `probe`, and the SQLSTATE of the server's refusal. An empty SQLSTATE means
/// [`DbError::CommitForbidden`].
const ATTEMPTS: [(&str, &str); 17] = [
    ("COMMIT", ""),
    ("END", ""),
    ("COMMIT WORK", ""),
    ("COMMIT AND CHAIN", ""),
    (r"SELECT E'\''; COMMIT; --'", ""),
    ("SELECT $a$ $b$ $a$; COMMIT; -- $b$ $a$", ""),
    ("COMMIT; CREATE TABLE probe (x int)", ""),
    ("SET CONSTRAINTS ALL IMMEDIATE; COMMIT", ""),
    ("DISCARD TEMP; COMMIT", ""),
    ("RESET ALL; COMMIT", ""),
    ("SAVEPOINT a; ROLLBACK TO a; RELEASE a; COMMIT", ""),
    (
        "CREATE SCHEMA s; SET search_path = s; \
         CREATE FUNCTION concat(text, text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'; COMMIT",
        "",
    ),
    ("PREPARE TRANSACTION 'probe'", "0A000"),
    ("DO $$ BEGIN COMMIT; END $$", "2D000"),
    ("ROLLBACK; CREATE TABLE probe (x int)", "25006"),
    (
        "ROLLBACK; BEGIN; CREATE TABLE probe (x int); COMMIT",
        "25006",
    ),
    ("ROLLBACK; CREATE TABLE probe (x int); --'", "25006"),
];

const TABLES: &str = "select count(*) from pg_class where relname = 'probe'";

#[test]
fn postgresql_refuses_every_commit() {
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    let url = server.url("postgresql", "postgres", "");
    block_on(async {
        for (script, expected) in ATTEMPTS {
            let mut session = open(&url, home.path(), &[]).await.unwrap();
            session.begin_without_commit().await.unwrap();
            assert_eq!(session.transaction_status(), TransactionStatus::Open);
            assert!(session.is_commit_forbidden().await.unwrap());
            let create =
                "CREATE TABLE probe (x int PRIMARY KEY DEFERRABLE); INSERT INTO probe VALUES (1)";
            session.execute(create, &[]).await.unwrap();
            match session.execute(script, &[]).await {
                Err(DbError::CommitForbidden) => assert_eq!(expected, "", "{script}"),
                Err(DbError::Server(error)) => {
                    assert_eq!(error.code, expected, "{script}: {error}");
                }
                other => panic!("{script}: {other:?}"),
            }
            assert_ne!(
                session.transaction_status(),
                TransactionStatus::Open,
                "{script}"
            );
            session.close().await.unwrap();
            assert_eq!(server.sql("postgres", TABLES).trim(), "0", "{script}");
        }
    });
}

#[test]
fn postgresql_guard_is_invisible_and_lasts_as_long_as_the_transaction() {
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    let url = server.url("postgresql", "postgres", "");
    block_on(async {
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        assert!(!session.is_commit_forbidden().await.unwrap());
        let objects = "SELECT count(*) FROM pg_class";
        let before = value(&mut session, objects).await;
        session.begin_without_commit().await.unwrap();
        assert_eq!(value(&mut session, objects).await, before);
        assert_eq!(value(&mut session, "SELECT pg_my_temp_schema()").await, "0");
        assert_eq!(
            value(&mut session, "SHOW transaction_read_only").await,
            "off"
        );
        let again = session.begin_without_commit().await;
        assert!(matches!(again, Err(DbError::Unsupported(_))), "{again:?}");

        let script = "SAVEPOINT a; CREATE TABLE probe (x int); ROLLBACK TO a; RELEASE a";
        session.execute(script, &[]).await.unwrap();
        assert!(session.is_commit_forbidden().await.unwrap());
        session.execute("CLOSE ALL", &[]).await.unwrap();
        assert!(!session.is_commit_forbidden().await.unwrap());
        session.execute("ROLLBACK", &[]).await.unwrap();
        assert!(!session.is_commit_forbidden().await.unwrap());

        session.allow_commits().await.unwrap();
        session
            .execute("CREATE TABLE probe (x int)", &[])
            .await
            .unwrap();
        assert_eq!(server.sql("postgres", TABLES).trim(), "1");

        session.begin_without_commit().await.unwrap();
        session.execute("DROP TABLE probe", &[]).await.unwrap();
        session.allow_commits().await.unwrap();
        assert_eq!(session.transaction_status(), TransactionStatus::Idle);
        assert_eq!(server.sql("postgres", TABLES).trim(), "1");
        session.close().await.unwrap();
    });
}

#[test]
fn postgresql_guard_keeps_a_read_only_default_and_sets_nothing_behind_a_pooler() {
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    server.sql(
        "postgres",
        "create role careful login; alter role careful set default_transaction_read_only = on",
    );
    let url = server
        .url("postgresql", "postgres", "")
        .replace("postgres@", "careful@");
    block_on(async {
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        session.begin_without_commit().await.unwrap();
        assert_eq!(
            value(&mut session, "SHOW transaction_read_only").await,
            "on"
        );
        session.close().await.unwrap();
    });
    let pooler = PgBouncer::start(&server, "transaction", 1);
    block_on(async {
        let url = pooler.url("postgres");
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        session.begin_without_commit().await.unwrap();
        let committed = session
            .execute("CREATE TABLE probe (x int); COMMIT", &[])
            .await;
        assert!(
            matches!(committed, Err(DbError::CommitForbidden)),
            "{committed:?}"
        );
        session.close().await.unwrap();
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        let setting = value(&mut session, "SHOW default_transaction_read_only").await;
        assert_eq!(setting, "off");
        session.close().await.unwrap();
    });
    assert_eq!(server.sql("postgres", TABLES).trim(), "0");
}

async fn open_sqlite(url: &str) -> Session {
    let url = DatabaseUrl::parse(url).unwrap();
    let environment = ProcessEnvironment::default();
    let options = ConnectOptions::from_url(&url, &ConnectArgs::new(), &environment).unwrap();
    Session::open(&options).await.unwrap()
}

#[test]
fn sqlite_refuses_every_commit() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}", folder.path().join("a.db").display());
    let tables = "SELECT name FROM sqlite_master";
    block_on(async {
        let mut session = open_sqlite(&url).await;
        session.begin_without_commit().await.unwrap();
        assert!(session.is_commit_forbidden().await.unwrap());
        session.execute("CREATE TABLE a (x)", &[]).await.unwrap();
        session.execute("SAVEPOINT s", &[]).await.unwrap();
        session.execute("RELEASE s", &[]).await.unwrap();
        for (statement, status) in [
            ("COMMIT", TransactionStatus::Idle),
            ("CREATE TABLE a (x)", TransactionStatus::Idle),
            ("BEGIN; CREATE TABLE a (x); COMMIT", TransactionStatus::Idle),
            // SQLite then still counts the savepoint as open, after it has rolled back its changes.
            (
                "SAVEPOINT s; CREATE TABLE a (x); RELEASE s",
                TransactionStatus::Open,
            ),
        ] {
            let result = session.execute_script(statement).await;
            assert!(
                matches!(result, Err(DbError::CommitForbidden)),
                "{statement}: {result:?}"
            );
            assert_eq!(session.transaction_status(), status, "{statement}");
            let mut other = open_sqlite(&url).await;
            let found = other.execute(tables, &[]).await.unwrap();
            assert!(found.results[0].rows.is_empty(), "{statement}");
            other.close().await.unwrap();
        }
        session.allow_commits().await.unwrap();
        assert!(!session.is_commit_forbidden().await.unwrap());
        session.execute("CREATE TABLE a (x)", &[]).await.unwrap();
        session.begin_without_commit().await.unwrap();
        session.execute("DROP TABLE a", &[]).await.unwrap();
        session.allow_commits().await.unwrap();
        let found = session.execute(tables, &[]).await.unwrap();
        assert_eq!(found.results[0].rows.len(), 1);
        session.close().await.unwrap();
    });
}

#[test]
fn mariadb_offers_no_guard() {
    let server = MariaDb::start();
    let home = tempfile::tempdir().unwrap();
    block_on(async {
        let url = server.url("mysql+pymysql", "mysql");
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        let result = session.begin_without_commit().await;
        assert!(matches!(result, Err(DbError::Unsupported(_))), "{result:?}");
        session.close().await.unwrap();
    });
}
