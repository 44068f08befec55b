//! What is written for SQLAlchemy is what its drivers are given, with every version of it.

mod random;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use limbeck_testkit::all_pythons;
use limbeck_url::{ConnectionInfo, Target};
use serde_json::{Map, Value};

const SCRIPT: &str = include_str!("sqlalchemy.py");
const URLS: usize = 400;

/// What SQLAlchemy would call `connect` with, for each of the URLs.
fn asked(python: &Path, urls: &[String]) -> Vec<Map<String, Value>> {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("its input");
    let lines: String = urls
        .iter()
        .map(|url| format!("{}\n", Value::from(&**url)))
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("no panic").expect("it reads all");
    let answers: Vec<_> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).expect("JSON");
            answer[1].as_object().expect("keywords").clone()
        })
        .collect();
    assert_eq!(answers.len(), urls.len(), "{}", python.display());
    answers
}

/// A keyword's value as the text that the driver sees.
fn text(keywords: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let value = names.iter().find_map(|name| keywords.get(*name))?;
    Some(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

#[test]
fn sqlalchemy_gives_the_driver_what_was_meant() {
    let pythons = all_pythons();
    let mut infos: Vec<ConnectionInfo> = random::some(random::postgresql(), URLS);
    // SQLAlchemy 1.4 has no several hosts for asyncpg.
    infos.retain(|info| info.hosts.len() < 2);
    for python in &pythons {
        for name in [
            "postgresql+psycopg2",
            "postgresql+asyncpg",
            "postgresql+pg8000",
        ] {
            let target: Target = name.parse().expect("a target");
            let written: Vec<_> = infos
                .iter()
                .filter_map(|info| Some((info, info.render(target).ok()?)))
                .collect();
            let urls: Vec<_> = written
                .iter()
                .map(|(_, url)| url.reveal_url().to_owned())
                .collect();
            assert!(urls.len() > URLS / 4, "{}", urls.len());
            for ((info, conversion), keywords) in written.iter().zip(asked(python, &urls)) {
                let url = conversion.reveal_url();
                let place = format!("{} {url}", python.display());
                let meant = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
                let password = info
                    .password
                    .as_ref()
                    .map(|secret| secret.reveal_clear_text().to_owned());
                assert_eq!(text(&keywords, &["user"]), meant(&info.user), "{place}");
                assert_eq!(
                    text(&keywords, &["password"]).filter(|text| !text.is_empty()),
                    meant(&password),
                    "{place}"
                );
                let beside = conversion
                    .connect_args
                    .iter()
                    .any(|(key, _)| key == "dbname" || key == "database");
                if !beside {
                    assert_eq!(
                        text(&keywords, &["dbname", "database"]),
                        meant(&info.database),
                        "{place}"
                    );
                }
                if let [host] = &info.hosts[..] {
                    if let (Some(folder), "postgresql+pg8000") = (host.socket(), name) {
                        let file = format!(
                            "{}/.s.PGSQL.{}",
                            folder.trim_end_matches('/'),
                            host.port.unwrap_or(5432)
                        );
                        assert_eq!(text(&keywords, &["unix_sock"]), Some(file), "{place}");
                    } else {
                        assert_eq!(text(&keywords, &["host"]), host.name, "{place}");
                        let port = host.port.map(|port| port.to_string());
                        assert_eq!(text(&keywords, &["port"]), port, "{place}");
                    }
                }
                for (key, value) in &info.settings {
                    if key == "application_name" && name != "postgresql+asyncpg" {
                        assert_eq!(
                            text(&keywords, &["application_name"]).as_ref(),
                            Some(value),
                            "{place}"
                        );
                    }
                }
            }
        }
    }
}
