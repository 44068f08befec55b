//! Comparison with SQLAlchemy: every version must pass the drivers the parameters that a URL was written for.

mod random;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use limbeck_testkit::all_pythons;
use limbeck_url::{ConnectionInfo, Target};
use serde_json::{Map, Value};

const SCRIPT: &str = include_str!("sqlalchemy.py");
const URLS: usize = 400;

/// Returns the keyword arguments that SQLAlchemy would call `connect` with, for each URL.
fn connect_keywords(python: &Path, urls: &[String]) -> Vec<Map<String, Value>> {
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("standard input");
    let lines: String = urls
        .iter()
        .map(|url| format!("{}\n", Value::from(&**url)))
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("standard output");
    writer
        .join()
        .expect("no panic")
        .expect("Python reads all lines");
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

/// Returns the value of the first keyword that is present, as a text.
fn text(keywords: &Map<String, Value>, names: &[&str]) -> Option<String> {
    let value = names.iter().find_map(|name| keywords.get(*name))?;
    Some(match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

#[test]
fn sqlalchemy_passes_the_intended_parameters() {
    let pythons = all_pythons();
    let mut infos: Vec<ConnectionInfo> = random::some(random::postgresql(), URLS);
    // SQLAlchemy 1.4 doesn't support several hosts for asyncpg.
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
            for ((info, conversion), keywords) in
                written.iter().zip(connect_keywords(python, &urls))
            {
                let url = conversion.reveal_url();
                let context = format!("{} {url}", python.display());
                let non_empty =
                    |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
                let password = info
                    .password
                    .as_ref()
                    .map(|secret| secret.reveal_clear_text().to_owned());
                assert_eq!(
                    text(&keywords, &["user"]),
                    non_empty(&info.user),
                    "{context}"
                );
                assert_eq!(
                    text(&keywords, &["password"]).filter(|text| !text.is_empty()),
                    non_empty(&password),
                    "{context}"
                );
                let has_database_argument = conversion
                    .connect_args
                    .iter()
                    .any(|(key, _)| key == "dbname" || key == "database");
                if !has_database_argument {
                    assert_eq!(
                        text(&keywords, &["dbname", "database"]),
                        non_empty(&info.database),
                        "{context}"
                    );
                }
                if let [host] = &info.hosts[..] {
                    if let (Some(folder), "postgresql+pg8000") = (host.socket_path(), name) {
                        let file = format!(
                            "{}/.s.PGSQL.{}",
                            folder.trim_end_matches('/'),
                            host.port.unwrap_or(5432)
                        );
                        assert_eq!(text(&keywords, &["unix_sock"]), Some(file), "{context}");
                    } else {
                        assert_eq!(text(&keywords, &["host"]), host.name, "{context}");
                        let port = host.port.map(|port| port.to_string());
                        assert_eq!(text(&keywords, &["port"]), port, "{context}");
                    }
                }
                for (key, value) in &info.settings {
                    if key == "application_name" && name != "postgresql+asyncpg" {
                        assert_eq!(
                            text(&keywords, &["application_name"]).as_ref(),
                            Some(value),
                            "{context}"
                        );
                    }
                }
            }
        }
    }
}
