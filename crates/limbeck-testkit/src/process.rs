//! Server processes: unprivileged, on a free port, gone when the test is.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

/// Whether this process may do everything; servers refuse to run so.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("`id` runs");
    id.stdout.trim_ascii() == b"0"
}

/// A command that runs as `user` when we are root, and that the kernel kills when the test ends.
pub(crate) fn unprivileged(program: &Path, user: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if is_root() {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// Gives a folder to `user` when we are root.
pub(crate) fn hand_over(folder: &Path, user: &str) {
    if is_root() {
        let status = Command::new("chown")
            .arg("-R")
            .arg(format!("{user}:{user}"))
            .arg(folder)
            .status();
        assert!(status.expect("`chown` runs").success());
    }
}

/// Runs a command to its end and expects success.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("output in UTF-8")
}

/// Waits until `ready` says so.
pub(crate) fn wait_until(what: &str, child: &mut Child, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            panic!("{what} ended: {status}");
        }
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "{what} did not start within a minute"
        );
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Finds a program among the folders that distributions use besides `PATH`.
pub(crate) fn find(program: &str, more: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    more.iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|p| p.is_file())
}

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct ChildGuard(pub(crate) Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // SIGQUIT takes the server's own children along, which SIGKILL would leave behind. A server that is
        // gone already is what we want.
        let quit = Command::new("kill")
            .args(["-QUIT", &self.0.id().to_string()])
            .status();
        let start = Instant::now();
        while quit.as_ref().is_ok_and(std::process::ExitStatus::success)
            && start.elapsed() < Duration::from_secs(5)
        {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
