//! Replays of all recordings of real Alembic. The table names another test for each recording without a replay.

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

use self::recordings::{Coverage, RECORDINGS};
use crate::replay::{Scenario, is_in_the_table};

/// All scenarios, by the names of their tests.
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

/// The sources of the other tests that the table names.
const OTHERS: [(&str, &str); 2] = [
    ("concurrency", include_str!("../concurrency.rs")),
    ("usage", include_str!("usage.rs")),
];

/// Returns the recordings that scenarios name, with the names of their tests.
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
fn table_lists_each_recording_once() {
    let listed: Vec<&str> = RECORDINGS
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    let names: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(names.len(), listed.len(), "a recording is listed twice");
    assert_eq!(names.len(), 215);
    let replayed = replayed();
    assert!(!replayed.is_empty());
    for (name, test) in replayed {
        assert!(names.contains(name), "{test}: `{name}` is not in the table");
    }
}

#[test]
fn table_names_existing_tests() {
    let replayed = replayed();
    for (how, names) in RECORDINGS {
        match how {
            Coverage::Replayed(test) => {
                for name in *names {
                    assert!(
                        replayed.contains(&(name, test)),
                        "`{test}` does not replay `{name}`"
                    );
                }
            }
            Coverage::Covered(test, case) => {
                assert!(is_in_the_table(case), "`{case}` starts no row");
                let (module, function) = test.split_once("::").expect("a module and a function");
                let found = OTHERS.iter().any(|(other, source)| {
                    *other == module && source.contains(&format!("#[test]\nfn {function}()"))
                });
                assert!(found, "{names:?}: there is no test `{test}`");
            }
            Coverage::NotACommand(why) => assert!(!why.is_empty(), "{names:?}: no reason"),
        }
    }
}
