//! A line at the bottom of a terminal for as long as a statement takes its time: the step, the statement, since when.
//!
//! Python writes to the same terminal, but waits while its statement runs. So the line is there only then, and gone
//! before Python goes on.

use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use limbeck::run::Event;

use crate::context;
use crate::redact::redact;

/// How often the line is drawn; what takes less is mostly not shown.
const TICK: Duration = Duration::from_millis(120);

/// More of a statement fits in no line.
const LONGEST: usize = 400;

/// What a run is told with.
#[derive(Debug)]
pub(crate) struct Progress {
    /// None where nobody looks.
    line: Option<Arc<Mutex<Line>>>,
    drawn: bool,
}

#[derive(Debug, Default)]
struct Line {
    /// The steps that are done, and all of them.
    steps: (u64, u64),
    revision: String,
    /// The statement that runs, and since when.
    statement: Option<(Instant, String)>,
    bar: Option<ProgressBar>,
    over: bool,
}

impl Progress {
    /// For what is written to standard error; without a line where others write there meanwhile.
    pub(crate) fn new(has_terminal: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            line: (has_terminal && stderr().is_terminal() && !dumb).then(Arc::default),
            drawn: false,
        }
    }

    /// Tells what is to be told at once, and notes the rest.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        context::tell(event);
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
                line.steps = (number.saturating_sub(1) as u64, *of as u64);
                line.revision = (*revision).to_owned();
            }
            Event::StatementBegins { sql } => {
                lock(line).statement = Some((Instant::now(), beginning(sql)));
                if !self.drawn {
                    self.drawn = true;
                    let line = Arc::clone(line);
                    // Without the thread there is no line, and that is all.
                    let _ = thread::Builder::new()
                        .name("progress".into())
                        .spawn(move || draw(&line));
                }
            }
            Event::StatementEnds { .. } => lock(line).clear(),
            Event::WaitingForLock { .. }
            | Event::LockTaken { .. }
            | Event::Located(_)
            | Event::Planned { .. }
            | Event::Rehearsed(_)
            | Event::Stands(_) => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            let mut line = lock(line);
            line.clear();
            line.over = true;
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
            let (done, all) = self.steps;
            let words: Vec<&str> = sql.split_whitespace().collect();
            ProgressBar::new(all)
                .with_style(style())
                .with_position(done)
                .with_elapsed(since.elapsed())
                .with_prefix(format!("{}/{all} {}", done + 1, self.revision))
                .with_message(redact(&words.join(" ")))
        });
        bar.tick();
    }
}

/// As much of a statement as is shown while it runs.
pub(crate) fn beginning(sql: &str) -> String {
    sql.chars().take(LONGEST).collect()
}

fn draw(line: &Mutex<Line>) {
    loop {
        thread::sleep(TICK);
        let mut line = lock(line);
        if line.over {
            return;
        }
        line.tick();
    }
}

fn style() -> ProgressStyle {
    let template = "{spinner} [{bar:16}] {prefix} {elapsed} {wide_msg:.dim}";
    ProgressStyle::with_template(template).expect("the template is right")
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
