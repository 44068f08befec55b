//! Every dependency has a licence that `deny.toml` allows and comes from the one registry.

use std::fs;

use serde_json::Value;

use crate::spdx::satisfied;
use crate::tree::{assert_none, host, packages, root};

/// What cargo calls its default registry.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The packages that are built on this kind of machine; those of others need not be downloaded.
fn dependencies() -> Vec<Value> {
    packages(&["--filter-platform", &host()])
}

#[test]
fn licences_are_allowed() {
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
            .map(|licence| (licence, satisfied(licence, &allowed)))
        {
            Some((_, Ok(true))) => {}
            Some((licence, Ok(false))) => problems.push(format!("{name} {version}: {licence}")),
            Some((_, Err(error))) => problems.push(format!("{name} {version}: {error}")),
            None => problems.push(format!("{name} {version}: no licence expression")),
        }
    }
    assert_none("these licences are not in deny.toml", &problems);
}

#[test]
fn dependencies_come_from_one_registry() {
    let problems: Vec<String> = dependencies()
        .iter()
        .filter_map(|package| Some((package["name"].as_str()?, package["source"].as_str()?)))
        .filter(|(_, source)| *source != REGISTRY)
        .map(|(name, source)| format!("{name}: {source}"))
        .collect();
    assert_none("these dependencies come from elsewhere", &problems);
}
