//! limbeck never writes a secret, wherever the secret is and however the command ends.

mod commands;
mod secret;
mod ways;

use std::path::Path;
use std::process::Stdio;

use limbeck_testkit::{Sandbox, python};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::doctor;
use crate::support::limbeck;
use commands::{calls, commands, options_with_values};
use secret::{Secret, secrets, writings};
use ways::{Plain, SecretPlace, Setting, misplaced_urls, urls, with};

fn cases(usual: u32) -> ProptestConfig {
    let asked: Option<u32> = std::env::var("LIMBECK_TEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        max_shrink_iters: 30,
        ..ProptestConfig::default()
    }
}

/// A project of Alembic's template. All cases share its folder.
struct Project {
    sandbox: Sandbox,
    plain: Plain,
}

impl Project {
    fn new() -> Self {
        let sandbox = doctor::project("generic", "driver://user:pass@localhost/dbname");
        let plain = Plain {
            ini: sandbox.read("alembic.ini"),
            env: sandbox.read("migrations/env.py"),
        };
        Self { sandbox, plain }
    }

    /// Restores the folder and applies a setting.
    fn set(&self, setting: &Setting) {
        let folder = self.sandbox.path();
        for name in [
            "new",
            "pyproject.toml",
            ".env",
            "o.json",
            "report.json",
            "migrations/versions",
        ] {
            let path = folder.join(name);
            if path.is_dir() {
                std::fs::remove_dir_all(path).expect("the folder is removed");
            } else if path.exists() {
                std::fs::remove_file(path).expect("the file is removed");
            }
        }
        self.sandbox.write("alembic.ini", &self.plain.ini);
        self.sandbox.write("migrations/env.py", &self.plain.env);
        doctor::revision(&self.sandbox, "a1", "None");
        doctor::revision(&self.sandbox, "b2", "'a1'");
        for (name, text) in &setting.files {
            self.sandbox.write(name, text);
        }
    }

    /// Runs a call and asserts that its outputs contain no piece of the secret.
    fn check(
        &self,
        python: Option<&Path>,
        setting: &Setting,
        call: &[String],
        input: &str,
        secret: &Secret,
    ) -> Result<(), TestCaseError> {
        let mut command = self.sandbox.command(&limbeck(), python);
        if python.is_none() {
            // An interpreter without Alembic would only take time to fail.
            command.env("PATH", self.sandbox.path());
        }
        command
            .env("EDITOR", "/bin/true")
            .envs(setting.variables.iter().map(|(name, value)| (name, value)))
            .args(&setting.options)
            .args(call)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("limbeck starts");
        // Most commands exit without reading their input.
        let _ =
            std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes());
        let output = child.wait_with_output().expect("limbeck ends");
        let report = std::fs::read(self.sandbox.path().join("report.json")).unwrap_or_default();
        let converts =
            call.starts_with(&["url".into(), "convert".into()]) && output.status.success();
        let shown = [
            (
                "standard output",
                if converts {
                    &[][..]
                } else {
                    &output.stdout[..]
                },
            ),
            ("standard error", &output.stderr),
            ("the report", &report),
        ];
        for (place, text) in shown {
            let found = secret.piece_in(text);
            prop_assert!(
                found.is_none(),
                "{:?} is in {} of limbeck {:?} {:?}\n{}\nwith {:?}",
                found,
                place,
                setting.options,
                call,
                String::from_utf8_lossy(text),
                setting
            );
        }
        prop_assert!(
            output.status.code().is_some_and(|code| code != 101),
            "{:?}",
            output
        );
        Ok(())
    }
}

fn pick<T: Clone>(index: Index, values: &[T]) -> T {
    values[index.index(values.len())].clone()
}

/// Returns a strategy of options before the command.
fn flags() -> impl Strategy<Value = Vec<String>> {
    let flags: &[&[&str]] = &[
        &[],
        &["--raiseerr"],
        &["--report", "report.json"],
        &["--raiseerr", "--report", "report.json"],
        &["--quiet"],
        &["--no-lock", "-x", "tenant=a"],
    ];
    select(flags.to_vec()).prop_map(|flags| flags.iter().map(|flag| (*flag).to_owned()).collect())
}

/// Runs `body` for random cases, and shrinks a case that fails.
fn check<S: Strategy>(
    usual: u32,
    strategy: S,
    body: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let mut runner = proptest::test_runner::TestRunner::new(cases(usual));
    if let Err(error) = runner.run(&strategy, body) {
        panic!("{error}");
    }
}

#[test]
fn hides_secrets_without_python() {
    let project = Project::new();
    let commands = commands();
    let strategy = (
        secrets(),
        writings(),
        urls(),
        select(&SecretPlace::ALL),
        flags(),
        any::<Index>(),
    );
    check(60, strategy, |(secret, writing, url, way, flags, index)| {
        let url = with(url, &secret.written(writing));
        let Some(mut setting) = project.plain.with(way, &url, &secret) else {
            return Ok(());
        };
        setting.options.extend(flags);
        project.set(&setting);
        for command in &commands {
            let call = pick(index, &calls(command, &url));
            project.check(None, &setting, &call, &url, &secret)?;
        }
        Ok(())
    });
}

#[test]
fn hides_secrets_with_python() {
    let project = Project::new();
    let python = python();
    let commands = commands();
    let strategy = (
        (secrets(), writings(), urls(), select(&SecretPlace::ALL)),
        (flags(), select(commands), any::<Index>()),
    );
    check(
        45,
        strategy,
        |((secret, writing, url, way), (flags, command, index))| {
            let url = with(url, &secret.written(writing));
            let Some(mut setting) = project.plain.with(way, &url, &secret) else {
                return Ok(());
            };
            setting.options.extend(flags);
            project.set(&setting);
            project.check(
                Some(&python),
                &setting,
                &pick(index, &calls(&command, &url)),
                &url,
                &secret,
            )
        },
    );
}

#[test]
fn hides_secrets_in_rejected_parameters() {
    let project = Project::new();
    let strategy = (secrets(), writings(), misplaced_urls(), any::<Index>());
    check(40, strategy, |(secret, writing, url, index)| {
        let url = with(url, &secret.written(writing));
        for command in ["url show", "url check", "url convert"] {
            // All but the first two calls take the URL as an argument.
            let calls = &calls(command, &url)[2..];
            let setting = Setting::default();
            project.check(None, &setting, &pick(index, calls), &url, &secret)?;
        }
        Ok(())
    });
}

#[test]
fn hides_secrets_in_arguments_for_python() {
    let project = Project::new();
    let python = python();
    let own = options_with_values("");
    let commands: Vec<_> = commands()
        .into_iter()
        .map(|command| {
            let mut options = options_with_values(&command);
            // A message goes into the script by intent, and a converted URL is output by intent.
            options.retain(|option| option != "--message" && option != "--to");
            (command, options)
        })
        .collect();
    let strategy = (
        secrets(),
        writings(),
        urls(),
        select(commands),
        any::<Index>(),
        0..4,
    );
    check(
        40,
        strategy,
        |(secret, writing, url, (command, options), index, place)| {
            let url = with(url, &secret.written(writing));
            let setting = Setting::default();
            project.set(&setting);
            let words = command.split_whitespace().map(str::to_owned);
            let call: Vec<String> = match place {
                0 => [pick(index, &own), url].into_iter().chain(words).collect(),
                1 if !options.is_empty() => words
                    .chain([pick(index, &options), url, "head".into()])
                    .collect(),
                2 => words.chain([url]).collect(),
                _ => ["-x".into(), format!("url={url}"), "--raiseerr".into()]
                    .into_iter()
                    .chain(words)
                    .chain(["head".into()])
                    .collect(),
            };
            project.check(Some(&python), &setting, &call, "", &secret)
        },
    );
}

#[test]
fn hides_secrets_in_misplaced_arguments() {
    let project = Project::new();
    let commands = commands();
    let options = |command: &str| {
        let mut options = options_with_values(command);
        // A converted URL is output by intent.
        options.retain(|option| option != "--to");
        (command.to_owned(), options)
    };
    let own = options("");
    assert!(own.1.len() > 5, "{own:?}");
    let options: Vec<_> = commands.iter().map(|command| options(command)).collect();
    assert!(options.iter().any(|(_, options)| !options.is_empty()));
    let strategy = (secrets(), writings(), urls(), any::<Index>());
    check(15, strategy, |(secret, writing, url, index)| {
        let url = with(url, &secret.written(writing));
        let setting = Setting::default();
        project.set(&setting);
        let check = |call: &[&str]| {
            let call: Vec<String> = call.iter().map(|word| (*word).to_owned()).collect();
            project.check(None, &setting, &call, "", &secret)
        };
        for option in &own.1 {
            check(&[option, &url, "heads"])?;
        }
        check(&[&url])?;
        check(&[&format!("--nothing={url}"), "heads"])?;
        check(&["-x", &format!("url={url}"), "upgrade", "head"])?;
        for (command, options) in &options {
            let words: Vec<&str> = command.split_whitespace().collect();
            let call = |more: &[&str]| check(&[&words[..], more].concat());
            call(&[&url])?;
            call(&["head", &url])?;
            call(&["head", "head", &url])?;
            call(&[&format!("--nothing={url}")])?;
            call(&[&format!("--sql={url}"), "head"])?;
            if !options.is_empty() {
                call(&[&pick(index, options), &url, "head"])?;
            }
        }
        Ok(())
    });
}
