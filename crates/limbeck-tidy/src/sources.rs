//! What every Rust file must have: an opening sentence, a bearable size, and no business with the
//! environment outside the binary.

use crate::tree::{File, assert_none, files_with_extension};

/// No file may have more lines than this, tests left out.
const LONGEST: usize = 700;
/// Half of the files must have at most this many lines, tests left out.
const MEDIAN: usize = 200;

fn rust_files() -> Vec<File> {
    let mut files = files_with_extension("rs");
    files.retain(|file| file.path.starts_with("crates/"));
    files
}

/// Whether the whole file is a test or an example.
fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("crates/limbeck-tidy/")
        || ["/tests/", "/benches/", "/examples/"]
            .iter()
            .any(|folder| path.contains(folder))
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
}

/// The file without the test module at its end.
fn without_tests(text: &str) -> &str {
    match text.find("#[cfg(test)]\nmod tests {") {
        Some(start) => text[..start].trim_end(),
        None => text,
    }
}

/// The first paragraph of the module's documentation.
fn opening(text: &str) -> String {
    let lines = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim);
    lines
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn files_open_with_a_sentence() {
    let problems: Vec<String> = rust_files()
        .iter()
        .filter(|file| {
            let sentence = opening(&file.text);
            !sentence.ends_with(['.', ':']) || !sentence.contains(' ')
        })
        .map(|file| file.path.clone())
        .collect();
    assert_none(
        "a file's first line is `//!` with a sentence that tells its job",
        &problems,
    );
}

#[test]
fn files_are_small() {
    let mut sizes: Vec<(usize, String)> = rust_files()
        .into_iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| (without_tests(&file.text).lines().count(), file.path))
        .collect();
    sizes.sort();
    let long: Vec<String> = sizes
        .iter()
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert_none(
        &format!("no file has more than {LONGEST} lines without its tests"),
        &long,
    );
    let (median, _) = sizes[sizes.len() / 2];
    assert!(
        median <= MEDIAN,
        "the median file has {median} lines; at most {MEDIAN} are allowed"
    );
}

/// Values come in as arguments, so that a caller can tell what a library will do.
#[test]
fn libraries_do_not_read_the_environment() {
    let mut problems = Vec::new();
    for file in rust_files() {
        if is_test(&file.path)
            || ["crates/limbeck-cli/", "crates/limbeck-testkit/"]
                .iter()
                .any(|folder| file.path.starts_with(folder))
        {
            continue;
        }
        for (index, line) in without_tests(&file.text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            let reads = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
            if reads.iter().any(|call| code.contains(call)) {
                problems.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    assert_none("only limbeck-cli reads the environment", &problems);
}

#[test]
fn the_test_module_is_not_counted() {
    let text = "//! A job.\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
    assert_eq!(without_tests(text).lines().count(), 3);
    assert_eq!(opening(text), "A job.");
    assert_eq!(opening("use std::fs;\n//! Late.\n"), "");
}
