//! Tests of the worker's process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Worker, WorkerOptions};
use crate::interpreter::{Interpreter, InterpreterSource};
use crate::worker::{CommandOptions, ConfigSource, Start, Task, UrlEnvironment};

/// Returns options that start a shell command in place of Python. It gets the numbers of its descriptors as `$1` to
/// `$3`.
fn options(folder: &tempfile::TempDir, command: &str) -> WorkerOptions {
    use std::os::unix::fs::PermissionsExt;

    let path = folder.path().join("python");
    // Python's arguments are `-c`, the program and the descriptors.
    std::fs::write(&path, format!("#!/bin/sh\nshift 2\n{command}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    WorkerOptions {
        interpreter: Interpreter {
            path,
            source: InterpreterSource::Option,
        },
        start: Start {
            task: Task::Headers,
            changes_database: false,
            options: CommandOptions {
                name_of_command: "heads".into(),
                config: None,
                name: "alembic".into(),
                x: None,
                raiseerr: false,
                quiet: false,
                own: Map::new(),
            },
            config: ConfigSource {
                ini: String::new(),
                toml: String::new(),
                section: "alembic".into(),
                set: BTreeMap::new(),
                folder: None,
            },
            argv: Vec::new(),
            application: None,
            scripts: None,
            script_folders: Vec::new(),
            cache_folder: None,
            environment: UrlEnvironment::default(),
        },
        variables: BTreeMap::new(),
        output: None,
    }
}

#[tokio::test]
async fn the_worker_inherits_its_descriptors() {
    let folder = tempfile::tempdir().unwrap();
    let request = br#"{"op":"plan","heads":["a1"],"url":null,"at":null}"#;
    let length = u32::try_from(request.len()).unwrap().to_be_bytes();
    let file = folder.path().join("request");
    std::fs::write(&file, [&length[..], request].concat()).unwrap();
    let command = format!(
        "cat /dev/fd/$1 >/dev/null &\ncat '{}' >/dev/fd/$2\ncat /dev/fd/$3",
        file.display()
    );
    let mut worker = Worker::start(&options(&folder, &command)).await.unwrap();
    let request = worker.next_request().await.unwrap();
    assert!(format!("{request:?}").contains("a1"), "{request:?}");
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn no_other_process_inherits_the_descriptors() {
    /// Counts the pipes of a new process.
    fn inherited_pipes() -> usize {
        let output = std::process::Command::new("sh")
            .args(["-c", "ls -l /proc/self/fd"])
            .output()
            .unwrap();
        let listing = String::from_utf8(output.stdout).unwrap();
        listing.matches("pipe:").count()
    }

    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder, "exit 0");
    let usual = inherited_pipes();
    let is_done = Arc::new(AtomicBool::new(false));
    let listing = {
        let is_done = Arc::clone(&is_done);
        std::thread::spawn(move || {
            let mut most = 0;
            while !is_done.load(Ordering::Relaxed) {
                most = most.max(inherited_pipes());
            }
            most
        })
    };
    for _ in 0..300 {
        // The process exits at once, so sending the first message may fail.
        if let Ok(worker) = Worker::start(&options).await {
            worker.stop(Duration::from_secs(10)).await;
        }
    }
    is_done.store(true, Ordering::Relaxed);
    assert_eq!(listing.join().unwrap(), usual);
}

/// Compiles only if the futures of a worker can move between threads.
#[test]
fn futures_are_send() {
    fn check(_: impl Send) {}
    let _: fn(&WorkerOptions, &Interpreter, [Worker; 6]) = |options, interpreter, workers| {
        let [mut next, mut call, mut reply, mut error, wait, stop] = workers;
        check(Worker::start(options));
        check(next.next_request());
        check(call.call("f", &[Value::Null]));
        check(reply.reply(&Value::Null));
        check(error.reply_error(&Value::Null));
        check(wait.wait());
        check(stop.stop(Duration::ZERO));
        check(interpreter.installed_versions(&["SQLAlchemy"]));
    };
}
