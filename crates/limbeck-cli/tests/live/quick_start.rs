//! The quick start of the README, run word for word in an empty folder.

use std::env;
use std::path::PathBuf;

use limbeck_testkit::{Sandbox, all_pythons};
use rusqlite::Connection;

use crate::support::limbeck;

/// Returns the commands of the README's section: its indented lines.
fn commands() -> String {
    let readme = include_str!("../../../../README.md");
    let (_, section) = readme.split_once("## Quick start\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("a section after it");
    let indented = section
        .lines()
        .filter(|line| line.is_empty() || line.starts_with("    "));
    let lines: Vec<_> = indented
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    lines.join("\n")
}

#[test]
fn the_quick_start_of_the_readme_migrates_a_database() {
    let commands = commands();
    assert!(commands.contains("limbeck upgrade head"), "{commands}");
    for python in all_pythons() {
        let sandbox = Sandbox::new();
        let mut command = sandbox.command("/bin/bash".as_ref(), Some(&python));
        let path = command.get_envs().find(|(name, _)| *name == "PATH");
        let path = path.and_then(|(_, value)| value).expect("a PATH");
        let mut folders = vec![PathBuf::from(limbeck().parent().expect("a folder"))];
        folders.extend(env::split_paths(path));
        let path = env::join_paths(folders).expect("a PATH");
        let output = command
            .env("PATH", path)
            .args(["-e", "-u", "-c", &commands])
            .output()
            .expect("bash starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{python:?}: {shown}\n{errors}");
        for expected in ["Detected added table 'account'", "add accounts"] {
            assert!(errors.contains(expected), "{python:?}: {errors}");
        }
        assert!(shown.contains("(head)"), "{python:?}: {shown}");
        let database = Connection::open(sandbox.path().join("shop.db")).expect("the database");
        database
            .execute("insert into account (name) values ('Ada')", [])
            .expect("the table");
    }
}
