//! Every recording of the real tool is replayed here, or the table says what else compares it.

mod autogenerate;
mod batch;
mod broken_scripts;
mod configuration;
mod habits;
mod identifiers;
mod listings;
mod postgres_runs;
mod recordings;
mod revisions;
mod rows;
mod statements;
mod templates;
mod terminal;
mod usage;

use std::collections::BTreeSet;

use self::recordings::{How, RECORDINGS};
use crate::replay::{Scenario, is_in_the_table};

/// Every scenario, by the name of its test.
const REPLAYS: &[&[(&str, &Scenario)]] = &[
    autogenerate::REPLAYS,
    batch::REPLAYS,
    broken_scripts::REPLAYS,
    configuration::REPLAYS,
    habits::REPLAYS,
    identifiers::REPLAYS,
    listings::REPLAYS,
    postgres_runs::REPLAYS,
    revisions::REPLAYS,
    rows::REPLAYS,
    statements::REPLAYS,
    templates::REPLAYS,
    terminal::REPLAYS,
    usage::REPLAYS,
];

/// The sources of the tests that are no replays.
const OTHERS: [(&str, &str); 2] = [
    ("concurrency", include_str!("../concurrency.rs")),
    ("usage", include_str!("usage.rs")),
];

/// The recordings that a scenario names, and the scenario.
fn replayed() -> BTreeSet<(&'static str, &'static str)> {
    let scenarios = REPLAYS.iter().copied().flatten();
    scenarios
        .flat_map(|(test, scenario)| {
            let test = test
                .strip_prefix("live::recorded::")
                .expect("a test of this folder");
            let names = scenario
                .steps
                .iter()
                .flat_map(|step| step.recordings.split(' '));
            names
                .filter(|name| !name.is_empty())
                .map(move |name| (name, test))
        })
        .collect()
}

#[test]
fn every_recording_is_in_the_table_once() {
    let listed: Vec<&str> = RECORDINGS
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    let names: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(names.len(), listed.len(), "a recording is listed twice");
    assert_eq!(names.len(), 215);
    for (name, test) in replayed() {
        assert!(names.contains(name), "{test}: `{name}` is not in the table");
    }
}

#[test]
fn what_the_table_names_is_there() {
    let replayed = replayed();
    for (how, names) in RECORDINGS {
        match how {
            How::Replayed(test) => {
                for name in *names {
                    assert!(
                        replayed.contains(&(name, test)),
                        "`{test}` does not replay `{name}`"
                    );
                }
            }
            How::Covered(test, case) => {
                assert!(is_in_the_table(case), "`{case}` begins no row");
                let (module, function) = test.split_once("::").expect("a module and a function");
                let found = OTHERS.iter().any(|(other, source)| {
                    *other == module && source.contains(&format!("#[test]\nfn {function}()"))
                });
                assert!(found, "{names:?}: there is no test `{test}`");
            }
            How::NotACommand(why) => assert!(!why.is_empty(), "{names:?}: no reason"),
        }
    }
}
