//! Checks that no doc comment starts with a question word: types are noun phrases, and functions start with a verb.

use crate::tree::{assert_no_problems, files_with_extension};

const QUESTION_WORDS: [&str; 6] = ["What", "How", "Where", "Which", "Whether", "Who"];

/// The markers of a doc comment: of the item below, and of the module.
const MARKERS: [&str; 2] = ["///", "//!"];

#[test]
fn doc_comments_do_not_start_with_a_question_word() {
    let mut problems = Vec::new();
    for file in files_with_extension("rs") {
        if file.path.starts_with("crates/") && file.path.contains("/src/") {
            let lines = question_lines(&file.text).into_iter();
            problems.extend(lines.map(|(number, line)| format!("{}:{number}: {line}", file.path)));
        }
    }
    let count = problems.len();
    assert_no_problems(
        &format!("{count} doc comments start with a question word"),
        &problems,
    );
}

/// Returns the first lines of doc comments that start with a question word, with their line numbers from 1.
fn question_lines(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut previous = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let marker = MARKERS.into_iter().find(|marker| line.starts_with(marker));
        let first_word = line.split_whitespace().nth(1);
        if marker.is_some()
            && marker != previous
            && first_word.is_some_and(|word| {
                QUESTION_WORDS.contains(&word.trim_end_matches(|c: char| !c.is_alphabetic()))
            })
        {
            found.push((index + 1, line));
        }
        previous = marker;
    }
    found
}

#[test]
fn finds_question_words_at_the_start_of_doc_comments() {
    let text = "//! What it does.\n//! How, too.\n\n/// A noun.\n/// Where it is.\n\n    /// Whether it is so.\n\
                /// Whoever.\n// Which one.\n/// Who, then.\nfn what() {}\n";
    let numbers: Vec<usize> = question_lines(text)
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, [1, 7, 10]);
}
