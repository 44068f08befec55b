//! Parameter types and binary parameters, over the extended protocol.

use limbeck_db::{DbError, Session, TransactionStatus, Value};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{block_on, open, value};

const INT4: u32 = 23;
const TEXT: u32 = 25;
const UUID: u32 = 2950;

async fn status_after(session: &mut Session, sql: &str) -> TransactionStatus {
    let _ = session.execute(sql, &[]).await;
    session.transaction_status()
}

#[test]
fn infers_parameter_types_and_reads_binary_values() {
    let home = tempfile::tempdir().unwrap();
    let server = Postgres::start(Tls::Off);
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.port);
    block_on(async {
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        session
            .execute("CREATE TABLE t (a int, b text, c uuid)", &[])
            .await
            .unwrap();
        let types = session
            .parameter_types("INSERT INTO t (c, a, b) VALUES ($1, $2, $3) RETURNING a")
            .await
            .unwrap();
        assert_eq!(types, [UUID, INT4, TEXT]);
        assert!(
            session
                .parameter_types("SELECT 1")
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(value(&mut session, "SELECT count(*) FROM t").await, "0");

        // A text of several commands is refused before any of them runs.
        let several = "INSERT INTO t VALUES ($1); DROP TABLE t";
        let error = session.parameter_types(several).await.unwrap_err();
        assert!(
            matches!(&error, DbError::Server(error) if error.code == "42601"),
            "{error}"
        );
        assert_eq!(session.transaction_status(), TransactionStatus::Idle);

        let id = [0xab_u8; 16];
        let outcome = session
            .execute_binary("SELECT $1, $2 + 1", &[(UUID, &id), (INT4, &[0, 0, 1, 0])])
            .await
            .unwrap();
        let expected = ["abababab-abab-abab-abab-abababababab", "257"];
        let row: Vec<Value> = expected.map(|text| Value::Text(text.into())).into();
        assert_eq!(outcome.results[0].rows, [row]);

        // Malformed bytes are the server's error, and abort the transaction.
        assert_eq!(
            status_after(&mut session, "BEGIN").await,
            TransactionStatus::Open
        );
        let error = session
            .execute_binary("SELECT $1", &[(UUID, b"short")])
            .await
            .unwrap_err();
        assert!(matches!(error, DbError::Server(_)), "{error}");
        assert_eq!(session.transaction_status(), TransactionStatus::Failed);
        assert_eq!(
            status_after(&mut session, "ROLLBACK").await,
            TransactionStatus::Idle
        );
        assert_eq!(value(&mut session, "SELECT 1").await, "1");
    });
}
