//! COPY over a session, in the steps of the worker's requests.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use limbeck_db::{CopyChunk, CopyStart, DbError, Outcome, Session};
use limbeck_script::worker::{CopyDataReply, ExecuteRequest};

use super::super::dry_run::{Admission, DryRun};
use super::{DryRunSession, OpenedSession, Sessions};

/// The SQLSTATE of a statement that was cancelled.
const QUERY_CANCELED: &str = "57014";

/// A COPY that runs on a session.
#[derive(Debug)]
pub(in super::super) struct RunningCopy {
    pub(in super::super) request: ExecuteRequest,
    /// `true` if the COPY began in an open transaction.
    pub(in super::super) was_in_transaction: bool,
    pub(in super::super) start: Instant,
}

/// A request for the running COPY.
#[derive(Debug)]
pub(in super::super) enum CopyStep {
    /// Send data, in base64.
    Send(String),
    /// Receive data.
    Receive,
    /// End the data.
    Finish,
    /// Make the COPY fail for a reason.
    Fail(String),
    /// Cancel the statement, and drop the rest of its data.
    Cancel,
}

/// The state of a COPY after a step.
#[derive(Debug)]
pub(in super::super) enum CopyProgress {
    /// The COPY waits for the next step.
    Waits,
    /// Data has arrived.
    Data(CopyDataReply),
    /// The COPY is over.
    Finished(Outcome),
}

impl Sessions {
    /// Runs a statement that may start a COPY.
    pub(in super::super) async fn start_copy(
        &mut self,
        request: &mut ExecuteRequest,
        revision: Option<&str>,
    ) -> Result<CopyStart, DbError> {
        let opened = self.get_mut(request.connection)?;
        let session = &mut opened.session;
        if let Some(DryRunSession { dry_run, .. }) = &mut opened.dry_run
            && let Admission::Answered(outcome) = dry_run.admit(session, request).await?
        {
            return Ok(CopyStart::Finished(outcome));
        }
        for statement in &request.before {
            session.execute(statement, &[]).await?;
        }
        let started = session.start_copy(&request.sql).await;
        let started = started.map_err(|error| opened.explain(error))?;
        if let CopyStart::Finished(outcome) = &started {
            opened.record(request, revision, outcome).await?;
        }
        Ok(started)
    }

    /// Keeps the COPY that has started.
    pub(in super::super) fn keep_copy(&mut self, copy: RunningCopy) -> Result<(), DbError> {
        let opened = self.get_mut(copy.request.connection)?;
        opened.copy = Some(copy);
        Ok(())
    }

    /// Takes the running COPY of a session.
    ///
    /// # Errors
    /// [`DbError::Unsupported`] if none is running.
    pub(in super::super) fn take_copy(&mut self, number: u32) -> Result<RunningCopy, DbError> {
        let copy = self.get_mut(number)?.copy.take();
        copy.ok_or_else(|| DbError::Unsupported("no COPY is running on the connection".into()))
    }

    /// Takes a step of the running COPY. `request` is the one that started it.
    pub(in super::super) async fn continue_copy(
        &mut self,
        request: &ExecuteRequest,
        revision: Option<&str>,
        step: CopyStep,
    ) -> Result<CopyProgress, DbError> {
        let opened = self.get_mut(request.connection)?;
        let progress = run_step(&mut opened.session, step).await;
        let progress = progress.map_err(|error| opened.explain(error))?;
        if let CopyProgress::Finished(outcome) = &progress {
            opened.record(request, revision, outcome).await?;
        }
        Ok(progress)
    }
}

impl OpenedSession {
    /// Returns the error of a statement as the user understands it.
    pub(super) fn explain(&self, error: DbError) -> DbError {
        match self.dry_run {
            Some(_) => DryRun::explain(error),
            None => error,
        }
    }

    /// Records a statement that succeeded in a dry run.
    pub(super) async fn record(
        &mut self,
        request: &ExecuteRequest,
        revision: Option<&str>,
        outcome: &Outcome,
    ) -> Result<(), DbError> {
        let Some(DryRunSession { dry_run, .. }) = &mut self.dry_run else {
            return Ok(());
        };
        dry_run
            .record(&mut self.session, request, revision, outcome)
            .await
    }
}

async fn run_step(session: &mut Session, step: CopyStep) -> Result<CopyProgress, DbError> {
    match step {
        CopyStep::Send(data) => {
            let data = STANDARD
                .decode(data)
                .map_err(|_| DbError::Unsupported("the data of a COPY is not base64".into()))?;
            session.send_copy_data(&data).await?;
            Ok(CopyProgress::Waits)
        }
        CopyStep::Receive => Ok(match session.receive_copy_data().await? {
            CopyChunk::Data(parts) => CopyProgress::Data(CopyDataReply {
                data: parts.iter().map(|part| STANDARD.encode(part)).collect(),
            }),
            CopyChunk::Finished(outcome) => CopyProgress::Finished(outcome),
        }),
        CopyStep::Finish => session.finish_copy().await.map(CopyProgress::Finished),
        CopyStep::Fail(reason) => session.fail_copy(&reason).await.map(CopyProgress::Finished),
        CopyStep::Cancel => {
            session.canceller().cancel().await?;
            loop {
                match session.receive_copy_data().await {
                    Ok(CopyChunk::Data(_)) => {}
                    Ok(CopyChunk::Finished(outcome)) => return Ok(CopyProgress::Finished(outcome)),
                    Err(DbError::Server(error)) if error.code == QUERY_CANCELED => {
                        return Ok(CopyProgress::Finished(Outcome::default()));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
}
