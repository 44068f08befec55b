//! Checks that the folders of the database dialects contain the same files, so that a reader who knows one of them
//! can navigate the others.

use crate::tree::{assert_no_problems, root};

/// The crates with a folder per dialect: source folder, dialects, and the files that each dialect's folder must contain.
const FOLDERS: [(&str, &[&str], &[&str]); 1] = [(
    "crates/limbeck-db/src",
    &["postgres", "sqlite", "mysql"],
    &["mod.rs", "options.rs", "session.rs"],
)];

#[test]
fn dialect_folders_contain_the_same_files() {
    let mut problems = Vec::new();
    for (folder, dialects, files) in FOLDERS {
        for dialect in dialects {
            for file in files {
                let path = format!("{folder}/{dialect}/{file}");
                if !root().join(&path).is_file() {
                    problems.push(path);
                }
            }
        }
    }
    assert_no_problems("these files are missing", &problems);
}
