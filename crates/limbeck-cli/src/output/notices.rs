//! Single lines on standard error: warnings, log lines, and waits.

use limbeck::Event;

use crate::output::printer;
use crate::output::redact::redact;

/// Prints a warning, without its secrets.
pub(crate) fn print_warning(text: &str) {
    anstream::eprintln!("limbeck: warning: {}", redact(text));
}

/// Prints the next step after an error, without its secrets.
pub(crate) fn print_help(text: &str) {
    anstream::eprintln!("limbeck: help: {}", redact(text));
}

/// Prints log lines, in Alembic's form.
pub(crate) fn print_log(lines: &[String]) {
    for line in lines {
        anstream::eprintln!("{line}");
    }
}

/// Prints a line for a wait for the migration lock, and for a URL that comes from the environment. Keeps an error of
/// standard output for the end of the command. Ignores other events.
pub(crate) fn print_event(event: &Event<'_>) {
    match event {
        Event::OutputFailed { errno } => {
            printer::keep_failure(std::io::Error::from_raw_os_error(*errno));
        }
        Event::WaitingForLock { holder, waited } => {
            let holder = holder.as_deref().unwrap_or("another run");
            anstream::eprintln!(
                "limbeck: waiting for the migration lock, held by {holder} ({} s)",
                waited.as_secs()
            );
        }
        Event::LockTaken { waited } => {
            anstream::eprintln!(
                "limbeck: took the migration lock after {} s",
                waited.as_secs()
            );
        }
        Event::RolledBack => print_warning(
            "env.py rolled back the migrations: their version rows are not in the database",
        ),
        Event::InMemory => print_warning(
            "the database is in memory: nothing is left of the migrations after this command",
        ),
        Event::UsingEnvironment { what } => {
            anstream::eprintln!("limbeck: using {}", redact(what));
        }
        _ => {}
    }
}
