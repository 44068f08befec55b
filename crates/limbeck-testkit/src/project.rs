//! A project folder for programs under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A temporary folder for programs that run without the environment variables of the machine.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    /// Environment variables of every program.
    pub variables: Vec<(String, String)>,
}

/// The exit status and the output of a program.
#[derive(Debug)]
pub struct CommandOutput {
    /// The exit status, or -1 after a signal.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl CommandOutput {
    /// Expects exit status 0.
    ///
    /// # Panics
    /// Panics with both streams if the status is another.
    #[track_caller]
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "many tests check only the status"
    )]
    pub fn success(self) -> Self {
        assert_eq!(
            self.status, 0,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// Creates an empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("limbeck-project")
            .tempdir()
            .expect("a folder");
        Self {
            folder,
            variables: Vec::new(),
        }
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file and creates its parent folders.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    /// Reads a text file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("a file")
    }

    /// Returns a command that runs in this folder, with no other variables than those set here. `python`, if given, is the
    /// interpreter of the active virtual environment.
    pub fn command(&self, program: &Path, python: Option<&Path>) -> Command {
        let mut command = Command::new(program);
        let mut path = vec![
            PathBuf::from("/usr/local/bin"),
            PathBuf::from("/usr/bin"),
            PathBuf::from("/bin"),
        ];
        command.env_clear();
        if let Some(environment) = python.and_then(Path::parent).and_then(Path::parent) {
            command.env("VIRTUAL_ENV", environment);
            path.insert(0, environment.join("bin"));
        }
        command
            .env("PATH", std::env::join_paths(path).expect("a PATH"))
            .env("HOME", self.path())
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a program to its end.
    pub fn run(&self, program: &Path, python: Option<&Path>, arguments: &[&str]) -> CommandOutput {
        let output = self
            .command(program, python)
            .args(arguments)
            .output()
            .expect("the program starts");
        CommandOutput {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts a program with pipes for its output.
    pub fn start(&self, program: &Path, python: Option<&Path>, arguments: &[&str]) -> Child {
        self.command(program, python)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }
}
