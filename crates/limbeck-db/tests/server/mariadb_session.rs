//! Tests of an open MariaDB session: several results, errors, first statements.

use limbeck_db::{ConnectArg, ConnectArgs, ConnectOptions, DbError, ProcessEnvironment, Session};
use limbeck_testkit::MariaDb;
use limbeck_url::DatabaseUrl;

use crate::support::{block_on, open, value};

#[test]
fn runs_a_mariadb_session() {
    let server = MariaDb::start();
    for check in [
        reports_the_error_of_a_later_statement_with_its_text,
        sends_no_local_file,
        returns_a_result_for_each_statement,
        keeps_texts_in_every_character_set,
        begins_as_a_pymysql_session,
        hides_the_password_in_debug,
    ] {
        server.sql("mysql", "create or replace database d");
        check(&server);
    }
}

fn reports_the_error_of_a_later_statement_with_its_text(server: &MariaDb) {
    let home = tempfile::tempdir().unwrap();
    block_on(async {
        let mut session = open(&server.url("mysql+pymysql", "d"), home.path(), &[])
            .await
            .unwrap();
        session
            .execute("CREATE TABLE t (a int)", &[])
            .await
            .unwrap();
        for (text, number) in [
            (
                "INSERT INTO t VALUES (1); INSERT INTO nope VALUES (2); INSERT INTO t VALUES (3)",
                1146,
            ),
            ("SELECT 1; SELECT * FROM nope", 1146),
            ("SELECT 1; SELEC", 1064),
            ("SET @a = 1; SIGNAL SQLSTATE '45000'", 1644),
        ] {
            match session.execute(text, &[]).await {
                Err(DbError::Server(error)) => assert_eq!(error.number, number, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
            // The next text does not report it again.
            assert_eq!(value(&mut session, "SELECT 'fine'").await, "fine");
        }
        assert_eq!(
            value(&mut session, "SELECT group_concat(a) FROM t").await,
            "1"
        );
    });
}

fn hides_the_password_in_debug(server: &MariaDb) {
    server.sql(
        "mysql",
        "create or replace user app@'127.0.0.1' identified by 'Wort-4711'; grant all on d.* to app@'127.0.0.1'",
    );
    let home = tempfile::tempdir().unwrap();
    let url = server
        .url("mysql+pymysql", "d")
        .replace("root@", "app:Wort-4711@");
    block_on(async {
        let session = open(&url, home.path(), &[]).await.unwrap();
        let shown = format!("{session:?} {:?}", session.canceller());
        assert!(!shown.contains("Wort-4711"), "{shown}");
    });
}

fn sends_no_local_file(server: &MariaDb) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("rows.csv");
    std::fs::write(&file, "1\n2\n").unwrap();
    block_on(async {
        let mut session = open(&server.url("mysql+pymysql", "d"), home.path(), &[])
            .await
            .unwrap();
        let table = "CREATE TABLE t (a varchar(99)) ENGINE = Aria";
        session.execute(table, &[]).await.unwrap();
        let load = format!("LOAD DATA LOCAL INFILE '{}' INTO TABLE t", file.display());
        match session.execute(&load, &[]).await {
            Err(DbError::Unsupported(message)) => assert!(message.contains("LOCAL INFILE")),
            other => panic!("{other:?}"),
        }
        // The session has to end, because the server would read the next statement as the file's content.
        assert!(session.execute("ROLLBACK", &[]).await.is_err());
        assert_eq!(server.sql("d", "SELECT count(*) FROM t").trim(), "0");
    });
}

fn returns_a_result_for_each_statement(server: &MariaDb) {
    let home = tempfile::tempdir().unwrap();
    block_on(async {
        let mut session = open(&server.url("mysql+pymysql", "d"), home.path(), &[])
            .await
            .unwrap();
        let mut shapes = async |text: &str| {
            let outcome = session.execute(text, &[]).await.unwrap();
            let shape = |result: &limbeck_db::ResultSet| {
                let rows = result.columns.as_ref().map(|_| result.rows.len());
                (rows, result.affected, result.last_insert_id)
            };
            outcome.results.iter().map(shape).collect::<Vec<_>>()
        };
        shapes("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a int)").await;
        shapes("CREATE PROCEDURE p () BEGIN SELECT 1; SELECT 2 WHERE false; INSERT INTO t (a) VALUES (7); END").await;
        assert_eq!(
            shapes("INSERT INTO t (a) VALUES (1), (2)").await,
            [(None, Some(2), Some(1))]
        );
        let several = shapes("INSERT INTO t (a) VALUES (3); SELECT * FROM t; DELETE FROM t").await;
        assert_eq!(several.len(), 3);
        assert_eq!(several[0], (None, Some(1), Some(3)));
        assert_eq!((several[1].0, several[2].1), (Some(3), Some(3)));
        // The last result is that of the procedure itself.
        let called = shapes("CALL p()").await;
        let rows: Vec<_> = called.iter().map(|result| result.0).collect();
        assert_eq!(rows, [Some(1), Some(0), None]);
    });
}

fn keeps_texts_in_every_character_set(server: &MariaDb) {
    let home = tempfile::tempdir().unwrap();
    block_on(async {
        for (query, literals) in [
            ("", "utf8mb4"),
            ("?charset=utf8", "utf8mb3"),
            ("?charset=latin1", "latin1"),
            ("?charset=gbk", "gbk"),
            ("?charset=utf8mb4&collation=utf8mb4_bin", "utf8mb4"),
            // PyMySQL sets the character set again after its command.
            ("?init_command=SET%20NAMES%20latin1", "utf8mb4"),
            (
                "?charset=latin1&init_command=SET%20NAMES%20utf8mb4",
                "latin1",
            ),
        ] {
            let url = format!("{}{query}", server.url("mysql+pymysql", "d"));
            let mut session = open(&url, home.path(), &[]).await.unwrap();
            let mut get = async |sql: &str| value(&mut session, sql).await;
            let expression =
                "SELECT concat('é', ' ', hex(CONVERT('é' USING utf8mb4)), ' ', charset('é'))";
            assert_eq!(
                get(expression).await,
                format!("é C3A9 {literals}"),
                "{query}"
            );
        }
    });
}

fn begins_as_a_pymysql_session(server: &MariaDb) {
    let url = DatabaseUrl::parse(&server.url("mysql+pymysql", "d")).unwrap();
    let session = async |arguments: Vec<(&str, ConnectArg)>| {
        let arguments: ConnectArgs = arguments
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let options =
            ConnectOptions::from_url(&url, &arguments, &ProcessEnvironment::default()).unwrap();
        Session::open(&options).await.unwrap()
    };
    block_on(async {
        let text = |text: &str| ConnectArg::Text(text.to_owned());
        // The command runs after the mode is set.
        let mut open = session(vec![
            ("init_command", text("SET @mode = @@sql_mode")),
            ("sql_mode", text("ANSI_QUOTES")),
        ])
        .await;
        assert_eq!(value(&mut open, "SELECT @mode").await, "ANSI_QUOTES");
        // Without the flag, the server does not count unchanged rows.
        for (flags, found) in [(None, 1), (Some(65536), 0), (Some(65536 | 2), 1)] {
            let flags = flags.map(|flags| ("client_flag", ConnectArg::Integer(flags)));
            let mut open = session(flags.into_iter().collect()).await;
            let text = "CREATE TEMPORARY TABLE t SELECT 1 AS a; UPDATE t SET a = 1";
            let outcome = open.execute(text, &[]).await.unwrap();
            assert_eq!(outcome.results.last().unwrap().affected, Some(found));
        }
    });
}
