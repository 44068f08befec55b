//! The progress line at the bottom of a terminal: the step, the running statement, and its time.
//!
//! Python writes to the same terminal, but waits while its statement runs. So limbeck draws the line only while a
//! statement runs, and clears it before Python continues.

use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use limbeck::Event;

use crate::output::notices::print_event;
use crate::output::redact::redact;

/// The interval at which the line is drawn. Shorter statements are mostly not shown.
const TICK: Duration = Duration::from_millis(120);

/// The number of characters of a statement to keep. No terminal line is longer.
const MAX_SQL_LENGTH: usize = 400;

/// The display of a run's progress.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The line; `None` if standard error is not a terminal, or other processes write to it.
    line: Option<Arc<Mutex<Line>>>,
    has_thread: bool,
}

#[derive(Debug, Default)]
struct Line {
    steps_done: u64,
    steps_total: u64,
    revision: String,
    /// The start of the running statement, and its text.
    statement: Option<(Instant, String)>,
    bar: Option<ProgressBar>,
    is_finished: bool,
}

impl Progress {
    /// Creates the display. With `may_draw`, it draws a line if standard error is a terminal. The caller must know that
    /// only Python writes to the terminal meanwhile.
    pub(crate) fn new(may_draw: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            line: (may_draw && stderr().is_terminal() && !is_dumb).then(Arc::default),
            has_thread: false,
        }
    }

    /// Prints the notice of an event, and updates the line.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        print_event(event);
        let Some(line) = &self.line else {
            return;
        };
        match event {
            Event::Step {
                revision,
                number,
                of,
                ..
            } => {
                let mut line = lock(line);
                line.steps_done = number.saturating_sub(1) as u64;
                line.steps_total = *of as u64;
                line.revision = (*revision).to_owned();
            }
            Event::StatementBegins { sql } => {
                lock(line).statement = Some((Instant::now(), truncate_sql(sql)));
                if !self.has_thread {
                    self.has_thread = true;
                    let line = Arc::clone(line);
                    // If the thread can't be started, the run continues without a line.
                    let _ = thread::Builder::new()
                        .name("progress".into())
                        .spawn(move || draw(&line));
                }
            }
            Event::StatementEnds { .. } => lock(line).clear(),
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            let mut line = lock(line);
            line.clear();
            line.is_finished = true;
        }
    }
}

impl Line {
    fn clear(&mut self) {
        self.statement = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn tick(&mut self) {
        let Some((since, sql)) = &self.statement else {
            return;
        };
        if since.elapsed() < TICK {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let (done, total) = (self.steps_done, self.steps_total);
            let words: Vec<&str> = sql.split_whitespace().collect();
            ProgressBar::new(total)
                .with_style(style())
                .with_position(done)
                .with_elapsed(since.elapsed())
                .with_prefix(format!("{}/{total} {}", done + 1, self.revision))
                .with_message(redact(&words.join(" ")))
        });
        bar.tick();
    }
}

/// Returns the start of a statement, as long as is shown while it runs.
pub(crate) fn truncate_sql(sql: &str) -> String {
    sql.chars().take(MAX_SQL_LENGTH).collect()
}

fn draw(line: &Mutex<Line>) {
    loop {
        thread::sleep(TICK);
        let mut line = lock(line);
        if line.is_finished {
            return;
        }
        line.tick();
    }
}

fn style() -> ProgressStyle {
    let template = "{spinner} [{bar:16}] {prefix} {elapsed} {wide_msg:.dim}";
    ProgressStyle::with_template(template).expect("the template is valid")
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
