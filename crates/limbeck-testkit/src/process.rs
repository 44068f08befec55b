//! Server processes: unprivileged, each on its own port, killed at the end of the test.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::ports::reserve_port;

/// Returns `true` if this process runs as root. Database servers refuse to.
pub(crate) fn is_root() -> bool {
    user_id() == 0
}

/// Returns the effective user of this process.
pub(crate) fn user_id() -> u32 {
    fs::metadata("/proc/self").expect("/proc").uid()
}

/// Returns a command that runs as `user` if we are root, and that the kernel kills when the test ends.
pub(crate) fn unprivileged_command(program: &Path, user: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if is_root() {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// Makes `user` the owner of a file, or of a folder with its content, if we are root.
pub(crate) fn change_owner(path: &Path, user: &str) {
    if is_root() {
        run(Command::new("chown")
            .arg("-R")
            .arg(format!("{user}:{user}"))
            .arg(path));
    }
}

/// Creates a temporary folder that belongs to `user` and that every user can enter.
pub(crate) fn server_folder(prefix: &str, user: &str) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir()
        .expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    change_owner(folder.path(), user);
    folder
}

/// Runs a command to its end, expects success and returns its standard output.
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

/// Returns the path of a program, searching `folders` before `PATH`.
pub(crate) fn find_program(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Starts a server on a reserved port and waits until it is ready.
///
/// `spawn` starts the process on a port, with its messages in the file `log`. `is_ready` gets the port. If the server
/// ends because another program has the port, the server is started again on another one.
pub(crate) fn start_server(
    log: &Path,
    mut spawn: impl FnMut(u16) -> Child,
    mut is_ready: impl FnMut(u16) -> bool,
) -> (u16, ChildGuard) {
    for _ in 0..5 {
        let port = reserve_port();
        let mut server = ChildGuard(spawn(port));
        let start = Instant::now();
        let status = loop {
            if is_ready(port) {
                return (port, server);
            }
            if let Some(status) = server.0.try_wait().expect("a status") {
                break status;
            }
            assert!(
                start.elapsed() < Duration::from_mins(1),
                "a server did not start within a minute\n{}",
                fs::read_to_string(log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        let text = fs::read_to_string(log).unwrap_or_default();
        assert!(
            text.to_lowercase().contains("address already in use"),
            "a server ended with {status} at its start\n{text}"
        );
    }
    panic!("no port stayed free until a server had started");
}

/// A process that is ended when this value is dropped.
#[derive(Debug)]
pub(crate) struct ChildGuard(pub(crate) Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // On SIGQUIT the server ends its own children, too; SIGKILL would leave them running.
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
