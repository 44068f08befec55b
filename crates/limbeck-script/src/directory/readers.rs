//! The threads that read files while others are still being found.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use super::read::{Part, Reader};

/// With fewer parts than this, a thread would come too late, and sharing open files costs each more.
const PARTS_FOR_A_HELPER: usize = 12;

/// With fewer parts than this, a second helper would; nor is it worth asking how many there may be.
const PARTS_FOR_SEVERAL_HELPERS: usize = 64;

/// Reads parts as they are found, with the help of other threads. One may take longer to start than a short
/// history takes to be read: parts are taken as they come, and nobody waits for a thread that has none.
pub(super) struct Readers {
    queue: Arc<Queue>,
    parts: usize,
    folders: usize,
    helpers: usize,
    /// For the helpers to come; theirs hold the other ends open.
    done: Option<mpsc::Sender<(usize, Reader)>>,
    from_helpers: mpsc::Receiver<(usize, Reader)>,
}

impl Default for Readers {
    fn default() -> Self {
        let (done, from_helpers) = mpsc::channel();
        Self {
            queue: Arc::default(),
            parts: 0,
            folders: 0,
            helpers: 0,
            done: Some(done),
            from_helpers,
        }
    }
}

impl Readers {
    /// The next folder's number.
    pub(super) fn new_folder(&mut self) -> usize {
        self.folders += 1;
        self.folders
    }

    /// Has a part read.
    pub(super) fn read(&mut self, part: Part) {
        self.queue.add(part);
        self.parts += 1;
        let wanted = match self.parts {
            PARTS_FOR_A_HELPER => 1,
            PARTS_FOR_SEVERAL_HELPERS => {
                thread::available_parallelism().map_or(1, NonZero::get) - 1
            }
            _ => 0,
        };
        while self.helpers < wanted {
            self.helpers += 1;
            self.start_helper();
        }
    }

    fn start_helper(&self) {
        let Some(done) = self.done.clone() else {
            return;
        };
        let queue = Arc::clone(&self.queue);
        let helper = thread::Builder::new().name("scripts".into());
        // Without help it takes longer, and that is all.
        let _ = helper.spawn(move || {
            let (read, reader) = queue.read_all();
            if read > 0 {
                // Nobody waits any more when the listing has failed.
                let _ = done.send((read, reader));
            }
        });
    }

    /// Helps to read what is left, and returns what each thread has read.
    pub(super) fn finish(mut self) -> Vec<Reader> {
        self.queue.close();
        self.done = None;
        let (mut read, reader) = self.queue.read_all();
        let mut readers = vec![reader];
        while read < self.parts {
            // A helper that panicked has told so on standard error; what it had read is missing then.
            let (more, reader) = self.from_helpers.recv().expect("no reading thread panics");
            read += more;
            readers.push(reader);
        }
        readers
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Parts that wait to be read.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    parts: VecDeque<Part>,
    /// No other part will come.
    closed: bool,
}

impl Queue {
    fn add(&self, part: Part) {
        self.state().parts.push_back(part);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Reads parts as long as some come; returns how many that were.
    fn read_all(&self) -> (usize, Reader) {
        let mut reader = Reader::default();
        let mut read = 0;
        while let Some(part) = self.take() {
            reader.read_all(part);
            read += 1;
        }
        (read, reader)
    }

    /// The next part, once there is one; `None` when there will be no other.
    fn take(&self) -> Option<Part> {
        let mut state = self.state();
        loop {
            if let Some(part) = state.parts.pop_front() {
                return Some(part);
            }
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
