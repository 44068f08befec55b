//! What is installed for an interpreter, by its own word.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use super::Interpreter;

/// The program that the interpreter runs.
const PROGRAM: &str = include_str!("../../python/installed.py");

/// How long it may take; a disk that is asleep is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an interpreter has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct InstalledVersions {
    /// Its version.
    pub python: (u32, u32, u32),
    /// The packages that were asked for, with their versions; none for what is not there.
    pub packages: BTreeMap<String, Option<String>>,
}

impl InstalledVersions {
    /// A package's version, where it is installed.
    pub fn version(&self, package: &str) -> Option<&str> {
        self.packages.get(package)?.as_deref()
    }

    /// The first of several packages that is installed, and its version.
    pub fn first_installed<'a>(&'a self, packages: &[&'a str]) -> Option<(&'a str, &'a str)> {
        let mut found = packages
            .iter()
            .filter_map(|package| Some((*package, self.version(package)?)));
        found.next()
    }
}

/// Why an interpreter does not tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstalledVersionsError {
    /// It could not be started.
    #[error("could not start the Python interpreter `{}`", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended with an error, or said something else.
    #[error("the Python interpreter `{}` does not tell what is installed: {why}", path.display())]
    Answer {
        /// The program.
        path: PathBuf,
        /// The last line of its complaint, or what is wrong with its answer.
        why: String,
    },
    /// It took too long.
    #[error("the Python interpreter `{}` did not answer within {} seconds", path.display(), PATIENCE.as_secs())]
    Timeout {
        /// The program.
        path: PathBuf,
    },
}

impl Interpreter {
    /// Asks for its version and those of some packages, by the names that they are installed under. Nothing of
    /// theirs or of the project's is imported.
    ///
    /// # Errors
    /// [`InstalledVersionsError`] when it does not tell.
    pub async fn installed_versions(
        &self,
        packages: &[&str],
    ) -> Result<InstalledVersions, InstalledVersionsError> {
        let path = || self.path.clone();
        let running = Command::new(&self.path)
            .arg("-c")
            .arg(PROGRAM)
            .args(packages)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| InstalledVersionsError::Start {
                path: path(),
                source,
            })?
            .wait_with_output();
        let output = tokio::time::timeout(PATIENCE, running)
            .await
            .map_err(|_| InstalledVersionsError::Timeout { path: path() })?
            .map_err(|source| InstalledVersionsError::Start {
                path: path(),
                source,
            })?;
        let answer = |why: String| InstalledVersionsError::Answer { path: path(), why };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rfind(|line| !line.trim().is_empty());
            return Err(answer(match last {
                Some(line) => line.trim().to_owned(),
                None => output.status.to_string(),
            }));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| answer(error.to_string()))
    }
}
