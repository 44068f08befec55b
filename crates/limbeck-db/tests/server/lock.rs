//! Tests of the migration lock, directly and behind a pooler.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use limbeck_db::{ConnectOptions, LockError, LockScope, LockWait, MigrationLock, VersionTable};
use limbeck_testkit::{PgBouncer, Postgres, Tls};

use crate::support::{block_on, options};

/// The variable with the database's URL for a process that holds the lock.
const URL: &str = "LIMBECK_TEST_LOCK_URL";

const ADVISORY: &str = "select count(*) from pg_locks where locktype = 'advisory'";
const LEFTOVERS: &str = "select count(*) from pg_locks l full join pg_stat_activity a using (pid) \
     where l.locktype = 'advisory' or a.state like 'idle in transaction%'";

fn database(url: &str) -> (ConnectOptions, LockScope) {
    let home = tempfile::tempdir().unwrap();
    let options = options(url, home.path(), &[]).unwrap();
    let scope = LockScope::new(&options, &VersionTable::default());
    (options, scope)
}

async fn acquire(url: &str, limit: Duration) -> Result<MigrationLock, LockError> {
    let (options, scope) = database(url);
    MigrationLock::acquire(&options, &scope, LockWait::for_at_most(limit), |_| ()).await
}

/// Waits until the server has no lock and no open transaction.
fn wait_until_nothing_is_left(server: &Postgres) {
    let start = Instant::now();
    while server.sql("postgres", LEFTOVERS).trim() != "0" {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "a lock or a transaction is left"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lets a second run wait for the lock, ends the first run with `end`, and checks that the second gets the lock.
async fn hand_over<F: AsyncFnOnce(MigrationLock)>(server: &Postgres, url: &str, end: F) {
    let first = acquire(url, Duration::ZERO).await.unwrap();
    let start = Instant::now();
    let waiting = async {
        let second = acquire(url, Duration::from_secs(20)).await.unwrap();
        (second, start.elapsed())
    };
    let ending = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(server.sql("postgres", ADVISORY).trim(), "1");
        end(first).await;
    };
    let ((second, waited), ()) = tokio::join!(waiting, ending);
    assert!(waited >= Duration::from_millis(700), "{waited:?}");
    assert_eq!(server.sql("postgres", ADVISORY).trim(), "1");
    second.release().await.unwrap();
    wait_until_nothing_is_left(server);
}

#[test]
fn excludes_other_runs_with_and_without_a_pooler() {
    let server = Postgres::start(Tls::Off);
    // A limit for idle transactions must not end the lock.
    server.sql(
        "postgres",
        "alter role postgres set idle_in_transaction_session_timeout = '300ms'",
    );
    let transaction = PgBouncer::start(&server, "transaction", 4);
    let session = PgBouncer::start(&server, "session", 4);
    let direct = server.url("postgresql", "postgres", "");
    let urls = [
        ("directly", direct.clone()),
        ("pool_mode=transaction", transaction.url("postgres")),
        ("pool_mode=session", session.url("postgres")),
    ];
    for (name, url) in &urls {
        block_on(async {
            hand_over(&server, url, async |lock| lock.release().await.unwrap()).await;
            println!("{name}: the second run gets the lock after a release");
            hand_over(&server, url, async |lock| drop(lock)).await;
            println!("{name}: … after the first run drops its socket");
            hold_in_a_process(&server, url).await;
            println!("{name}: … after the first process is killed");
            // The error of a timeout names the holder.
            let lock = acquire(url, Duration::ZERO).await.unwrap();
            match acquire(url, Duration::from_millis(100)).await {
                Err(LockError::Timeout { holder, .. }) => {
                    assert!(holder.unwrap().contains(" of limbeck"));
                }
                other => panic!("{other:?}"),
            }
            index_concurrently(&server, name);
            println!("{name}: CREATE INDEX CONCURRENTLY beside the lock");
            lock.release().await.unwrap();
            wait_until_nothing_is_left(&server);
        });
    }
    // The lock excludes runs on all ways to the server.
    block_on(async {
        let lock = acquire(&urls[1].1, Duration::ZERO).await.unwrap();
        for (_, url) in &urls {
            let other = acquire(url, Duration::ZERO).await;
            assert!(matches!(other, Err(LockError::Timeout { .. })));
        }
        lock.release().await.unwrap();
    });
    wait_until_nothing_is_left(&server);
}

/// Builds an index concurrently, which waits for every transaction with a snapshot.
fn index_concurrently(server: &Postgres, name: &str) {
    let table = format!("t{}", name.len());
    server.sql("postgres", &format!("create table {table} (i int)"));
    let holders = "select count(*) from pg_locks l join pg_stat_activity a using (pid) \
         where l.locktype = 'advisory' and (a.backend_xmin is not null or a.backend_xid is not null)";
    assert_eq!(server.sql("postgres", holders).trim(), "0");
    let home = tempfile::tempdir().unwrap();
    let url = server.url("postgresql", "postgres", "");
    let statement = format!("create index concurrently on {table} (i)");
    let limit = [("PGOPTIONS", "-c statement_timeout=20s")];
    server
        .psql_with(&url, home.path(), &limit, &statement)
        .unwrap();
}

/// Kills a process that holds the lock, and checks that the lock is free.
async fn hold_in_a_process(server: &Postgres, url: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::hold_the_lock", "--ignored", "--nocapture"])
        .env(URL, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let held = lines
        .map_while(Result::ok)
        .any(|line| line.contains("held"));
    assert!(held, "the process could not take the lock");
    let refused = acquire(url, Duration::ZERO).await;
    assert!(matches!(refused, Err(LockError::Timeout { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    let lock = acquire(url, Duration::from_secs(5)).await.unwrap();
    lock.release().await.unwrap();
    wait_until_nothing_is_left(server);
}

#[test]
#[ignore = "another test starts and kills it"]
fn hold_the_lock() {
    let url = std::env::var(URL).unwrap();
    block_on(async {
        let lock = acquire(&url, Duration::ZERO).await.unwrap();
        println!("held");
        tokio::time::sleep(Duration::from_mins(1)).await;
        lock.release().await.unwrap();
    });
}
