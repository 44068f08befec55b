//! A project, an application, and the supervisor in front of them.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use limbeck_testkit::{Sandbox, reserve_port};

use crate::support::{limbeck, linear, sync_env};

/// An application: says under which URLs it was started, answers HTTP, and ends on `SIGTERM` unless it is `stubborn`;
/// a `plain` one lets the signal end it.
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
# A process of its own, as a server's workers are.
worker = subprocess.Popen(["sleep", "600"], preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
with open("processes", "w") as file:
    print(os.getpid(), worker.pid, file=file)
time.sleep(float(os.environ.get("DELAY", "0")))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if mode == "unwell" or os.path.exists("unwell") else 204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


Server(("127.0.0.1", port), Handler).serve_forever()
"#;

/// A project with an application.
pub(super) fn project(revisions: &[(&str, &str, &str)]) -> Sandbox {
    let sandbox = linear(&sync_env(""), revisions);
    sandbox.write("app.py", APPLICATION);
    sandbox
}

/// `limbeck run` and what it supervises.
pub(super) struct Launched {
    child: Option<Child>,
    folder: PathBuf,
    pub(super) port: u16,
    pub(super) health: u16,
}

/// Starts the application of a project in `mode`, probed and with health endpoints.
pub(super) fn launch(
    sandbox: &Sandbox,
    python: &Path,
    url: &str,
    mode: &str,
    options: &[&str],
) -> Launched {
    launch_command(sandbox, |port, health| {
        // Behind a shell's `&` these tests ignore SIGINT, and what they start would, too, until it listens.
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

/// Starts what `command` makes of a port for the application and one for the health endpoints.
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
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .status();
        assert!(sent.expect("`kill` runs").success());
    }

    pub(super) fn wait(mut self) -> Output {
        let child = self.child.take().expect("it runs");
        child.wait_with_output().expect("it ends")
    }

    /// Status and body of a health endpoint; none when nothing listens.
    pub(super) fn get(&self, path: &str) -> Option<(u16, String)> {
        get(SocketAddr::from(([127, 0, 0, 1], self.health)), path)
    }

    /// The page, or the parts of it that `query` asks for.
    pub(super) fn page(&self, query: &str) -> String {
        let address = SocketAddr::from(([127, 0, 0, 1], self.health));
        let host = format!("Host: 127.0.0.1:{}", self.health);
        let answer = request(address, &format!("GET /{query}"), &[&host]).expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    pub(super) fn wait_until_ready(&self) {
        wait_for("it is ready", || {
            self.get("/readyz").is_some_and(|(status, _)| status == 200)
        });
    }

    /// The processes that it has started itself, by whichever of its threads.
    pub(super) fn children(&self) -> Vec<u32> {
        let id = self.child.as_ref().expect("it runs").id();
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

    /// The processes of the application, once it has told them.
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
        // A test that failed leaves it running.
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(super) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let answer = request(address, &format!("GET {path}"), &["Host: limbeck"])?;
    Some((answer.status, answer.body))
}

/// An answer over HTTP.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The lines before the body, in small letters.
    pub(super) head: String,
    pub(super) body: String,
}

/// The answer to a method and a path; none when nothing listens.
pub(super) fn request(address: SocketAddr, what: &str, headers: &[&str]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    write!(
        stream,
        "{what} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some(Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}

/// Waits until something is so.
pub(super) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "not so: {what}");
        sleep(Duration::from_millis(10));
    }
}

/// Whether a process runs: a zombie does not.
pub(super) fn runs(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
    })
}

/// Makes sure that none of them runs any more, soon.
pub(super) fn assert_gone(processes: &[u32]) {
    let start = Instant::now();
    while processes.iter().any(|id| runs(*id)) {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "still there: {processes:?}"
        );
        sleep(Duration::from_millis(10));
    }
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
