//! The futures of `Migrator` are `Send`, so that a service can spawn them.

use limbeck::Migrator;

fn expect_send<T: Send>(future: T) -> T {
    future
}

/// Never called: the test is that it compiles.
async fn spawn_each_operation(migrator: Migrator) {
    let _ = expect_send(migrator.upgrade("head")).await;
    let _ = expect_send(migrator.downgrade("base")).await;
    let _ = expect_send(migrator.status("head")).await;
}

#[test]
fn futures_are_send() {
    let _ = spawn_each_operation;
}
