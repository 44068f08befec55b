//! Checks each Rust file: an opening sentence, a limited size, and no reads of environment variables in libraries.

use crate::tree::{File, assert_no_problems, files_with_extension};

/// The maximum number of lines of a file, without tests.
const MAX_LINES: usize = 700;
/// The maximum of the median number of lines of all files, without tests.
const MAX_MEDIAN: usize = 200;

fn rust_files() -> Vec<File> {
    let mut files = files_with_extension("rs");
    files.retain(|file| file.path.starts_with("crates/"));
    files
}

/// Returns `true` if the whole file is a test, a benchmark or an example.
fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("crates/limbeck-tidy/")
        || ["/tests/", "/benches/", "/examples/"]
            .iter()
            .any(|folder| path.contains(folder))
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
}

/// Returns the file without the test module at its end.
fn without_tests(text: &str) -> &str {
    match text.find("#[cfg(test)]\nmod tests {") {
        Some(start) => text[..start].trim_end(),
        None => text,
    }
}

/// Returns the first paragraph of the module's documentation.
fn first_paragraph(text: &str) -> String {
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
fn files_start_with_a_sentence() {
    let problems: Vec<String> = rust_files()
        .iter()
        .filter(|file| {
            let sentence = first_paragraph(&file.text);
            !sentence.ends_with(['.', ':']) || !sentence.contains(' ')
        })
        .map(|file| file.path.clone())
        .collect();
    assert_no_problems(
        "these files don't start with a `//!` sentence that describes the module",
        &problems,
    );
}

#[test]
fn files_do_not_exceed_the_size_limits() {
    let mut sizes: Vec<(usize, String)> = rust_files()
        .into_iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| (without_tests(&file.text).lines().count(), file.path))
        .collect();
    sizes.sort();
    let long: Vec<String> = sizes
        .iter()
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert_no_problems(
        &format!("these files have more than {MAX_LINES} lines without their tests"),
        &long,
    );
    let (median, _) = sizes[sizes.len() / 2];
    assert!(
        median <= MAX_MEDIAN,
        "the median file has {median} lines; at most {MAX_MEDIAN} are allowed"
    );
}

/// Libraries take values as arguments, so that their behaviour depends on nothing that a caller can't see.
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
    assert_no_problems("only limbeck-cli may read environment variables", &problems);
}

#[test]
fn ignores_the_test_module() {
    let text = "//! A job.\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
    assert_eq!(without_tests(text).lines().count(), 3);
    assert_eq!(first_paragraph(text), "A job.");
    assert_eq!(first_paragraph("use std::fs;\n//! Late.\n"), "");
}
