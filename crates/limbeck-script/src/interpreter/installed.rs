//! Lists the packages that are installed for an interpreter.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use super::Interpreter;

/// The program that the interpreter runs.
const PROGRAM: &str = include_str!("../../python/installed.py");

/// The maximum run time of the program, long enough for a disk to spin up.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The versions of an interpreter and its packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct InstalledVersions {
    /// The interpreter's version.
    pub python: (u32, u32, u32),
    /// The requested packages with their versions; `None` for a package that is not installed.
    pub packages: BTreeMap<String, Option<String>>,
}

impl InstalledVersions {
    /// Returns the version of a package, if it is installed.
    pub fn version(&self, package: &str) -> Option<&str> {
        self.packages.get(package)?.as_deref()
    }

    /// Returns the first installed package of a list, and its version.
    pub fn first_installed<'a>(&'a self, packages: &[&'a str]) -> Option<(&'a str, &'a str)> {
        let mut found = packages
            .iter()
            .filter_map(|package| Some((*package, self.version(package)?)));
        found.next()
    }
}

/// An error of [`Interpreter::installed_versions`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstalledVersionsError {
    /// The interpreter can't be started.
    #[error("could not start the Python interpreter `{}`", path.display())]
    Start {
        /// The path of the interpreter.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The program failed, or its output is not as expected.
    #[error("the Python interpreter `{}` could not list its packages: {why}", path.display())]
    Output {
        /// The path of the interpreter.
        path: PathBuf,
        /// The last line of its standard error, its exit status, or the error in its output.
        why: String,
    },
    /// The program took too long.
    #[error("the Python interpreter `{}` did not answer within {} seconds", path.display(), TIMEOUT.as_secs())]
    Timeout {
        /// The path of the interpreter.
        path: PathBuf,
    },
}

impl Interpreter {
    /// Runs the interpreter to read its version and those of some packages, given their distribution names. It imports
    /// neither the packages nor the project.
    ///
    /// # Errors
    /// Returns [`InstalledVersionsError`] if the interpreter can't be started, fails, or takes too long.
    pub async fn installed_versions(
        &self,
        packages: &[&str],
    ) -> Result<InstalledVersions, InstalledVersionsError> {
        let path = || self.path.clone();
        let failed = |source| InstalledVersionsError::Start {
            path: path(),
            source,
        };
        let (program, mut to_program) = io::pipe().map_err(failed)?;
        // An empty pipe takes this many bytes without a reader.
        const { assert!(PROGRAM.len() <= 4096) };
        to_program.write_all(PROGRAM.as_bytes()).map_err(failed)?;
        drop(to_program);
        let running = Command::new(&self.path)
            // Another program than Python shows its arguments in its error, so the program is not among them.
            .arg("-")
            .args(packages)
            .stdin(program)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?
            .wait_with_output();
        let output = tokio::time::timeout(TIMEOUT, running)
            .await
            .map_err(|_| InstalledVersionsError::Timeout { path: path() })?
            .map_err(failed)?;
        let unexpected = |why: String| InstalledVersionsError::Output { path: path(), why };
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            let last = errors.lines().rfind(|line| !line.trim().is_empty());
            return Err(unexpected(match last {
                Some(line) => line.trim().to_owned(),
                None => output.status.to_string(),
            }));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| unexpected(error.to_string()))
    }
}
