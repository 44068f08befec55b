//! No file knows the machine that it was written on, nor where packages were fetched from.

use std::env;

use crate::tree::{assert_none, files, root};

/// Where people's files lie. Written in two parts, so that this file passes its own test.
const PLACES: [&str; 4] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

/// Folders that examples in texts and tests may name.
const INVENTED: [&str; 3] = [
    concat!("/ho", "me/user"),
    concat!("/ho", "me/app"),
    concat!("/Us", "ers/user"),
];

/// Hosts that a package client is set up with, which is a matter of the machine.
const REGISTRIES: [&str; 7] = [
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.np", "mjs.org"),
    concat!("deb.deb", "ian.org"),
    concat!("proxy.gol", "ang.org"),
];

#[test]
fn no_file_names_a_place_on_a_machine() {
    let own = own_places();
    let mut problems = Vec::new();
    for file in files() {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(place) = place_in(line, &own) {
                problems.push(format!("{}:{}: {place}", file.path, index + 1));
            }
        }
    }
    assert_none("these lines name a place on somebody's machine", &problems);
}

#[test]
fn no_file_names_a_registry_host() {
    let mut problems = Vec::new();
    for file in files() {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(host) = REGISTRIES.iter().find(|host| line.contains(*host)) {
                problems.push(format!("{}:{}: {host}", file.path, index + 1));
            }
        }
    }
    assert_none("these lines name a package registry's host", &problems);
}

/// This checkout and the home folder of whoever runs the test.
fn own_places() -> Vec<String> {
    let mut places = vec![root().to_string_lossy().into_owned()];
    if let Some(home) = env::home_dir().filter(|home| home.components().count() > 2) {
        places.push(home.to_string_lossy().into_owned());
    }
    places
}

/// The first place that the line names as an absolute path.
fn place_in<'a>(line: &str, own: &'a [String]) -> Option<&'a str> {
    PLACES
        .into_iter()
        .chain(own.iter().map(String::as_str))
        .find(|place| {
            line.match_indices(place).any(|(at, _)| {
                let begins_here = !line[..at]
                    .ends_with(|before: char| before.is_alphanumeric() || "._-}".contains(before));
                let invented = INVENTED.iter().any(|name| line[at..].starts_with(name));
                begins_here && !invented
            })
        })
}

#[test]
fn places_are_recognised() {
    let own = ["/srv/checkout".to_owned()];
    for (line, expected) in [
        (concat!("cd /wo", "rk/project"), Some(concat!("/wo", "rk/"))),
        (concat!("\"/ro", "ot/.cache\""), Some(concat!("/ro", "ot/"))),
        (concat!("/ho", "me/user/.pgpass"), None),
        (concat!("a/wo", "rk/b and {cache}/wo", "rk/c"), None),
        ("see /srv/checkout/file", Some("/srv/checkout")),
        ("nothing", None),
    ] {
        assert_eq!(place_in(line, &own), expected, "{line}");
    }
}
