//! One of several processes: started, restarted when sources change, ended with all others.

use std::time::Duration;

use limbeck_supervisor::{Application, Guard, Launch, shell_status};
use tokio::sync::{mpsc, watch};

use super::output::Prefix;

/// What a process is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// To run; another number starts it again.
    Running(u64),
    /// To end.
    Ended,
}

/// What became of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Became {
    /// It runs, in the group of this number.
    Running(i32),
    /// It has ended by itself, with a status as a shell has it, or could not be started.
    Ended(Option<u8>),
}

/// A process and what it takes to run it.
pub(crate) struct Runner {
    pub(crate) place: usize,
    pub(crate) launch: Launch,
    pub(crate) guard: Guard,
    pub(crate) prefix: Prefix,
    pub(crate) grace: Duration,
    pub(crate) wanted: watch::Receiver<Wanted>,
    pub(crate) became: mpsc::UnboundedSender<(usize, Became)>,
}

impl Runner {
    /// Keeps the process as it is wanted, until it is wanted no more.
    pub(crate) async fn go_on(mut self) {
        while *self.wanted.borrow_and_update() != Wanted::Ended {
            self.once().await;
        }
    }

    /// From a start until something else is wanted.
    async fn once(&mut self) {
        let mut application = match Application::start(&self.launch, self.guard.clone()) {
            Ok(application) => application,
            Err(error) => {
                self.prefix
                    .print(format!("could not start: {error}").as_bytes());
                return self.wait_for_change(None).await;
            }
        };
        let lines = application.take_output().map(|(stdout, stderr)| {
            let (one, other) = (self.prefix.clone(), self.prefix.clone());
            tokio::spawn(async move { tokio::join!(one.pass_on(stdout), other.pass_on(stderr)) })
        });
        self.tell(Became::Running(application.pid()));
        let ended = tokio::select! {
            ended = application.ended() => Some(ended),
            _ = self.wanted.changed() => None,
        };
        let stopped = application.stop(self.grace).await;
        if let Some(lines) = lines {
            // What it has written last; a process that has left our group may keep the pipe.
            let _ = tokio::time::timeout(Duration::from_millis(200), lines).await;
        }
        let (status, text) = match (ended, stopped) {
            (None, _) => return,
            (Some(Ok(status)), _) => {
                let status = shell_status(status);
                (Some(status), format!("ended with {status}"))
            }
            (Some(Err(error)), _) => (None, format!("could not be waited for: {error}")),
        };
        let line = format!("{text}; it starts again when a source changes");
        self.prefix.print(line.as_bytes());
        self.wait_for_change(status).await;
    }

    async fn wait_for_change(&mut self, status: Option<u8>) {
        self.tell(Became::Ended(status));
        // The sender lives as long as the processes.
        let _ = self.wanted.changed().await;
    }

    fn tell(&self, became: Became) {
        // Nobody listens any more when all are being ended.
        let _ = self.became.send((self.place, became));
    }
}
