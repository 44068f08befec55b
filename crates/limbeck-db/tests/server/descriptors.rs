//! The descriptors of sessions and locks: no child process inherits one.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use limbeck_db::{LockScope, LockWait, MigrationLock, Session, VersionTable};
use limbeck_testkit::{MariaDb, Postgres, Tls};

use crate::support::{block_on, options};

const O_CLOEXEC: u32 = 0o2_000_000;

fn descriptors() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn is_inherited(descriptor: &str) -> bool {
    // The descriptor of the listing itself has been closed.
    let Ok(info) = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")) else {
        return false;
    };
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    u32::from_str_radix(flags.unwrap().trim(), 8).unwrap() & O_CLOEXEC == 0
}

#[test]
fn no_child_process_inherits_a_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    let before = descriptors();
    let postgres = Postgres::start(Tls::Off);
    let mariadb = MariaDb::start();
    let mut urls = vec![format!(
        "sqlite:///{}",
        folder.path().join("a.db").display()
    )];
    urls.push(postgres.url("postgresql", "postgres", ""));
    urls.push(mariadb.url("mysql+pymysql", "mysql"));
    for url in urls {
        block_on(async {
            let options = options(&url, folder.path(), &[]).unwrap();
            let scope = LockScope::new(&options, &VersionTable::default());
            let wait = LockWait::for_at_most(Duration::ZERO);
            let lock = MigrationLock::acquire(&options, &scope, wait, |_| ())
                .await
                .unwrap();
            let mut session = Session::open(&options).await.unwrap();
            session.execute("SELECT 1", &[]).await.unwrap();
            let inherited: Vec<_> = descriptors()
                .difference(&before)
                .filter(|descriptor| is_inherited(descriptor))
                .map(|descriptor| fs::read_link(format!("/proc/self/fd/{descriptor}")))
                .collect();
            assert!(inherited.is_empty(), "{url}: {inherited:?}");
            session.close().await.unwrap();
            lock.release().await.unwrap();
        });
    }
}
