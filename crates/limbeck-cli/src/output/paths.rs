//! Paths in messages.

use std::path::Path;

/// Returns the path relative to the current folder if the path is below that folder, else the path itself.
pub(crate) fn display_path(path: &Path) -> String {
    let current = std::env::current_dir().ok();
    current
        .and_then(|current| path.strip_prefix(current).ok())
        .unwrap_or(path)
        .display()
        .to_string()
}
