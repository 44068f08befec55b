//! The end of a test that needs something this machine lacks.

use std::env;
use std::fs::OpenOptions;
use std::io::{Write, stderr};

/// Allows tests to be skipped if its value is `1`.
const ALLOW_SKIP: &str = "LIMBECK_TEST_ALLOW_SKIP";

/// The file that gets a line for each skipped test. The script `test` sets the variable and prints the file.
const SKIPPED: &str = "LIMBECK_TEST_SKIPPED";

/// Ends a test because this machine lacks `requirement`.
///
/// The test fails. If `LIMBECK_TEST_ALLOW_SKIP=1` is set, the test is skipped instead: its process ends with status 0
/// after it has added a line to the file in `LIMBECK_TEST_SKIPPED`. That needs nextest, which runs each test in
/// its own process. `CI=true` forbids skipping.
///
/// # Panics
/// Panics unless skipping is allowed.
#[track_caller]
pub fn report_missing(requirement: &str) -> ! {
    if let Err(help) = check_skip_allowed(|name| env::var(name).ok()) {
        panic!("missing: {requirement}\nhelp: {help}");
    }
    let line = format!("{}: {requirement}\n", test_name());
    if let Some(file) = env::var_os(SKIPPED) {
        // Tests run at the same time. An append of one short line is atomic.
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .expect("the file of skipped tests");
        file.write_all(line.as_bytes())
            .expect("a line in the file of skipped tests");
    }
    let _ = write!(stderr(), "skipped: {line}");
    #[expect(
        clippy::exit,
        reason = "nothing else ends a test early without a failure"
    )]
    std::process::exit(0)
}

/// Returns an error with the next step if these environment variables forbid skipping.
fn check_skip_allowed(variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let is = |name: &str, value: &str| variable(name).as_deref() == Some(value);
    if !is(ALLOW_SKIP, "1") {
        Err(format!(
            "run `./test`, which installs what the tests need, or set {ALLOW_SKIP}=1 to skip such tests"
        ))
    } else if is("CI", "true") || is("CI", "1") {
        Err(format!(
            "CI ignores {ALLOW_SKIP}: no test may be skipped there"
        ))
    } else if !is("NEXTEST_EXECUTION_MODE", "process-per-test") {
        Err(format!(
            "{ALLOW_SKIP} needs cargo-nextest: `cargo test` can't skip a running test"
        ))
    } else {
        Ok(())
    }
}

/// Returns the name of the test that nextest runs in this process, after the name of its binary.
fn test_name() -> String {
    let variable = |name| env::var(name).ok();
    let test = variable("NEXTEST_TEST_NAME").or_else(|| {
        env::args()
            .skip(1)
            .find(|argument| !argument.starts_with('-'))
    });
    [variable("NEXTEST_BINARY_ID"), test]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::check_skip_allowed;

    #[test]
    fn skips_only_if_allowed_and_outside_ci_and_with_nextest() {
        let allow = ("LIMBECK_TEST_ALLOW_SKIP", "1");
        let nextest = ("NEXTEST_EXECUTION_MODE", "process-per-test");
        for (variables, refusal) in [
            (vec![], Some("run `./test`")),
            (vec![nextest], Some("run `./test`")),
            (
                vec![("LIMBECK_TEST_ALLOW_SKIP", "0"), nextest],
                Some("run `./test`"),
            ),
            (vec![allow], Some("needs cargo-nextest")),
            (vec![allow, nextest, ("CI", "true")], Some("CI ignores")),
            (vec![allow, nextest, ("CI", "1")], Some("CI ignores")),
            (vec![allow, nextest, ("CI", "false")], None),
            (vec![allow, nextest], None),
        ] {
            let result = check_skip_allowed(|name| {
                let found = variables.iter().find(|(each, _)| *each == name);
                found.map(|(_, value)| (*value).to_owned())
            });
            match (result, refusal) {
                (Ok(()), None) => {}
                (Err(help), Some(words)) => assert!(help.contains(words), "{variables:?}: {help}"),
                (result, _) => panic!("{variables:?}: {result:?}"),
            }
        }
    }
}
