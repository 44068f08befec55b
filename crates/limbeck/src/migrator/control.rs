//! The caller's side of a run: signals in, events out.

use crate::run::{Event, Interrupt};
use crate::version_probe::OpenSession;

/// The caller's means to follow and interrupt a run.
pub struct RunControl<'a> {
    /// The signals that end the run.
    pub interrupt: Interrupt,
    /// `true` if a statement may block the caller's thread, which is faster for `SQLite`. `interrupt` must then be sent
    /// from another thread.
    pub blocks_thread: bool,
    /// A callback for the run's events.
    pub on_event: &'a mut (dyn FnMut(Event<'_>) + Send),
    /// The session of a [`VersionProbe`](crate::VersionProbe), for the run to reuse.
    pub session: Option<OpenSession>,
}

impl<'a> RunControl<'a> {
    /// Returns a control that sends no signal. To end the run, drop its future: the sessions close, and the server rolls
    /// back.
    pub fn without_signals(on_event: &'a mut (dyn FnMut(Event<'_>) + Send)) -> Self {
        let (_, interrupt) = tokio::sync::watch::channel(None);
        Self {
            interrupt,
            blocks_thread: false,
            on_event,
            session: None,
        }
    }
}
