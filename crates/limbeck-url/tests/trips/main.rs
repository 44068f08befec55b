//! Round trips: what a random connection is written as means the same to the real drivers, and comes back the same.

mod drivers;
mod intent;
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
use crate::source::Author;

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

/// How many cases a test looks at; `LIMBECK_TEST_CASES` asks for another number.
fn cases(usual: usize) -> usize {
    let asked = std::env::var("LIMBECK_TEST_CASES");
    asked
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

fn target(name: &str) -> Target {
    name.parse().expect("a target")
}

/// Disagreements, the shortest of which are worth a look.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn check(self) {
        let mut all = self.0;
        all.sort_by_key(String::len);
        let mut shown = String::new();
        let mut per_target: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &all {
            let count = per_target
                .entry(one.split(' ').next().unwrap_or_default())
                .or_default();
            *count += 1;
            if *count <= 3 {
                let _ = writeln!(shown, "\n{one}");
            }
        }
        assert!(
            all.is_empty(),
            "{} disagreements, of which{shown}",
            all.len()
        );
    }
}

/// Writes each connection for each target, and compares what the driver understands with what was meant.
fn meant_and_understood(infos: &[ConnectionInfo], targets: &[&str]) {
    let python = limbeck_testkit::reference_python();
    let folder = tempfile::tempdir().expect("a folder");
    for file in infos.iter().filter(|info| info.backend == Backend::Sqlite) {
        if let Some(name) = &file.database {
            // Nobody makes a file that is only to be read.
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
            beside: &conversion.connect_args,
        })
        .collect();
    let answers = ask(&python, folder.path(), &questions);
    let mut wrong = Wrong::default();
    for ((info, target, conversion), answer) in written.iter().zip(answers) {
        let warnings: &[Warning] = &conversion.warnings;
        let expected = meaning::expected(info, *target, warnings);
        let answer = meaning::answered(answer, info);
        if answer != expected {
            wrong.0.push(format!(
                "{target} {}\n  {:?}\n  meant {expected}\n  got   {answer}",
                conversion.reveal_url(),
                conversion.connect_args
            ));
        }
    }
    wrong.check();
}

#[test]
fn drivers_of_postgresql_understand_what_is_meant() {
    meant_and_understood(
        &random::some(intent::postgresql(), cases(1_000)),
        &POSTGRESQL,
    );
}

#[test]
fn drivers_of_mysql_understand_what_is_meant() {
    meant_and_understood(&random::some(intent::mysql(), cases(1_000)), &MYSQL);
}

#[test]
fn drivers_of_sqlite_open_the_file_that_is_meant() {
    let targets = ["sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"];
    meant_and_understood(&random::some(intent::sqlite(), cases(500)), &targets);
}

/// What applications write is read as what they mean, and as the real reader reads it.
#[test]
fn sources_are_read_as_their_readers_read_them() {
    let cases: Vec<(ConnectionInfo, u64)> =
        random::some((intent::postgresql(), any::<u64>()), cases(2_000));
    let libpq = target("libpq");
    let sqlalchemy = target("postgresql+psycopg2");
    let mut texts: Vec<(&ConnectionInfo, Target, String)> = Vec::new();
    for (info, seed) in &cases {
        texts.push((info, libpq, Author::new(*seed).libpq(info)));
        if let Some(text) = Author::new(*seed).keywords(info) {
            texts.push((info, libpq, text));
        }
        texts.push((info, sqlalchemy, Author::new(*seed).sqlalchemy(info)));
    }
    let mut wrong = Wrong::default();
    let mut refused = 0;
    for (info, target, text) in &texts {
        match ConnectionInfo::parse(text) {
            Ok((read, warnings)) => {
                let expected = meaning::expected(info, *target, &[]);
                let read = meaning::expected(&read, *target, &[]);
                if read != expected || !warnings.is_empty() {
                    wrong.0.push(format!(
                        "{target} {text:?}\n  meant {expected}\n  read  {read} {warnings:?}"
                    ));
                }
            }
            Err(_) => refused += 1,
        }
    }
    wrong.check();
    assert!(refused < texts.len() / 20, "{refused} of {}", texts.len());
    // pgbouncer is no word of libpq's.
    texts.retain(|(info, ..)| !info.transaction_pooler);
    let python = limbeck_testkit::reference_python();
    let folder = tempfile::tempdir().expect("a folder");
    let questions: Vec<_> = texts
        .iter()
        .map(|(_, target, text)| Question {
            target: *target,
            url: text,
            beside: &[],
        })
        .collect();
    let mut wrong = Wrong::default();
    for ((info, target, text), answer) in texts.iter().zip(ask(&python, folder.path(), &questions))
    {
        let expected = meaning::expected(info, *target, &[]);
        let answer = meaning::answered(answer, info);
        if answer != expected {
            wrong.0.push(format!(
                "{target} {text:?}\n  meant {expected}\n  got   {answer}"
            ));
        }
    }
    wrong.check();
}

/// Where a real reader takes a text, and it is read here without a warning, it is read as the same.
#[test]
fn texts_are_read_as_real_readers_read_them() {
    let python = limbeck_testkit::reference_python();
    let begin = select(&[
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
        (begin, text::text_like_a_url())
            .prop_map(|((name, begin), text)| (target(name), format!("{begin}{text}"))),
        cases(10_000),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let questions: Vec<_> = texts
        .iter()
        .map(|(target, url)| Question {
            target: *target,
            url,
            beside: &[],
        })
        .collect();
    let (mut wrong, mut compared) = (Wrong::default(), 0);
    for ((target, text), answer) in texts.iter().zip(ask(&python, folder.path(), &questions)) {
        let read = ConnectionInfo::parse(text);
        let Ok((info, warnings)) = read else { continue };
        if answer.get("refused").is_some() || !warnings.is_empty() {
            continue;
        }
        compared += 1;
        let expected = meaning::expected(&info, *target, &[]);
        let answer = meaning::answered(answer, &info);
        if answer != expected {
            wrong.0.push(format!(
                "{target} {text:?}\n  read  {expected}\n  there {answer}"
            ));
        }
    }
    wrong.check();
    assert!(compared > texts.len() / 50, "{compared} of {}", texts.len());
}

/// There and back with every pair of drivers: the same connection, or an error or a warning that says what is not.
fn there_and_back(
    strategy: impl Strategy<Value = ConnectionInfo>,
    (synchronous, asynchronous): (&[&str], &[&str]),
    usual: usize,
) {
    let infos: Vec<ConnectionInfo> = random::some(strategy, cases(usual));
    let mut wrong = Wrong::default();
    for (here, there) in pairs(synchronous, asynchronous) {
        let mut returned = 0;
        for info in &infos {
            let Ok(start) = info.render(here) else {
                continue;
            };
            let meant = meaning::with_arguments(&start);
            let Ok(away) = onward(&start, &meant, there) else {
                continue;
            };
            let read = meaning::with_arguments(&away);
            let place = format!(
                "{here}>{there} {:?} {:?}",
                start.reveal_url(),
                start.connect_args
            );
            let back = match onward(&away, &read, here) {
                Ok(back) => back,
                Err(error) => {
                    wrong.0.push(format!("{place}\n  away {away:?}\n  {error}"));
                    continue;
                }
            };
            returned += 1;
            let end = meaning::with_arguments(&back);
            let steps = [(info, &start, &meant, here), (&meant, &away, &read, there)];
            for (meant, conversion, read, target) in steps {
                let expected = meaning::expected(meant, target, &conversion.warnings);
                let read = meaning::expected(read, target, &conversion.warnings);
                if read != expected {
                    let url = conversion.reveal_url();
                    wrong.0.push(format!(
                        "{target} {url:?}\n  meant {expected}\n  read  {read}"
                    ));
                }
            }
            let mut said = away.warnings.clone();
            said.extend(back.warnings.iter().cloned());
            let (meant, end) = meaning::same_for_both(&meant, &end, here, there, &said);
            if meant != end {
                wrong.0.push(format!(
                    "{place}\n  away {:?} {:?}\n  meant {meant}\n  end   {end}",
                    away.reveal_url(),
                    away.connect_args
                ));
            }
        }
        assert!(
            returned > infos.len() / 5,
            "{here} {there}: {returned} of {}",
            infos.len()
        );
    }
    wrong.check();
}

fn pairs(synchronous: &[&str], asynchronous: &[&str]) -> Vec<(Target, Target)> {
    let pair = |here| {
        asynchronous
            .iter()
            .map(move |there| (target(here), target(there)))
    };
    synchronous.iter().copied().flat_map(pair).collect()
}

/// The next conversion, from the text alone where it says everything.
fn onward(
    from: &Conversion,
    meant: &ConnectionInfo,
    to: Target,
) -> Result<Conversion, ConvertError> {
    if from.is_complete() {
        convert(from.reveal_url(), to)
    } else {
        meant.render(to)
    }
}

#[test]
fn postgresql_there_and_back() {
    let synchronous = [
        "postgresql+psycopg2",
        "postgresql+psycopg",
        "postgresql+pg8000",
    ];
    let asynchronous = ["postgresql+asyncpg", "postgresql+psycopg_async"];
    there_and_back(intent::postgresql(), (&synchronous, &asynchronous), 2_000);
}

#[test]
fn mysql_there_and_back() {
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
    there_and_back(intent::mysql(), (&synchronous, &asynchronous), 2_000);
}

#[test]
fn sqlite_there_and_back() {
    let synchronous = ["sqlite", "sqlite+pysqlite"];
    there_and_back(
        intent::sqlite(),
        (&synchronous, &["sqlite+aiosqlite"]),
        2_000,
    );
}

/// Whatever is read is written as what it was read as.
#[test]
fn texts_are_written_as_they_are_read() {
    let begin = select(&[
        "postgresql://",
        "postgresql://u:p@/d?host=",
        "postgresql+asyncpg://h/",
        "postgresql+pg8000://h/d?",
        "mysql://",
        "mysql+pymysql://u:p@h/d?",
        "mysql+mysqldb://u:p@/d?host=",
    ]);
    let texts = (begin, text::text_like_a_url()).prop_map(|(begin, text)| format!("{begin}{text}"));
    let texts: Vec<String> = random::some(texts, cases(10_000));
    // What is no setting goes to the server, which refuses it.
    let is_raw = |info: &ConnectionInfo| info.parameters.iter().any(|(key, _)| key == "options");
    let read = texts
        .iter()
        .filter_map(|text| ConnectionInfo::parse(text).ok());
    let (postgresql, mysql): (Vec<_>, Vec<_>) = read
        .map(|(info, _)| info)
        .filter(|info| !is_raw(info))
        .partition(|info| info.backend == Backend::Postgresql);
    assert!(postgresql.len() > texts.len() / 50 && mysql.len() > texts.len() / 50);
    meant_and_understood(&postgresql, &POSTGRESQL);
    meant_and_understood(&mysql, &MYSQL);
}
