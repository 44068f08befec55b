//! COPY between the worker and the server.

use limbeck_db::{CopyFormat, CopyStart, DbError, Outcome};
use limbeck_script::worker::{CopyDataReply, CopyDirection, CopyReply, ExecuteRequest};
use serde::Serialize;

use super::failure::RunError;
use super::interruption::{Activity, Interruption};
use super::sessions::{CopyProgress, CopyStep, OpenedSession, RunningCopy};
use super::state::{RunState, StatementError, unless_cancelled};
use super::wire::WireOutcome;

/// The reply to a request about a COPY.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum CopyAnswer {
    Started(CopyReply),
    Data(CopyDataReply),
    Waits(()),
    Finished(WireOutcome),
}

/// The error of a COPY, with the request that started it if one is known.
pub(super) type CopyError = Box<(StatementError, Option<ExecuteRequest>)>;

impl RunState<'_, '_> {
    /// Runs a statement that may start a COPY.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] if a signal arrives first; the statement is cancelled then. The database's own error is
    /// the inner result.
    pub(super) async fn start_copy(
        &mut self,
        mut request: ExecuteRequest,
    ) -> Result<Result<CopyAnswer, CopyError>, RunError> {
        let context = match self.begin_statement(&request) {
            Ok(context) => context,
            Err(error) => return Ok(Err(Box::new((error.into(), Some(request))))),
        };
        let revision = self.progress.revision();
        let starting = self.sessions.start_copy(&mut request, revision);
        let started = unless_cancelled(&mut self.interrupt, &context.canceller, starting)
            .await
            .map_err(|signal| Interruption::new(signal, Activity::Statement))?;
        let copy = RunningCopy {
            request,
            was_in_transaction: context.was_in_transaction,
            start: context.start,
        };
        let (direction, format) = match started {
            Ok(CopyStart::In(format)) => (CopyDirection::In, format),
            Ok(CopyStart::Out(format)) => (CopyDirection::Out, format),
            Ok(CopyStart::Finished(outcome)) => return Ok(self.end_copy(copy, Ok(outcome))),
            Err(error) => return Ok(self.end_copy(copy, Err(error))),
        };
        let CopyFormat { is_binary, columns } = format;
        Ok(match self.sessions.keep_copy(copy) {
            Ok(()) => Ok(CopyAnswer::Started(CopyReply {
                copy: direction,
                binary: is_binary,
                columns,
            })),
            Err(error) => Err(Box::new((error.into(), None))),
        })
    }

    /// Takes a step of the COPY that runs on a session.
    ///
    /// # Errors
    /// As [`Self::start_copy`].
    pub(super) async fn continue_copy(
        &mut self,
        connection: u32,
        step: CopyStep,
    ) -> Result<Result<CopyAnswer, CopyError>, RunError> {
        let canceller = self.sessions.get(connection).map(OpenedSession::canceller);
        let (canceller, copy) = match (canceller, self.sessions.take_copy(connection)) {
            (Ok(canceller), Ok(copy)) => (canceller, copy),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(Box::new((error.into(), None)))),
        };
        let revision = self.progress.revision();
        let running = self.sessions.continue_copy(&copy.request, revision, step);
        let progress = unless_cancelled(&mut self.interrupt, &canceller, running)
            .await
            .map_err(|signal| Interruption::new(signal, Activity::Statement))?;
        let answer = match progress {
            Ok(CopyProgress::Waits) => CopyAnswer::Waits(()),
            Ok(CopyProgress::Data(data)) => CopyAnswer::Data(data),
            Ok(CopyProgress::Finished(outcome)) => return Ok(self.end_copy(copy, Ok(outcome))),
            Err(error) => return Ok(self.end_copy(copy, Err(error))),
        };
        Ok(match self.sessions.keep_copy(copy) {
            Ok(()) => Ok(answer),
            Err(error) => Err(Box::new((error.into(), None))),
        })
    }

    /// Reports that a COPY has ended.
    fn end_copy(
        &mut self,
        copy: RunningCopy,
        ended: Result<Outcome, DbError>,
    ) -> Result<CopyAnswer, CopyError> {
        let RunningCopy {
            request,
            was_in_transaction,
            start,
        } = copy;
        match ended {
            Ok(outcome) => {
                let status = self
                    .sessions
                    .get(request.connection)
                    .map(OpenedSession::status);
                let status = status.unwrap_or_default();
                self.end_statement(&request, start, Some((&outcome, status)));
                Ok(CopyAnswer::Finished(WireOutcome { outcome, status }))
            }
            Err(error) => {
                self.end_statement(&request, start, None);
                let error = StatementError {
                    error,
                    was_in_transaction,
                };
                Err(Box::new((error, Some(request))))
            }
        }
    }
}
