//! Checks that no file contains a path of a developer's machine or the host of a package registry.

use std::env;

use crate::tree::{assert_no_problems, files, root};

/// Folders that contain users' files. Each is written in two parts, so that this file passes its own test.
const USER_FOLDERS: [&str; 4] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

/// Paths that examples in documents and tests may contain.
const EXAMPLE_PATHS: [&str; 3] = [
    concat!("/ho", "me/user"),
    concat!("/ho", "me/app"),
    concat!("/Us", "ers/user"),
];

/// Hosts of package registries. A package client's configuration depends on the machine, not on the project.
const REGISTRY_HOSTS: [&str; 7] = [
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.np", "mjs.org"),
    concat!("deb.deb", "ian.org"),
    concat!("proxy.gol", "ang.org"),
];

#[test]
fn no_file_contains_a_path_of_a_machine() {
    let own = own_folders();
    let mut problems = Vec::new();
    for file in files() {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(folder) = folder_in(line, &own) {
                problems.push(format!("{}:{}: {folder}", file.path, index + 1));
            }
        }
    }
    assert_no_problems(
        "these lines contain a path of a developer's machine",
        &problems,
    );
}

#[test]
fn no_file_contains_a_registry_host() {
    let mut problems = Vec::new();
    for file in files() {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(*host)) {
                problems.push(format!("{}:{}: {host}", file.path, index + 1));
            }
        }
    }
    assert_no_problems(
        "these lines contain the host of a package registry",
        &problems,
    );
}

/// Returns the folder of this checkout and the home folder of the user who runs the test.
fn own_folders() -> Vec<String> {
    let mut folders = vec![root().to_string_lossy().into_owned()];
    if let Some(home) = env::home_dir().filter(|home| home.components().count() > 2) {
        folders.push(home.to_string_lossy().into_owned());
    }
    folders
}

/// Returns the first of the users' folders and `own` that occurs in the line as the start of an absolute path.
fn folder_in<'a>(line: &str, own: &'a [String]) -> Option<&'a str> {
    USER_FOLDERS
        .into_iter()
        .chain(own.iter().map(String::as_str))
        .find(|folder| {
            line.match_indices(folder).any(|(at, _)| {
                let starts_path = !line[..at]
                    .ends_with(|before: char| before.is_alphanumeric() || "._-}".contains(before));
                let is_example = EXAMPLE_PATHS
                    .iter()
                    .any(|path| line[at..].starts_with(path));
                starts_path && !is_example
            })
        })
}

#[test]
fn finds_paths_of_a_machine() {
    let own = ["/srv/checkout".to_owned()];
    for (line, expected) in [
        (concat!("cd /wo", "rk/project"), Some(concat!("/wo", "rk/"))),
        (concat!("\"/ro", "ot/.cache\""), Some(concat!("/ro", "ot/"))),
        (concat!("/ho", "me/user/.pgpass"), None),
        (concat!("a/wo", "rk/b and {cache}/wo", "rk/c"), None),
        ("see /srv/checkout/file", Some("/srv/checkout")),
        ("nothing", None),
    ] {
        assert_eq!(folder_in(line, &own), expected, "{line}");
    }
}
