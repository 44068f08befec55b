//! Checks that `deny.toml` allows the licence of each dependency, and that all come from the default registry.

use std::fs;

use serde_json::Value;

use crate::spdx::is_satisfied;
use crate::tree::{assert_no_problems, host_target, packages, root};

/// Cargo's name for its default registry.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Returns the packages that are built for this platform. Packages for other platforms may not be downloaded.
fn dependencies() -> Vec<Value> {
    packages(&["--filter-platform", &host_target()])
}

#[test]
fn licences_of_dependencies_are_allowed() {
    let policy = fs::read_to_string(root().join("deny.toml")).unwrap();
    let policy: toml::Table = policy.parse().unwrap();
    let allowed: Vec<&str> = policy["licenses"]["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|licence| licence.as_str().unwrap())
        .collect();
    let mut problems = Vec::new();
    for package in dependencies() {
        let (name, version) = (&package["name"], &package["version"]);
        match package["license"]
            .as_str()
            .map(|licence| (licence, is_satisfied(licence, &allowed)))
        {
            Some((_, Ok(true))) => {}
            Some((licence, Ok(false))) => problems.push(format!("{name} {version}: {licence}")),
            Some((_, Err(error))) => problems.push(format!("{name} {version}: {error}")),
            None => problems.push(format!("{name} {version}: no licence expression")),
        }
    }
    assert_no_problems("deny.toml does not allow these licences", &problems);
}

#[test]
fn dependencies_come_from_the_default_registry() {
    let problems: Vec<String> = dependencies()
        .iter()
        .filter_map(|package| Some((package["name"].as_str()?, package["source"].as_str()?)))
        .filter(|(_, source)| *source != REGISTRY)
        .map(|(name, source)| format!("{name}: {source}"))
        .collect();
    assert_no_problems(
        "these dependencies do not come from the default registry",
        &problems,
    );
}
