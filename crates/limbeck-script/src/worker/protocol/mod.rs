//! The messages between the worker and its host. `python/PROTOCOL.md` specifies them.
//!
//! Values of the database cross the protocol as loose JSON: this crate doesn't depend on `limbeck-db`, so the reply to
//! `execute` is serialized by the host.

mod outcome;
mod reply;
mod request;
mod start;

pub use outcome::{
    ConfigOption, Frame, FrameKind, RaisedException, RunOutcome, SyntaxErrorLocation,
};
pub use reply::{
    ConnectFailureReason, ConnectReply, CopyDataReply, CopyDirection, CopyReply, ErrorReply,
    ErrorReplyKind, PlanReply, PlannedStep, ServerErrorReply, ServerProduct, SessionStatus,
    StepsReply,
};
pub use request::{
    BuiltInFunction, CallResult, CodeLine, ConnectRequest, ExecuteRequest, Extended,
    FunctionRequest, ImportedScript, LockRequest, PlanRequest, Role, StepDirection, StepRequest,
    UrlParts, VersionTableRef, WorkerRequest,
};
pub(super) use start::ScriptRow;
pub use start::{
    CommandOptions, ConfigSource, EnvironmentUrl, FileVariable, KnownScript, Start, Task,
    UrlEnvironment,
};
