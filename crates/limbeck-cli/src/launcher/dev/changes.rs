//! Watches the project for changes of sources and revision scripts.

use std::path::{Path, PathBuf};

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Folders without files that developers edit. Hidden folders are ignored, too.
const IGNORED: [&str; 6] = [
    "__pycache__",
    "node_modules",
    "target",
    "venv",
    "dist",
    "build",
];

/// The file extensions of sources. Other files, such as databases and logs, change while processes run.
const SOURCE_EXTENSIONS: [&str; 10] = [
    "py", "pyi", "toml", "ini", "cfg", "yaml", "yml", "json", "html", "env",
];

/// A change in the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A source has changed.
    Source,
    /// A revision script has changed.
    Revision,
}

/// A watcher of folders. It watches until it is dropped.
pub(crate) struct Changes {
    _watcher: RecommendedWatcher,
    receiver: mpsc::UnboundedReceiver<Change>,
}

impl Changes {
    /// Starts to watch `folders` and the folders of revision scripts. `root` is the project's folder.
    ///
    /// # Errors
    /// Returns the watcher's error if a folder can't be watched.
    pub(crate) fn watch(
        root: &Path,
        folders: &[PathBuf],
        revisions: Vec<PathBuf>,
    ) -> notify::Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (root, watched) = (root.to_owned(), revisions.clone());
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if !changes_content(event.kind) {
                return;
            }
            for path in &event.paths {
                if let Some(change) = classify(&root, path, &watched) {
                    // The receiver is gone while the processes are being stopped.
                    let _ = sender.send(change);
                }
            }
        })?;
        for folder in folders.iter().chain(&revisions) {
            watcher.watch(folder, RecursiveMode::Recursive)?;
        }
        Ok(Self {
            _watcher: watcher,
            receiver,
        })
    }

    /// Waits for the next change.
    pub(crate) async fn next(&mut self) -> Change {
        match self.receiver.recv().await {
            Some(change) => change,
            // The watcher and its sender live as long as this value.
            None => std::future::pending().await,
        }
    }

    /// Returns a change that has already arrived.
    pub(crate) fn try_next(&mut self) -> Option<Change> {
        self.receiver.try_recv().ok()
    }
}

/// Returns `true` if an event changes the content of a file or folder, and not only its metadata.
fn changes_content(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Modify(_) => true,
        _ => false,
    }
}

/// Returns the kind of change of a file, or `None` for a file that no process or migration depends on.
fn classify(root: &Path, path: &Path, revisions: &[PathBuf]) -> Option<Change> {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let is_ignored = inside.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        IGNORED.contains(&&*name) || (name.len() > 1 && name.starts_with('.') && name != "..")
    });
    let name = path.file_name()?.to_string_lossy();
    let is_source = path
        .extension()
        .is_some_and(|end| SOURCE_EXTENSIONS.contains(&&*end.to_string_lossy()));
    let is_watched = name == ".env" || (is_source && !is_ignored);
    if !is_watched {
        return None;
    }
    if revisions.iter().any(|folder| path.starts_with(folder)) {
        return Some(Change::Revision);
    }
    Some(Change::Source)
}

#[cfg(test)]
mod tests {
    use super::{Change, classify};

    #[test]
    fn classifies_sources_and_revision_scripts() {
        let revisions = ["/p/migrations/versions".into()];
        for (path, expected) in [
            ("/p/app/main.py", Some(Change::Source)),
            ("/p/.env", Some(Change::Source)),
            ("/p/alembic.ini", Some(Change::Source)),
            ("/p/migrations/versions/a1.py", Some(Change::Revision)),
            ("/p/migrations/env.py", Some(Change::Source)),
            ("/p/migrations/versions/__pycache__/a1.py", None),
            ("/p/.venv/lib/x.py", None),
            ("/p/.git/x.py", None),
            ("/p/app.db", None),
            ("/p/app/main.py~", None),
        ] {
            let root = "/p".as_ref();
            assert_eq!(
                classify(root, path.as_ref(), &revisions),
                expected,
                "{path}"
            );
        }
    }
}
