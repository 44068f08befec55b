//! Compile-time checks that all futures of the crate are `Send`, so that a service can spawn them.

use limbeck_db::{
    Canceller, ConnectOptions, FunctionCallSender, LockScope, LockWait, MigrationLock, Session,
    VersionTable,
};

fn assert_send<T: Send>(_: T) {}

fn assert_send_sync<T: Send + Sync>() {}

#[expect(dead_code, reason = "the compiler checks it, nothing runs it")]
fn session_futures_are_send(session: &mut Session, calls: FunctionCallSender) {
    assert_send(session.execute("", &[]));
    assert_send(session.execute_after(&[], "", &[]));
    assert_send(session.execute_many(&[], "", &[]));
    assert_send(session.execute_script(""));
    assert_send(session.begin_without_commit());
    assert_send(session.is_commit_forbidden());
    assert_send(session.allow_commits());
    assert_send(session.define_floor());
    assert_send(session.register_function("", 0, false, calls));
    assert_send(session.connection_details());
    let table = VersionTable::default();
    assert_send(table.heads(session));
    assert_send(table.describe(session));
}

#[expect(dead_code, reason = "the compiler checks it, nothing runs it")]
fn owning_futures_are_send(
    options: &ConnectOptions,
    session: Session,
    second: Session,
    canceller: &Canceller,
    lock: MigrationLock,
    scope: &LockScope,
    wait: LockWait,
) {
    assert_send(Session::open(options));
    assert_send(Session::open_on_caller_thread(options));
    assert_send(session.close());
    assert_send(canceller.cancel());
    assert_send(MigrationLock::acquire(options, scope, wait, |_| ()));
    assert_send(MigrationLock::acquire_over(second, scope, wait, |_| ()));
    assert_send(lock.release());
}

#[test]
fn types_can_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Session>();
    is_send::<MigrationLock>();
    assert_send_sync::<Canceller>();
    assert_send_sync::<ConnectOptions>();
    assert_send_sync::<limbeck_db::DbError>();
}
