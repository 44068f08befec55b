//! The worker's process, and the requests and replies between the worker and its host.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use command_fds::CommandFdExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};

use super::protocol::{CallResult, KnownScript, ScriptRow, Start, WorkerRequest};
use super::sources::CodeFile;
use super::stream::MessageStream;
use crate::interpreter::{InstalledVersionsError, Interpreter};
use crate::side_effects::imports_of_files;

/// The time that the process gets to exit after the end of its run.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The options of [`Worker::start`]. They may contain secrets, so the type has no `Debug`.
#[derive(Clone)]
pub struct WorkerOptions {
    /// The Python interpreter.
    pub interpreter: Interpreter,
    /// The first message; see `python/PROTOCOL.md`.
    pub start: Start,
    /// The environment variables to set, besides the inherited ones.
    pub variables: BTreeMap<String, String>,
    /// The file for its standard output, if that is not the host's. The worker then gets no input, and its standard
    /// error is discarded: the last request reports a failure.
    pub output: Option<Arc<OwnedFd>>,
}

/// An error of the worker's process, or of the communication with it.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The interpreter can't be started.
    #[error("could not start the Python interpreter `{}`", path.display())]
    Start {
        /// The path of the interpreter.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The program is not Python, or its Python doesn't start.
    #[error("`{}`, which {} names, is not a working Python interpreter", interpreter.path.display(), interpreter.source)]
    NotPython {
        /// The program.
        interpreter: Interpreter,
        /// The failure of a short program.
        #[source]
        source: InstalledVersionsError,
    },
    /// The process exited before it sent the outcome of the run.
    #[error("the Python worker exited unexpectedly ({status})")]
    Exited {
        /// The exit status.
        status: ExitStatus,
    },
    /// A message can't be sent or received.
    #[error("could not communicate with the Python worker")]
    Stream(#[source] io::Error),
    /// A message doesn't follow the protocol.
    #[error("the Python worker sent a message that limbeck doesn't understand")]
    Message(#[source] serde_json::Error),
}

/// The first message of the host.
#[derive(Serialize)]
struct StartMessage<'a> {
    #[serde(flatten)]
    start: &'a Start,
    /// All scripts in load order; none if Python has to import them to learn their headers.
    scripts: Option<Vec<ScriptRow<'a>>>,
    /// A checksum of the worker's code.
    digest: u32,
}

/// A running worker. Dropping it kills the process.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stream: MessageStream,
    interpreter: Interpreter,
    /// `true` if the process has sent a message, so it is Python.
    has_answered: bool,
    /// The write end of a pipe. The worker exits when it closes, even if the host was killed.
    _lifeline: io::PipeWriter,
}

impl Worker {
    /// Starts the interpreter and sends the first message.
    ///
    /// # Errors
    /// Returns [`WorkerError::Start`] if the interpreter can't be started.
    pub async fn start(options: &WorkerOptions) -> Result<Self, WorkerError> {
        let path = &options.interpreter.path;
        let failed = |source: io::Error| WorkerError::Start {
            path: path.clone(),
            source,
        };
        let (from_worker, to_host) = io::pipe().map_err(failed)?;
        let (from_host, to_worker) = io::pipe().map_err(failed)?;
        let (lifeline_read, lifeline) = io::pipe().map_err(failed)?;
        let code = CodeFile::get().map_err(failed)?;
        let inherited = [
            OwnedFd::from(from_host),
            OwnedFd::from(to_host),
            OwnedFd::from(lifeline_read),
            OwnedFd::from(code.file.try_clone().map_err(failed)?),
        ];
        let (input, output, errors) = match &options.output {
            Some(output) => {
                let output = output.try_clone().map_err(failed)?;
                (Stdio::null(), output.into(), Stdio::null())
            }
            None => (Stdio::inherit(), Stdio::inherit(), Stdio::inherit()),
        };
        let mut command = std::process::Command::new(path);
        command
            .arg("-c")
            .arg(CodeFile::stub())
            .args(inherited.each_ref().map(|end| end.as_raw_fd().to_string()))
            .envs(&options.variables)
            .stdin(input)
            .stdout(output)
            .stderr(errors)
            // In the host these descriptors stay close-on-exec, so that no process which another thread starts
            // inherits them.
            .preserved_fds(inherited.into());
        let mut command = Command::from(command);
        let child = command.kill_on_drop(true).spawn().map_err(failed)?;
        // It owns the worker's ends of the pipes.
        drop(command);
        let mut worker = Self {
            child,
            stream: MessageStream::new(from_worker, to_worker).map_err(failed)?,
            interpreter: options.interpreter.clone(),
            has_answered: false,
            _lifeline: lifeline,
        };
        // Python takes a while to start.
        let scripts = match &options.start.scripts {
            Some(scripts) => Some(add_imports(scripts).await.map_err(WorkerError::Stream)?),
            None => None,
        };
        let message = StartMessage {
            start: &options.start,
            scripts,
            digest: code.digest,
        };
        worker.send(&message).await?;
        Ok(worker)
    }

    /// Waits for the worker's next request.
    ///
    /// # Errors
    /// Returns [`WorkerError::Exited`] if the process has exited.
    pub async fn next_request(&mut self) -> Result<WorkerRequest, WorkerError> {
        self.receive().await
    }

    /// Calls a Python function in the worker, while the worker waits for the reply to its request.
    ///
    /// # Errors
    /// Returns [`WorkerError::Exited`] if the process has exited.
    pub async fn call(
        &mut self,
        name: &str,
        arguments: &(impl Serialize + Sync),
    ) -> Result<CallResult, WorkerError> {
        #[derive(Serialize)]
        struct Call<'a, T: ?Sized> {
            call: &'a str,
            arguments: &'a T,
        }
        self.send(&Call {
            call: name,
            arguments,
        })
        .await?;
        self.receive().await
    }

    async fn receive<T: DeserializeOwned>(&mut self) -> Result<T, WorkerError> {
        match self.stream.next().await {
            Ok(message) => {
                self.has_answered = true;
                serde_json::from_slice(message).map_err(WorkerError::Message)
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(WorkerError::Stream(error))
            }
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// Answers the last request with its result.
    ///
    /// # Errors
    /// Returns [`WorkerError::Exited`] if the process has exited.
    pub async fn reply(&mut self, value: &(impl Serialize + Sync)) -> Result<(), WorkerError> {
        #[derive(Serialize)]
        struct Reply<'a, T: ?Sized> {
            ok: &'a T,
        }
        self.send(&Reply { ok: value }).await
    }

    /// Answers the last request with an error.
    ///
    /// # Errors
    /// Returns [`WorkerError::Exited`] if the process has exited.
    pub async fn reply_error(
        &mut self,
        error: &(impl Serialize + Sync),
    ) -> Result<(), WorkerError> {
        #[derive(Serialize)]
        struct Reply<'a, T: ?Sized> {
            error: &'a T,
        }
        self.send(&Reply { error }).await
    }

    /// Waits for the process to exit. Kills it after 10 seconds.
    ///
    /// # Errors
    /// Returns [`WorkerError::Stream`] if the system can't report the exit status.
    pub async fn wait(mut self) -> Result<ExitStatus, WorkerError> {
        if let Ok(status) = tokio::time::timeout(EXIT_TIMEOUT, self.child.wait()).await {
            status.map_err(WorkerError::Stream)
        } else {
            self.child.kill().await.map_err(WorkerError::Stream)?;
            self.child.wait().await.map_err(WorkerError::Stream)
        }
    }

    /// Waits at most `timeout` for the process to exit, then kills it.
    pub async fn stop(mut self, timeout: Duration) {
        if tokio::time::timeout(timeout, self.child.wait())
            .await
            .is_err()
        {
            // An error means that the process has already exited.
            let _ = self.child.kill().await;
        }
    }

    async fn send(&mut self, message: &(impl Serialize + Sync)) -> Result<(), WorkerError> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, message).map_err(WorkerError::Message)?;
        let length = u32::try_from(bytes.len() - 4).map_err(|_| {
            WorkerError::Stream(io::Error::new(
                io::ErrorKind::InvalidData,
                "a message is longer than 4 GiB",
            ))
        })?;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        match self.stream.send(&bytes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain(error).await),
        }
    }

    /// Runs a short program if the process has sent nothing yet.
    async fn check_interpreter(&self) -> Result<(), InstalledVersionsError> {
        if !self.has_answered {
            self.interpreter.installed_versions(&[]).await?;
        }
        Ok(())
    }

    /// Returns the exit status as the error, if the stream broke because the process has exited.
    async fn explain(&mut self, error: io::Error) -> WorkerError {
        match tokio::time::timeout(EXIT_TIMEOUT, self.child.wait()).await {
            Ok(Ok(status)) => match self.check_interpreter().await {
                Ok(()) => WorkerError::Exited { status },
                Err(source) => WorkerError::NotPython {
                    interpreter: self.interpreter.clone(),
                    source,
                },
            },
            _ => WorkerError::Stream(error),
        }
    }
}

/// Reads the imports of scripts, on other threads.
async fn add_imports(scripts: &[KnownScript]) -> io::Result<Vec<ScriptRow<'_>>> {
    let paths: Vec<PathBuf> = scripts.iter().map(|script| script.path.clone()).collect();
    let imports = tokio::task::spawn_blocking(move || imports_of_files(&paths)).await?;
    let row = |(script, imports)| ScriptRow { script, imports };
    Ok(scripts.iter().zip(imports).map(row).collect())
}

#[cfg(test)]
mod tests;
