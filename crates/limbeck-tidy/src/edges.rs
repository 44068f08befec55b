//! Which crate may use which, and that each has its paragraph in `ARCHITECTURE.md`.

use std::fs;

use crate::tree::{assert_none, packages, root};

/// Every crate of the workspace and the crates of the workspace that it may use. The front end
/// (`limbeck-script`) and the back end (`limbeck-db`) meet only in `limbeck`.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("limbeck-url", &[]),
    ("limbeck-revision", &[]),
    ("limbeck-ddl", &[]),
    ("limbeck-script", &["limbeck-revision", "limbeck-ddl"]),
    (
        "limbeck-db",
        &["limbeck-url", "limbeck-revision", "limbeck-ddl"],
    ),
    (
        "limbeck",
        &[
            "limbeck-url",
            "limbeck-revision",
            "limbeck-ddl",
            "limbeck-script",
            "limbeck-db",
        ],
    ),
    ("limbeck-supervisor", &[]),
    ("limbeck-cli", &["limbeck", "limbeck-supervisor"]),
    ("limbeck-python", &["limbeck-url"]),
    ("limbeck-testkit", &[]),
    ("limbeck-tidy", &[]),
];

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED
        .iter()
        .find(|(each, _)| *each == name)
        .map(|(_, edges)| *edges)
}

/// Dependencies of tests ship nothing and may reach further, so they are not looked at.
#[test]
fn crates_use_only_those_they_may() {
    let mut problems = Vec::new();
    for package in packages(&["--no-deps"]) {
        let name = package["name"].as_str().unwrap();
        let Some(edges) = allowed(name) else {
            problems.push(format!("`{name}` has no row in the table of this test"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let of_tests = dependency["kind"].as_str() == Some("dev");
            if allowed(used).is_some() && !of_tests && !edges.contains(&used) {
                problems.push(format!("`{name}` must not depend on `{used}`"));
            }
        }
    }
    assert_none("the edges between crates are fixed", &problems);
}

#[test]
fn architecture_has_every_crate() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let problems: Vec<String> = packages(&["--no-deps"])
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .filter(|name| !text.contains(&format!("`{name}`")))
        .map(|name| format!("`{name}`"))
        .collect();
    assert_none("these crates are not in ARCHITECTURE.md", &problems);
}
