//! Checks the links between the project's documents.

use std::path::Path;

use crate::tree::{assert_no_problems, files_with_extension, root};

#[test]
fn relative_links_name_existing_files() {
    let mut problems = Vec::new();
    for file in files_with_extension("md") {
        let folder = Path::new(&file.path).parent().unwrap();
        for target in links(&file.text) {
            if !root().join(folder).join(target).exists() {
                problems.push(format!("{}: {target}", file.path));
            }
        }
    }
    assert_no_problems("these links name files that don't exist", &problems);
}

/// Returns the targets of a document's links to other files, without their fragments.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code || line.starts_with("    ") {
            continue;
        }
        // Parts at odd positions are between backticks, so they are code.
        for prose in line.split('`').step_by(2) {
            for (_, rest) in prose
                .match_indices("](")
                .map(|(at, open)| prose.split_at(at + open.len()))
            {
                let Some((target, _)) = rest.split_once(')') else {
                    continue;
                };
                let target = target.split('#').next().unwrap_or(target);
                if !target.is_empty() && !target.contains(':') {
                    found.push(target);
                }
            }
        }
    }
    found
}

#[test]
fn finds_links_outside_of_code() {
    for (text, expected) in [
        (
            "see [a](b.md) and [c](../d/e.md#part).",
            vec!["b.md", "../d/e.md"],
        ),
        (
            "[out](https://example.com) [here](#part) `[code](x.md)`",
            vec![],
        ),
        ("```\n[code](x.md)\n```\n[text](y.md)", vec!["y.md"]),
        ("a link with [`code`](z.md) in it", vec!["z.md"]),
    ] {
        assert_eq!(links(text), expected, "{text}");
    }
}
