//! Signals at random moments: no session, table or process is left, and limbeck never reports ready too early.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use limbeck_testkit::{Postgres, Tls, python};

use super::support::{assert_gone, get, launch, project, stderr, wait_for};
use crate::support::rounds;

/// Returns a number below `below` that depends only on the round.
fn pseudo_random(round: usize, below: u64) -> u64 {
    let mut mixed = (round as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^= mixed >> 29;
    mixed = mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 32) % below
}

#[test]
fn leaves_nothing_behind_after_a_signal_at_any_moment() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    let slow = |name: &str| {
        format!("op.execute('create table {name} (x int)')\nop.execute('select pg_sleep(0.15)')")
    };
    let (one, two) = (slow("t1"), slow("t2"));
    let sandbox = project(&[("a1", &one, "pass"), ("b2", &two, "pass")]);
    for round in 0..rounds(3) * 5 {
        for file in ["started", "processes"] {
            let _ = std::fs::remove_file(sandbox.path().join(file));
        }
        let name = format!("app{round}");
        server.create_database(&name);
        let url = server.url("postgresql+asyncpg", &name, "");
        let signal = ["TERM", "INT", "KILL"][round % 3];
        let mode = if round % 2 == 0 {
            "healthy"
        } else {
            "stubborn"
        };
        let delay = Duration::from_millis(pseudo_random(round, 1800));
        let case = format!("round {round}: {signal} after {delay:?}, {mode}");
        let launched = launch(&sandbox, &python, &url, mode, &["--stop-timeout=1s"]);
        let application = SocketAddr::from(([127, 0, 0, 1], launched.port));
        let has_signal = AtomicBool::new(false);
        scope(|scope| {
            scope.spawn(|| {
                while !has_signal.load(Ordering::SeqCst) {
                    let is_ready = launched
                        .get("/readyz")
                        .is_some_and(|(status, _)| status == 200);
                    let answers =
                        get(application, "/ready").is_some_and(|(status, _)| status == 204);
                    // A ready report before the signal must be true.
                    assert!(
                        !is_ready || answers || has_signal.load(Ordering::SeqCst),
                        "{case}"
                    );
                    sleep(Duration::from_millis(5));
                }
            });
            sleep(delay);
            has_signal.store(true, Ordering::SeqCst);
        });
        launched.signal(signal);
        let output = launched.wait();
        assert!(
            !output.status.success() || mode == "healthy",
            "{case}: {}",
            stderr(&output)
        );
        if let Ok(processes) = std::fs::read_to_string(sandbox.path().join("processes")) {
            let processes: Vec<u32> = processes
                .split_whitespace()
                .filter_map(|number| number.parse().ok())
                .collect();
            assert_gone(&processes);
        }
        let sessions = format!(
            "select count(*) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()"
        );
        wait_for("no session is left", || {
            server.sql(&name, &sessions).trim() == "0"
        });
        // The migration is applied completely or not at all.
        let tables = server.sql(
            &name,
            "select coalesce(string_agg(relname, ',' order by relname), '') from pg_class \
             where relname in ('alembic_version', 't1', 't2')",
        );
        let tables = tables.trim();
        assert!(
            ["", "alembic_version,t1,t2"].contains(&tables),
            "{case}: {tables}"
        );
        server.sql("postgres", &format!("drop database {name}"));
    }
}
