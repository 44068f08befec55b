//! The folders of the dialects have the same files, so that what is known of one finds its way in
//! the others.

use crate::tree::{assert_none, root};

/// Each crate with a folder per dialect, the folders, and the files that all of them have.
const FOLDERS: [(&str, &[&str], &[&str]); 1] = [(
    "crates/limbeck-db/src",
    &["postgres", "sqlite", "mysql"],
    &["mod.rs", "options.rs", "session.rs"],
)];

#[test]
fn dialects_have_the_same_files() {
    let mut problems = Vec::new();
    for (place, dialects, files) in FOLDERS {
        for dialect in dialects {
            for file in files {
                let path = format!("{place}/{dialect}/{file}");
                if !root().join(&path).is_file() {
                    problems.push(path);
                }
            }
        }
    }
    assert_none("these files are missing", &problems);
}
