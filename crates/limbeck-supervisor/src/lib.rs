//! Starts an application, supervises and probes it, and serves the health endpoints. Contains no database code.

mod health;
mod init;
mod probe;
mod process;
mod readiness;
mod signals;
mod state;

pub use health::{HealthServer, Metrics, Page, PageAccess, RenderedPage};
pub use init::{is_init, run_as_init};
pub use probe::{Probe, ProbeError, ProbeFailure, fetch_health};
pub use process::{
    Application, Guard, LaunchSpec, Streams, exec_under_parent, listening_addresses, run_guard,
    shell_status,
};
pub use readiness::{ComponentState, ReadinessProblem};
pub use signals::{ReceivedSignal, Signals};
pub use state::{
    ApplicationState, AppliedRevision, DatabaseHealth, FAILURE_THRESHOLD, PendingRevision, Phase,
    ProbeRecord, ProcessState, SchemaState, SharedState, StateSnapshot, StepState,
};
