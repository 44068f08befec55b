//! The worker's process and the stream to it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::process::{Child, Command};

use super::protocol::{CallResult, Request, Start};
use super::sources::{BOOTSTRAP, MODULES};
use super::stream::MessageStream;
use crate::interpreter::Interpreter;

/// How long a worker that has said its last word may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// What a worker is started with; it may hold secrets, so it has no `Debug`.
#[derive(Clone)]
pub struct WorkerOptions {
    /// The interpreter.
    pub interpreter: Interpreter,
    /// The first message, without the modules; see `python/PROTOCOL.md`.
    pub start: Start,
    /// Environment variables on top of the inherited ones.
    pub variables: BTreeMap<String, String>,
    /// Where its standard output goes in place of ours. It then gets no input, and its errors are told by its last word
    /// alone.
    pub output: Option<Arc<OwnedFd>>,
}

/// Why a worker can't go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The interpreter could not be started.
    #[error("could not start the Python interpreter `{}`", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process ended before it told how the run ended.
    #[error("the Python worker ended without a word ({status})")]
    Exited {
        /// Its exit status.
        status: ExitStatus,
    },
    /// The stream broke.
    #[error("could not speak with the Python worker")]
    Stream(#[source] io::Error),
    /// A message that is not in the protocol.
    #[error("the Python worker sent a message that limbeck does not understand")]
    Message(#[source] serde_json::Error),
}

/// The first message of the host.
#[derive(Serialize)]
struct StartMessage<'a> {
    #[serde(flatten)]
    start: &'a Start,
    /// The worker's modules by name, each as (is package, source).
    sources: BTreeMap<&'static str, (bool, &'static str)>,
    /// A checksum of the modules' sources.
    digest: u32,
}

impl<'a> StartMessage<'a> {
    fn new(start: &'a Start) -> Self {
        let mut digest = crc32fast::Hasher::new();
        for (_, _, text) in MODULES {
            digest.update(text.as_bytes());
        }
        Self {
            start,
            sources: MODULES
                .iter()
                .map(|(name, is_package, text)| (*name, (*is_package, *text)))
                .collect(),
            digest: digest.finalize(),
        }
    }
}

/// A running worker. Dropping it kills the process.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stream: MessageStream,
    /// Held open for as long as we live: the worker ends itself when it closes.
    _lifeline: io::PipeWriter,
}

impl Worker {
    /// Starts the interpreter and sends the first message.
    ///
    /// # Errors
    /// [`WorkerError::Start`] when the program can't be started.
    pub async fn start(options: &WorkerOptions) -> Result<Self, WorkerError> {
        let path = &options.interpreter.path;
        let failed = |source: io::Error| WorkerError::Start {
            path: path.clone(),
            source,
        };
        let (from_worker, to_host) = io::pipe().map_err(failed)?;
        let (from_host, to_worker) = io::pipe().map_err(failed)?;
        let (lifeline_read, lifeline) = io::pipe().map_err(failed)?;
        // All ends are closed on exec by default; the worker's three are let through to it alone, as
        // nothing else is started while they are open here.
        let theirs = [from_host.as_fd(), to_host.as_fd(), lifeline_read.as_fd()];
        for end in theirs {
            fcntl_setfd(end, FdFlags::empty()).map_err(|error| failed(error.into()))?;
        }
        let (input, output, errors) = match &options.output {
            Some(output) => {
                let output = output.try_clone().map_err(failed)?;
                (Stdio::null(), output.into(), Stdio::null())
            }
            None => (Stdio::inherit(), Stdio::inherit(), Stdio::inherit()),
        };
        let child = Command::new(path)
            .arg("-c")
            .arg(BOOTSTRAP)
            .args(theirs.map(|end| end.as_raw_fd().to_string()))
            .envs(&options.variables)
            .stdin(input)
            .stdout(output)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        drop((from_host, to_host, lifeline_read));
        let mut worker = Self {
            child,
            stream: MessageStream::new(from_worker, to_worker).map_err(failed)?,
            _lifeline: lifeline,
        };
        worker.send(&StartMessage::new(&options.start)).await?;
        Ok(worker)
    }

    /// The worker's next request.
    ///
    /// # Errors
    /// [`WorkerError::Exited`] when the process has ended.
    pub async fn next_request(&mut self) -> Result<Request, WorkerError> {
        self.receive().await
    }

    /// Has the worker call a Python function while its own request waits.
    ///
    /// # Errors
    /// [`WorkerError::Exited`] when the process has ended.
    pub async fn call(
        &mut self,
        name: &str,
        arguments: &impl Serialize,
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
            Ok(message) => serde_json::from_slice(message).map_err(WorkerError::Message),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(WorkerError::Stream(error))
            }
            Err(error) => Err(self.broken(error).await),
        }
    }

    /// Answers the last request with what it asked for.
    ///
    /// # Errors
    /// [`WorkerError::Exited`] when the process has ended.
    pub async fn reply(&mut self, value: &impl Serialize) -> Result<(), WorkerError> {
        #[derive(Serialize)]
        struct Reply<'a, T: ?Sized> {
            ok: &'a T,
        }
        self.send(&Reply { ok: value }).await
    }

    /// Answers the last request with an error.
    ///
    /// # Errors
    /// [`WorkerError::Exited`] when the process has ended.
    pub async fn reply_error(&mut self, error: &impl Serialize) -> Result<(), WorkerError> {
        #[derive(Serialize)]
        struct Reply<'a, T: ?Sized> {
            error: &'a T,
        }
        self.send(&Reply { error }).await
    }

    /// Waits for the process to end by itself; kills it when it takes too long.
    ///
    /// # Errors
    /// [`WorkerError::Stream`] when the system can't tell.
    pub async fn wait(mut self) -> Result<ExitStatus, WorkerError> {
        if let Ok(status) = tokio::time::timeout(GRACE, self.child.wait()).await {
            status.map_err(WorkerError::Stream)
        } else {
            self.child.kill().await.map_err(WorkerError::Stream)?;
            self.child.wait().await.map_err(WorkerError::Stream)
        }
    }

    /// Ends the process: it gets `grace` to end by itself, then it is killed.
    pub async fn stop(mut self, grace: Duration) {
        if tokio::time::timeout(grace, self.child.wait())
            .await
            .is_err()
        {
            // A process that is gone already is what we want.
            let _ = self.child.kill().await;
        }
    }

    async fn send(&mut self, message: &impl Serialize) -> Result<(), WorkerError> {
        let mut bytes = vec![0; 4];
        serde_json::to_writer(&mut bytes, message).map_err(WorkerError::Message)?;
        let length = u32::try_from(bytes.len() - 4).map_err(|_| {
            WorkerError::Stream(io::Error::new(
                io::ErrorKind::InvalidData,
                "a result is larger than 4 GiB",
            ))
        })?;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        match self.stream.send(&bytes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.broken(error).await),
        }
    }

    async fn broken(&mut self, error: io::Error) -> WorkerError {
        match tokio::time::timeout(GRACE, self.child.wait()).await {
            Ok(Ok(status)) => WorkerError::Exited { status },
            _ => WorkerError::Stream(error),
        }
    }
}
