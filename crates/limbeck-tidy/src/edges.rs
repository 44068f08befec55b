//! Checks the dependencies between the crates of the workspace, and that `ARCHITECTURE.md` describes each crate.

use std::fs;

use crate::tree::{assert_no_problems, packages, root};

/// Each crate of the workspace with the crates of the workspace that it may depend on. Only `limbeck` depends on both
/// the front end (`limbeck-script`) and the back end (`limbeck-db`).
const ALLOWED: [(&str, &[&str]); 10] = [
    ("limbeck-url", &[]),
    ("limbeck-revision", &[]),
    ("limbeck-script", &["limbeck-revision"]),
    ("limbeck-db", &["limbeck-url", "limbeck-revision"]),
    (
        "limbeck",
        &[
            "limbeck-url",
            "limbeck-revision",
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

/// Returns the crates that a crate may depend on, or `None` for a crate that is not in the workspace.
fn allowed_dependencies(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, dependencies)| *dependencies)
}

/// Dev-dependencies are not checked: they are not part of a release.
#[test]
fn crates_depend_only_on_allowed_crates() {
    let mut problems = Vec::new();
    for package in packages(&["--no-deps"]) {
        let name = package["name"].as_str().unwrap();
        let Some(allowed) = allowed_dependencies(name) else {
            problems.push(format!("`{name}` has no entry in `ALLOWED`"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let is_dev_dependency = dependency["kind"].as_str() == Some("dev");
            if allowed_dependencies(used).is_some()
                && !is_dev_dependency
                && !allowed.contains(&used)
            {
                problems.push(format!("`{name}` must not depend on `{used}`"));
            }
        }
    }
    assert_no_problems(
        "these dependencies between crates are not allowed",
        &problems,
    );
}

#[test]
fn architecture_describes_every_crate() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let problems: Vec<String> = packages(&["--no-deps"])
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .filter(|name| !text.contains(&format!("`{name}`")))
        .map(|name| format!("`{name}`"))
        .collect();
    assert_no_problems("ARCHITECTURE.md does not mention these crates", &problems);
}
