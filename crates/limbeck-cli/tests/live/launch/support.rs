//! A project, an application, and the supervisor that runs it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use limbeck_testkit::{Sandbox, reserve_port};

use crate::support::{limbeck, linear, sync_env};

/// An application. It records its URLs, serves HTTP, and exits on `SIGTERM`. In mode `stubborn` it ignores the signal, and in
/// mode `plain` the signal ends it.
const APPLICATION: &str = r#"
import http.server, os, signal, subprocess, sys, time

mode, port = sys.argv[1], int(sys.argv[2])
with open("started", "w") as file:
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        print(name, os.environ.get(name), file=file)
if mode == "crash":
    sys.exit(9)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif mode != "plain":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
# A child process, like a server's worker.
worker = subprocess.Popen(["sleep", "600"], preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
with open("processes", "w") as file:
    print(os.getpid(), worker.pid, file=file)
time.sleep(float(os.environ.get("DELAY", "0")))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if mode == "unhealthy" or os.path.exists("unhealthy") else 204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", port), Handler).serve_forever()
"#;

/// Returns a project with an application.
pub(super) fn project(revisions: &[(&str, &str, &str)]) -> Sandbox {
    let sandbox = linear(&sync_env(""), revisions);
    sandbox.write("app.py", APPLICATION);
    sandbox
}

/// The time after which a condition or the end of a process counts as missing.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running `limbeck run` and its application.
pub(super) struct Launched {
    child: Option<Child>,
    folder: PathBuf,
    pub(super) port: u16,
    pub(super) health: u16,
}

/// Starts the application of a project in `mode`, with a probe and health endpoints.
pub(super) fn launch(
    sandbox: &Sandbox,
    python: &Path,
    url: &str,
    mode: &str,
    options: &[&str],
) -> Launched {
    launch_command(sandbox, |port, health| {
        // In the background of a shell, tests ignore SIGINT. limbeck would inherit that until it installs its handlers.
        let mut command = sandbox.command(Path::new("env"), Some(python));
        command
            .env("DATABASE_URL", url)
            .arg("--default-signal")
            .arg(limbeck())
            .arg("run")
            .arg(format!("--probe=http://127.0.0.1:{port}/ready"))
            .arg(format!("--health-addr={health}"))
            .args(options)
            .args(["--", "python3", "app.py", mode, &port.to_string()]);
        command
    })
}

/// Starts the command that `command` returns for the application's port and the port of the health endpoints.
pub(super) fn launch_command(
    sandbox: &Sandbox,
    command: impl FnOnce(u16, u16) -> Command,
) -> Launched {
    let (port, health) = (reserve_port(), reserve_port());
    let mut command = command(port, health);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Launched {
        child: Some(command.spawn().expect("limbeck starts")),
        folder: sandbox.path().to_owned(),
        port,
        health,
    }
}

impl Launched {
    pub(super) fn signal(&self, signal: &str) {
        let id = self
            .child
            .as_ref()
            .expect("a running limbeck")
            .id()
            .to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .status();
        assert!(sent.expect("`kill` runs").success());
    }

    /// Waits for limbeck to exit. Panics after the deadline.
    pub(super) fn wait(mut self) -> Output {
        wait_for_exit(self.child.take().expect("a running limbeck"))
    }

    /// Returns the status and the body of a health endpoint, or `None` if nothing listens.
    pub(super) fn get(&self, path: &str) -> Option<(u16, String)> {
        get(SocketAddr::from(([127, 0, 0, 1], self.health)), path)
    }

    /// Returns the page, or the parts of it that `query` requests.
    pub(super) fn page(&self, query: &str) -> String {
        let address = SocketAddr::from(([127, 0, 0, 1], self.health));
        let host = format!("Host: 127.0.0.1:{}", self.health);
        let answer = request(address, &format!("GET /{query}"), &[&host]).expect("a response");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    pub(super) fn wait_until_ready(&self) {
        wait_for("limbeck is ready", || {
            self.get("/readyz").is_some_and(|(status, _)| status == 200)
        });
    }

    /// Returns the child processes of all of limbeck's threads.
    pub(super) fn children(&self) -> Vec<u32> {
        let id = self.child.as_ref().expect("a running limbeck").id();
        let threads = fs::read_dir(format!("/proc/{id}/task")).expect("its threads");
        let children = threads.map(|thread| {
            let file = thread.expect("a thread").path().join("children");
            fs::read_to_string(file).expect("its children")
        });
        let numbers = children.collect::<Vec<_>>().join(" ");
        let numbers = numbers.split_whitespace();
        numbers
            .map(|number| number.parse().expect("a number"))
            .collect()
    }

    /// Waits for the application to record its processes, and returns them.
    pub(super) fn processes(&self) -> Vec<u32> {
        let file = self.folder.join("processes");
        let read = || -> Vec<u32> {
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.split_whitespace()
                .filter_map(|number| number.parse().ok())
                .collect()
        };
        wait_for("the application has started", || read().len() == 2);
        read()
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        // A failed test leaves limbeck running.
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Returns the status and the body of a path, or `None` if nothing listens.
pub(super) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let answer = request(address, &format!("GET {path}"), &["Host: limbeck"])?;
    Some((answer.status, answer.body))
}

/// An HTTP response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    /// The lines before the body, in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

/// Sends a request with the method and path in `line`, and returns the response, or `None` if nothing listens.
pub(super) fn request(address: SocketAddr, line: &str, headers: &[&str]) -> Option<Response> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    write!(
        stream,
        "{line} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some(Response {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}

/// Waits for a process to exit. Panics after the deadline.
pub(super) fn wait_for_exit(child: Child) -> Output {
    let id = child.id();
    let (sender, output) = mpsc::channel();
    spawn(move || sender.send(child.wait_with_output()));
    let output = output.recv_timeout(DEADLINE);
    output
        .unwrap_or_else(|_| panic!("process {id} still runs"))
        .expect("the output")
}

/// Waits until a condition holds. Panics after the deadline.
pub(super) fn wait_for(condition: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "never true: {condition}");
        sleep(Duration::from_millis(10));
    }
}

/// Returns `true` if a process runs. A zombie does not.
fn is_running(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
    })
}

/// Waits until all processes have ended.
pub(super) fn assert_gone(processes: &[u32]) {
    wait_for(&format!("{processes:?} have ended"), || {
        !processes.iter().any(|id| is_running(*id))
    });
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
