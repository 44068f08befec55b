//! Reads the files of the checkout and cargo's metadata of its packages.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Folders with generated files.
const GENERATED: [&str; 4] = ["target", "__pycache__", "node_modules", "venv"];
/// Hidden entries that belong to the project. Others (`.git`, `.cache`, `.venv`) don't.
const HIDDEN: [&str; 5] = [".ci", ".config", ".github", ".gitignore", ".gitattributes"];

/// A text file of the project.
pub(crate) struct File {
    /// The path relative to the checkout, with `/` as the separator.
    pub(crate) path: String,
    /// The content.
    pub(crate) text: String,
}

/// Returns the folder of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Returns the text files of the project, sorted by path. Files that are not UTF-8 are omitted.
pub(crate) fn files() -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if !is_part_of_project(&entry.file_name()) {
                continue;
            }
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let Ok(text) = String::from_utf8(fs::read(entry.path()).unwrap()) else {
                    continue;
                };
                let path = entry.path();
                let path = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        found.len() > 20,
        "only {} files found in `{}`",
        found.len(),
        root.display()
    );
    found
}

/// Returns the text files of the project with this extension.
pub(crate) fn files_with_extension(extension: &str) -> Vec<File> {
    files()
        .into_iter()
        .filter(|file| Path::new(&file.path).extension() == Some(OsStr::new(extension)))
        .collect()
}

/// Returns `true` if a file or folder of this name belongs to the project.
fn is_part_of_project(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    if name.starts_with('.') {
        HIDDEN.contains(&&*name)
    } else {
        !GENERATED.contains(&&*name)
    }
}

/// Returns the packages that `cargo metadata` lists, without using the network.
pub(crate) fn packages(arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo metadata failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Returns the target triple of the toolchain that runs the tests.
pub(crate) fn host_target() -> String {
    let output = Command::new("rustc")
        .arg("-vV")
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap()
        .to_owned()
}

/// Panics with `message` and all problems, one per line, unless there are none.
pub(crate) fn assert_no_problems(message: &str, problems: &[String]) {
    assert!(
        problems.is_empty(),
        "{message}:\n  {}",
        problems.join("\n  ")
    );
}
