//! Threads that read scripts while the folders are still being listed.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use super::read::{Batch, Reader};

/// The number of batches from which on a helper thread pays: it needs time to start, and two threads that share the
/// table of open files slow each other down.
const BATCHES_FOR_ONE_HELPER: usize = 12;

/// The number of batches from which on more helpers pay, and a system call for the number of processors.
const BATCHES_FOR_ALL_HELPERS: usize = 64;

/// The caller's thread and its helpers, which read batches from one queue. The pool doesn't wait for a helper that
/// has read nothing: a thread may take longer to start than the others need for the whole queue.
pub(super) struct ReaderPool {
    queue: Arc<Queue>,
    batches: usize,
    folders: usize,
    helpers: usize,
    /// The sender for further helpers; `None` when no more will start, so that only helpers keep the channel open.
    to_pool: Option<mpsc::Sender<(usize, Reader)>>,
    from_helpers: mpsc::Receiver<(usize, Reader)>,
}

impl Default for ReaderPool {
    fn default() -> Self {
        let (to_pool, from_helpers) = mpsc::channel();
        Self {
            queue: Arc::default(),
            batches: 0,
            folders: 0,
            helpers: 0,
            to_pool: Some(to_pool),
            from_helpers,
        }
    }
}

impl ReaderPool {
    /// Returns the number of the next folder.
    pub(super) fn new_folder(&mut self) -> usize {
        self.folders += 1;
        self.folders
    }

    /// Queues a batch.
    pub(super) fn queue(&mut self, batch: Batch) {
        self.queue.add(batch);
        self.batches += 1;
        let wanted = match self.batches {
            BATCHES_FOR_ONE_HELPER => 1,
            BATCHES_FOR_ALL_HELPERS => thread::available_parallelism().map_or(1, NonZero::get) - 1,
            _ => 0,
        };
        while self.helpers < wanted {
            self.helpers += 1;
            self.start_helper();
        }
    }

    fn start_helper(&self) {
        let Some(to_pool) = self.to_pool.clone() else {
            return;
        };
        let queue = Arc::clone(&self.queue);
        let helper = thread::Builder::new().name("scripts".into());
        // Without the helper, reading takes longer.
        let _ = helper.spawn(move || {
            let (read, reader) = queue.read_all();
            if read > 0 {
                // The pool is gone if listing has failed.
                let _ = to_pool.send((read, reader));
            }
        });
    }

    /// Reads the rest of the queue with the helpers. Returns the readers of all threads that have read a batch.
    pub(super) fn finish(mut self) -> Vec<Reader> {
        self.queue.close();
        self.to_pool = None;
        let (mut read, reader) = self.queue.read_all();
        let mut readers = vec![reader];
        while read < self.batches {
            let (more, reader) = self.from_helpers.recv().expect("no reading thread panics");
            read += more;
            readers.push(reader);
        }
        readers
    }
}

impl Drop for ReaderPool {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The batches that wait for a reader.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Batch>,
    /// `true` if no more batches will follow.
    is_closed: bool,
}

impl Queue {
    fn add(&self, batch: Batch) {
        self.state().batches.push_back(batch);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// Reads batches until the queue is closed and empty. Returns the number of batches read.
    fn read_all(&self) -> (usize, Reader) {
        let mut reader = Reader::default();
        let mut read = 0;
        while let Some(batch) = self.take() {
            reader.read_batch(batch);
            read += 1;
        }
        (read, reader)
    }

    /// Waits for the next batch; `None` if the queue is closed and empty.
    fn take(&self) -> Option<Batch> {
        let mut state = self.state();
        loop {
            if let Some(batch) = state.batches.pop_front() {
                return Some(batch);
            }
            if state.is_closed {
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
