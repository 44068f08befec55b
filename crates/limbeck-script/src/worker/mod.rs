//! The worker: the project's own Python in a process of its own, which asks its host for everything
//! that touches the database.

mod message;
mod process;
mod sources;
mod stream;

pub use message::{
    BuiltIn, CallAnswer, ConfigOption, ConnectRequest, End, Execute, Frame, FunctionRequest,
    HeaderRow, LockRequest, Plan, Request, StepRequest, SyntaxPlace, UrlParts, VersionTablePlace,
};
pub use process::{Worker, WorkerError, WorkerOptions};
