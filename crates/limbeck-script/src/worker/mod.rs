//! The worker: the project's own Python in a separate process, which sends the host everything that touches the database.

mod process;
mod protocol;
mod sources;
mod stream;

pub use process::{Worker, WorkerError, WorkerOptions};
pub use protocol::{
    BuiltInFunction, CallResult, CodeLine, CommandOptions, ConfigOption, ConfigSource,
    ConnectFailureReason, ConnectReply, ConnectRequest, CopyDataReply, CopyDirection, CopyReply,
    EnvironmentUrl, ErrorReply, ErrorReplyKind, ExecuteRequest, Extended, FileVariable, Frame,
    FrameKind, FunctionRequest, ImportedScript, KnownScript, LockRequest, PlanReply, PlanRequest,
    PlannedStep, RaisedException, Role, RunOutcome, ServerErrorReply, ServerProduct, SessionStatus,
    Start, StepDirection, StepRequest, StepsReply, SyntaxErrorLocation, Task, UrlEnvironment,
    UrlParts, VersionTableRef, WorkerRequest,
};
