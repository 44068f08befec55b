//! Starts an application, stays in front of it, probes its health, and serves health endpoints; knows no SQL.

mod board;
mod health;
mod init;
mod probe;
mod process;
mod signals;

pub use board::{
    ApplicationFacts, Board, DatabaseFacts, FAILURES, Facts, Phase, ProbeRecord, ProcessFacts,
    SchemaFacts, StepFacts,
};
pub use health::{Audience, Drawn, HealthServer, Metrics, Page};
pub use init::{init, is_init};
pub use probe::{Probe, ProbeError, ProbeFailure, ask_health};
pub use process::{Application, Guard, Launch, exec_under_parent, guard, listening, shell_status};
pub use signals::{Received, Signals};
