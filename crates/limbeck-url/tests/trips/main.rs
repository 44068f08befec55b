//! Round trips of random connections: the real drivers must read a written URL with the same meaning, and a conversion there
//! and back must preserve it.

mod connections;
mod drivers;
mod meaning;
#[path = "../random/first.rs"]
mod random;
mod source;
#[path = "../random/text.rs"]
mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use limbeck_url::{Backend, ConnectionInfo, Conversion, ConvertError, Target, Warning, convert};
use proptest::prelude::*;
use proptest::sample::select;

use crate::drivers::{Question, ask};
use crate::source::RandomWriter;

const POSTGRESQL: [&str; 5] = [
    "libpq",
    "postgresql+psycopg2",
    "postgresql+psycopg",
    "postgresql+asyncpg",
    "postgresql+pg8000",
];
const MYSQL: [&str; 4] = [
    "mysql+pymysql",
    "mysql+aiomysql",
    "mysql+asyncmy",
    "mysql+mysqldb",
];

/// Returns the default number of cases, or the number in `LIMBECK_TEST_CASES`.
fn cases(default: usize) -> usize {
    let requested = std::env::var("LIMBECK_TEST_CASES");
    requested
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn target(name: &str) -> Target {
    name.parse().expect("a target")
}

/// Descriptions of differences, each starting with the target. The shortest are reported.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    /// Panics if there are differences, with the three shortest of each target.
    fn assert_none(self) {
        let mut all = self.0;
        all.sort_by_key(String::len);
        let mut shortest = String::new();
        let mut per_target: BTreeMap<&str, usize> = BTreeMap::new();
        for difference in &all {
            let count = per_target
                .entry(difference.split(' ').next().unwrap_or_default())
                .or_default();
            *count += 1;
            if *count <= 3 {
                let _ = writeln!(shortest, "\n{difference}");
            }
        }
        assert!(
            all.is_empty(),
            "{} differences, of which{shortest}",
            all.len()
        );
    }
}

/// Writes each connection for each target, and compares the driver's interpretation with the connection.
fn assert_drivers_agree(infos: &[ConnectionInfo], targets: &[&str]) {
    let python = limbeck_testkit::reference_python();
    let folder = tempfile::tempdir().expect("a folder");
    for file in infos.iter().filter(|info| info.backend == Backend::Sqlite) {
        if let Some(name) = &file.database {
            // A read-only connection doesn't create the file.
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
    }
    let mut written: Vec<(&ConnectionInfo, Target, Conversion)> = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for info in infos {
        for name in targets {
            let target = target(name);
            if let Ok(conversion) = info.render(target) {
                *counts.entry(name).or_default() += 1;
                written.push((info, target, conversion));
            }
        }
    }
    for name in targets {
        let count = counts.get(name).copied().unwrap_or_default();
        assert!(
            count > infos.len() / 4,
            "{name}: {count} of {}",
            infos.len()
        );
    }
    let questions: Vec<_> = written
        .iter()
        .map(|(_, target, conversion)| Question {
            target: *target,
            url: conversion.reveal_url(),
            connect_args: &conversion.connect_args,
        })
        .collect();
    let answers = ask(&python, folder.path(), &questions);
    let mut differences = Differences::default();
    for ((info, target, conversion), answer) in written.iter().zip(answers) {
        let warnings: &[Warning] = &conversion.warnings;
        let expected = meaning::expected(info, *target, warnings);
        let answer = meaning::normalize_answer(answer, info);
        if answer != expected {
            differences.0.push(format!(
                "{target} {}\n  {:?}\n  expected {expected}\n  actual   {answer}",
                conversion.reveal_url(),
                conversion.connect_args
            ));
        }
    }
    differences.assert_none();
}

#[test]
fn postgresql_drivers_agree_with_written_urls() {
    assert_drivers_agree(
        &random::some(connections::postgresql(), cases(1_000)),
        &POSTGRESQL,
    );
}

#[test]
fn mysql_drivers_agree_with_written_urls() {
    assert_drivers_agree(&random::some(connections::mysql(), cases(1_000)), &MYSQL);
}

#[test]
fn sqlite_drivers_open_the_intended_file() {
    let targets = ["sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"];
    assert_drivers_agree(&random::some(connections::sqlite(), cases(500)), &targets);
}

/// URLs in the styles of applications are read with their intended meaning, and the same as by the real reader.
#[test]
fn reads_urls_of_applications_like_their_readers() {
    let cases: Vec<(ConnectionInfo, u64)> =
        random::some((connections::postgresql(), any::<u64>()), cases(2_000));
    let libpq = target("libpq");
    let sqlalchemy = target("postgresql+psycopg2");
    let mut texts: Vec<(&ConnectionInfo, Target, String)> = Vec::new();
    for (info, seed) in &cases {
        texts.push((info, libpq, RandomWriter::new(*seed).libpq(info)));
        if let Some(text) = RandomWriter::new(*seed).keywords(info) {
            texts.push((info, libpq, text));
        }
        texts.push((info, sqlalchemy, RandomWriter::new(*seed).sqlalchemy(info)));
    }
    let mut differences = Differences::default();
    let mut rejected = 0;
    for (info, target, text) in &texts {
        match ConnectionInfo::parse(text) {
            Ok((read, warnings)) => {
                let expected = meaning::expected(info, *target, &[]);
                let read = meaning::expected(&read, *target, &[]);
                if read != expected || !warnings.is_empty() {
                    differences.0.push(format!(
                        "{target} {text:?}\n  expected {expected}\n  read     {read} {warnings:?}"
                    ));
                }
            }
            Err(_) => rejected += 1,
        }
    }
    differences.assert_none();
    assert!(rejected < texts.len() / 20, "{rejected} of {}", texts.len());
    // libpq doesn't know `pgbouncer`.
    texts.retain(|(info, ..)| !info.transaction_pooler);
    let python = limbeck_testkit::reference_python();
    let folder = tempfile::tempdir().expect("a folder");
    let questions: Vec<_> = texts
        .iter()
        .map(|(_, target, text)| Question {
            target: *target,
            url: text,
            connect_args: &[],
        })
        .collect();
    let mut differences = Differences::default();
    for ((info, target, text), answer) in texts.iter().zip(ask(&python, folder.path(), &questions))
    {
        let expected = meaning::expected(info, *target, &[]);
        let answer = meaning::normalize_answer(answer, info);
        if answer != expected {
            differences.0.push(format!(
                "{target} {text:?}\n  expected {expected}\n  actual   {answer}"
            ));
        }
    }
    differences.assert_none();
}

/// A text that a real reader accepts, and that is read here without a warning, has the same meaning for both.
#[test]
fn reads_random_texts_like_real_readers() {
    let python = limbeck_testkit::reference_python();
    let prefix = select(&[
        ("libpq", "postgresql://"),
        ("libpq", "postgres://u:p@h/"),
        ("libpq", "host=h "),
        ("libpq", ""),
        ("postgresql+psycopg2", "postgresql+psycopg2://"),
        ("postgresql+psycopg2", "postgresql+psycopg2://u@h/d?"),
        ("postgresql+asyncpg", "postgresql+asyncpg://"),
        ("postgresql+asyncpg", "postgresql+asyncpg://u@h/d?"),
        ("mysql+pymysql", "mysql+pymysql://"),
        ("mysql+pymysql", "mysql+pymysql://u:p@h/d?"),
    ]);
    let texts: Vec<(Target, String)> = random::some(
        (prefix, text::text_like_a_url())
            .prop_map(|((name, prefix), text)| (target(name), format!("{prefix}{text}"))),
        cases(10_000),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let questions: Vec<_> = texts
        .iter()
        .map(|(target, url)| Question {
            target: *target,
            url,
            connect_args: &[],
        })
        .collect();
    let (mut differences, mut compared) = (Differences::default(), 0);
    for ((target, text), answer) in texts.iter().zip(ask(&python, folder.path(), &questions)) {
        let read = ConnectionInfo::parse(text);
        let Ok((info, warnings)) = read else { continue };
        if answer.get("rejected").is_some() || !warnings.is_empty() {
            continue;
        }
        compared += 1;
        let expected = meaning::expected(&info, *target, &[]);
        let answer = meaning::normalize_answer(answer, &info);
        if answer != expected {
            differences.0.push(format!(
                "{target} {text:?}\n  read here   {expected}\n  by a driver {answer}"
            ));
        }
    }
    differences.assert_none();
    assert!(compared > texts.len() / 50, "{compared} of {}", texts.len());
}

/// Converts to a second driver and back, for every pair of drivers, and checks that the connection is the same apart from
/// what warnings name.
fn assert_round_trips(
    strategy: impl Strategy<Value = ConnectionInfo>,
    (synchronous, asynchronous): (&[&str], &[&str]),
    default_cases: usize,
) {
    let infos: Vec<ConnectionInfo> = random::some(strategy, cases(default_cases));
    let mut differences = Differences::default();
    for (first, second) in pairs(synchronous, asynchronous) {
        let mut returned = 0;
        for info in &infos {
            let Ok(start) = info.render(first) else {
                continue;
            };
            let intended = meaning::with_arguments(&start);
            let Ok(away) = convert_onward(&start, &intended, second) else {
                continue;
            };
            let read = meaning::with_arguments(&away);
            let context = format!(
                "{first}>{second} {:?} {:?}",
                start.reveal_url(),
                start.connect_args
            );
            let back = match convert_onward(&away, &read, first) {
                Ok(back) => back,
                Err(error) => {
                    differences
                        .0
                        .push(format!("{context}\n  away {away:?}\n  {error}"));
                    continue;
                }
            };
            returned += 1;
            let end = meaning::with_arguments(&back);
            let steps = [
                (info, &start, &intended, first),
                (&intended, &away, &read, second),
            ];
            for (intended, conversion, read, target) in steps {
                let expected = meaning::expected(intended, target, &conversion.warnings);
                let read = meaning::expected(read, target, &conversion.warnings);
                if read != expected {
                    let url = conversion.reveal_url();
                    differences.0.push(format!(
                        "{target} {url:?}\n  expected {expected}\n  read     {read}"
                    ));
                }
            }
            let mut warnings = away.warnings.clone();
            warnings.extend(back.warnings.iter().cloned());
            let (intended, end) =
                meaning::common_meaning(&intended, &end, first, second, &warnings);
            if intended != end {
                differences.0.push(format!(
                    "{context}\n  away {:?} {:?}\n  expected {intended}\n  actual   {end}",
                    away.reveal_url(),
                    away.connect_args
                ));
            }
        }
        assert!(
            returned > infos.len() / 5,
            "{first} {second}: {returned} of {}",
            infos.len()
        );
    }
    differences.assert_none();
}

fn pairs(synchronous: &[&str], asynchronous: &[&str]) -> Vec<(Target, Target)> {
    let pair = |first| {
        asynchronous
            .iter()
            .map(move |second| (target(first), target(second)))
    };
    synchronous.iter().copied().flat_map(pair).collect()
}

/// Converts a conversion's URL if it is complete, and otherwise renders the connection.
fn convert_onward(
    from: &Conversion,
    intended: &ConnectionInfo,
    to: Target,
) -> Result<Conversion, ConvertError> {
    if from.is_complete() {
        convert(from.reveal_url(), to)
    } else {
        intended.render(to)
    }
}

#[test]
fn postgresql_urls_survive_round_trips() {
    let synchronous = [
        "postgresql+psycopg2",
        "postgresql+psycopg",
        "postgresql+pg8000",
    ];
    let asynchronous = ["postgresql+asyncpg", "postgresql+psycopg_async"];
    assert_round_trips(
        connections::postgresql(),
        (&synchronous, &asynchronous),
        2_000,
    );
}

#[test]
fn mysql_urls_survive_round_trips() {
    let synchronous = [
        "mysql+pymysql",
        "mysql+mysqldb",
        "mariadb+pymysql",
        "mariadb+mysqldb",
    ];
    let asynchronous = [
        "mysql+aiomysql",
        "mysql+asyncmy",
        "mariadb+aiomysql",
        "mariadb+asyncmy",
    ];
    assert_round_trips(connections::mysql(), (&synchronous, &asynchronous), 2_000);
}

#[test]
fn sqlite_urls_survive_round_trips() {
    let synchronous = ["sqlite", "sqlite+pysqlite"];
    assert_round_trips(
        connections::sqlite(),
        (&synchronous, &["sqlite+aiosqlite"]),
        2_000,
    );
}

/// A random text is written for the drivers with the meaning that it was read with.
#[test]
fn drivers_agree_with_random_texts() {
    let prefix = select(&[
        "postgresql://",
        "postgresql://u:p@/d?host=",
        "postgresql+asyncpg://h/",
        "postgresql+pg8000://h/d?",
        "mysql://",
        "mysql+pymysql://u:p@h/d?",
        "mysql+mysqldb://u:p@/d?host=",
    ]);
    let texts =
        (prefix, text::text_like_a_url()).prop_map(|(prefix, text)| format!("{prefix}{text}"));
    let texts: Vec<String> = random::some(texts, cases(10_000));
    // `options` without settings go to the server, which rejects them.
    let has_raw_options =
        |info: &ConnectionInfo| info.parameters.iter().any(|(key, _)| key == "options");
    let read = texts
        .iter()
        .filter_map(|text| ConnectionInfo::parse(text).ok());
    let (postgresql, mysql): (Vec<_>, Vec<_>) = read
        .map(|(info, _)| info)
        .filter(|info| !has_raw_options(info))
        .partition(|info| info.backend == Backend::Postgresql);
    assert!(postgresql.len() > texts.len() / 50 && mysql.len() > texts.len() / 50);
    assert_drivers_agree(&postgresql, &POSTGRESQL);
    assert_drivers_agree(&mysql, &MYSQL);
}
