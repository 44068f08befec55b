//! What changes in the project: sources, and revision scripts.

use std::path::{Path, PathBuf};

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Folders with nothing that a developer edits.
const IGNORED: [&str; 6] = [
    "__pycache__",
    "node_modules",
    "target",
    "venv",
    "dist",
    "build",
];

/// Sources by the ends of their names; databases and logs change while processes run.
const SOURCES: [&str; 10] = [
    "py", "pyi", "toml", "ini", "cfg", "yaml", "yml", "json", "html", "env",
];

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A source.
    Source,
    /// A revision script, or a folder of such.
    Revision,
}

/// Watches folders for as long as it lives.
pub(crate) struct Changes {
    _watcher: RecommendedWatcher,
    receiver: mpsc::UnboundedReceiver<Change>,
}

impl Changes {
    /// Begins to watch in a project's folder; `revisions` are the folders of revision scripts.
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
                if let Some(change) = kind(&root, path, &watched) {
                    // Nobody listens any more when the processes are being ended.
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

    /// The next change.
    pub(crate) async fn next(&mut self) -> Change {
        match self.receiver.recv().await {
            Some(change) => change,
            // The watcher lives as long as we do.
            None => std::future::pending().await,
        }
    }

    /// Changes that have come meanwhile.
    pub(crate) fn more(&mut self) -> Option<Change> {
        self.receiver.try_recv().ok()
    }
}

fn changes_content(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Modify(_) => true,
        _ => false,
    }
}

fn kind(root: &Path, path: &Path, revisions: &[PathBuf]) -> Option<Change> {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let is_ignored = inside.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        IGNORED.contains(&&*name) || (name.len() > 1 && name.starts_with('.') && name != "..")
    });
    let name = path.file_name()?.to_string_lossy();
    let is_source = path
        .extension()
        .is_some_and(|end| SOURCES.contains(&&*end.to_string_lossy()));
    let counts = name == ".env" || (is_source && !is_ignored);
    if !counts {
        return None;
    }
    if revisions.iter().any(|folder| path.starts_with(folder)) {
        return Some(Change::Revision);
    }
    Some(Change::Source)
}

#[cfg(test)]
mod tests {
    use super::{Change, kind};

    #[test]
    fn what_is_a_change() {
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
            assert_eq!(kind(root, path.as_ref(), &revisions), expected, "{path}");
        }
    }
}
