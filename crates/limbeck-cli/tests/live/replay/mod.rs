//! Recorded commands, run by real Alembic and by limbeck on the same project, and compared.

mod history;
mod oracle;
mod orders;
mod server;
mod state;
mod stock;

use limbeck_testkit::{CommandOutput, Sandbox, python, reference_python};

pub(crate) use history::branching;
pub(crate) use oracle::Oracle;
pub(crate) use server::On;
pub(crate) use stock::{stock, template};

use self::orders::{
    in_order, log, warnings, without_date, without_digits, without_package_folders,
};
use self::state::Snapshot;
use crate::support::{alembic, limbeck};

/// The table of all deliberate differences.
const DIFFERENCES: &str = include_str!("../../../../../docs/differences.md");

/// The expected result of a comparison.
#[derive(Debug, Clone, Copy)]
enum Expect {
    Same,
    /// A case of the table of differences, with limbeck's exit status and a phrase of its message.
    Differs {
        case: &'static str,
        status: i32,
        phrase: &'static str,
    },
}

/// One command of a scenario.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// The recordings that the command replays, as file stems separated by spaces.
    pub(crate) recordings: &'static str,
    command: &'static str,
    expect: Expect,
    /// Changes the project before the command.
    before: fn(&Sandbox),
    variables: &'static [(&'static str, &'static str)],
    columns: Option<u16>,
    dated: bool,
}

fn no_change(_: &Sandbox) {}

/// Creates a step with a command that must do the same in both programs.
pub(crate) const fn step(recordings: &'static str, command: &'static str) -> Step {
    Step {
        recordings,
        command,
        expect: Expect::Same,
        before: no_change,
        variables: &[],
        columns: None,
        dated: false,
    }
}

impl Step {
    /// Expects a deliberate difference: `case` starts a row of `docs/differences.md`, `phrase` is in limbeck's message.
    pub(crate) const fn differs(
        mut self,
        case: &'static str,
        status: i32,
        phrase: &'static str,
    ) -> Self {
        self.expect = Expect::Differs {
            case,
            status,
            phrase,
        };
        self
    }

    /// Changes the project before the command.
    pub(crate) const fn after(mut self, change: fn(&Sandbox)) -> Self {
        self.before = change;
        self
    }

    /// Sets environment variables.
    pub(crate) const fn with(mut self, variables: &'static [(&'static str, &'static str)]) -> Self {
        self.variables = variables;
        self
    }

    /// Sets a terminal of this width as standard input.
    pub(crate) const fn in_terminal(mut self, columns: u16) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Ignores digits: names of new files contain the time of their creation.
    pub(crate) const fn dated(mut self) -> Self {
        self.dated = true;
        self
    }

    /// Splits the command into arguments. Single quotes group words.
    fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (index, part) in self.command.split('\'').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words
    }

    /// Returns `true` if the order of the output's lines is that of a set or a folder.
    fn is_unordered(&self) -> bool {
        self.command
            .split(' ')
            .any(|word| ["current", "branches", "list_templates", "init"].contains(&word))
    }
}

/// Commands that run in order on one project and database.
pub(crate) struct Scenario {
    pub(crate) project: fn(&Sandbox),
    pub(crate) on: On,
    pub(crate) steps: &'static [Step],
}

impl Scenario {
    /// Runs every step with both programs. limbeck starts each step from the state that real Alembic left.
    pub(crate) fn replay(&self) {
        let ours_python = python();
        let real_python = reference_python();
        let sandbox = Sandbox::new();
        let mut oracle = Oracle::start(&sandbox);
        let mut database = self.on.start();
        (self.project)(&sandbox);
        let mut problems = Vec::new();
        for step in self.steps {
            (step.before)(&sandbox);
            let before = Snapshot::take(sandbox.path());
            let arguments = step.arguments();
            let command = |program: &std::path::Path, python: &std::path::Path, url: &str| {
                let mut command = sandbox.command(program, Some(python));
                command
                    .env("DATABASE_URL", url)
                    .envs(step.variables.iter().copied());
                command
            };
            let real_command = command(&alembic(&real_python), &real_python, &database.url(true));
            let real = match step.columns {
                None => oracle.alembic(&real_command, &arguments),
                Some(columns) => oracle.in_terminal(&real_command, &arguments, columns),
            };
            let after = Snapshot::take(sandbox.path());
            let real_state = State::of(&after, &sandbox, database.state(true));
            before.restore(sandbox.path());
            let mut our_command = command(&limbeck(), &ours_python, &database.url(false));
            let ours = match step.columns {
                None => crate::support::to_command_output(
                    &our_command
                        .args(&arguments)
                        .output()
                        .expect("the program starts"),
                ),
                Some(columns) => oracle.in_terminal(&our_command, &arguments, columns),
            };
            let our_state = State::of(
                &Snapshot::take(sandbox.path()),
                &sandbox,
                database.state(false),
            );
            let mut found = step.compare(&real, &ours);
            if step.has_same_outcome(&real) {
                found.extend(real_state.compare(&our_state, step.dated));
            }
            if !found.is_empty() {
                problems.push(format!(
                    "{}: {}\n--- alembic ({})\n{}{}--- limbeck ({})\n{}{}",
                    step.command,
                    found.join("\n"),
                    real.status,
                    real.stdout,
                    real.stderr,
                    ours.status,
                    ours.stdout,
                    ours.stderr
                ));
            }
            after.restore(sandbox.path());
        }
        assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    }
}

impl Step {
    /// Returns `true` if limbeck and Alembic both succeed or both fail. Otherwise their files and databases differ.
    fn has_same_outcome(&self, real: &CommandOutput) -> bool {
        match self.expect {
            Expect::Same => true,
            Expect::Differs { status, .. } => (status == 0) == (real.status == 0),
        }
    }

    fn compare(&self, real: &CommandOutput, ours: &CommandOutput) -> Vec<String> {
        let mut problems = Vec::new();
        match self.expect {
            Expect::Same => {
                if ours.status != real.status {
                    problems.push("another exit status".to_owned());
                }
                // Usage errors are worded by the parser: docs/differences.md.
                if real.status != 2 {
                    self.compare_texts(real, ours, &mut problems);
                } else if ours.stdout != real.stdout || ours.stderr.is_empty() {
                    problems.push("a usage error belongs to standard error".to_owned());
                }
            }
            Expect::Differs {
                case,
                status,
                phrase,
            } => {
                if !is_in_the_table(case) {
                    problems.push(format!(
                        "`{case}` starts no row of the table of differences"
                    ));
                }
                if ours.status != status {
                    problems.push(format!("limbeck's exit status is not {status}"));
                }
                let output = format!("{}{}", ours.stdout, ours.stderr);
                if !output.contains(phrase) || output.contains("Traceback") {
                    problems.push(format!(
                        "limbeck does not print `{phrase}`, or prints a traceback"
                    ));
                }
                if self.has_same_outcome(real)
                    && log(&ours.stderr, &["INFO"]) != log(&real.stderr, &["INFO"])
                {
                    problems.push("other log lines".to_owned());
                }
                if (real.status, in_order(&real.stdout)) == (ours.status, in_order(&ours.stdout))
                    && !real.stderr.contains("Traceback")
                {
                    problems.push("there is no difference".to_owned());
                }
            }
        }
        problems
    }

    fn compare_texts(
        &self,
        real: &CommandOutput,
        ours: &CommandOutput,
        problems: &mut Vec<String>,
    ) {
        let text = |text: &str| {
            let text = without_package_folders(text);
            if self.dated {
                without_digits(&text)
            } else {
                text
            }
        };
        let mut lines = [in_order(&text(&ours.stdout)), in_order(&text(&real.stdout))];
        if self.is_unordered() {
            for lines in &mut lines {
                lines.sort();
            }
        }
        if lines[0] != lines[1] {
            problems.push("another output".to_owned());
        }
        if log(&ours.stderr, &["INFO", "ERROR"]) != log(&real.stderr, &["INFO", "ERROR"]) {
            problems.push("other log lines".to_owned());
        }
        for warning in warnings(&real.stderr) {
            if !ours.stderr.contains(warning) {
                problems.push(format!("no warning `{warning}`"));
            }
        }
    }
}

/// Returns `true` if `case` starts a row of `docs/differences.md`.
pub(crate) fn is_in_the_table(case: &str) -> bool {
    DIFFERENCES.lines().any(|line| {
        line.strip_prefix("| ")
            .is_some_and(|row| row.starts_with(case))
    })
}

/// The state after a command: files by name, and the server's content.
struct State {
    files: std::collections::BTreeMap<String, String>,
    server: String,
}

impl State {
    fn of(snapshot: &Snapshot, sandbox: &Sandbox, server: String) -> Self {
        Self {
            files: snapshot.texts(sandbox.path()),
            server,
        }
    }

    fn compare(&self, ours: &Self, dated: bool) -> Vec<String> {
        let normal = |state: &Self| -> std::collections::BTreeMap<String, String> {
            let one = |(name, text): (&String, &String)| {
                let text = without_date(&without_package_folders(text));
                if dated {
                    (without_digits(name), without_digits(&text))
                } else {
                    (name.clone(), text)
                }
            };
            state.files.iter().map(one).collect()
        };
        let (real, mine) = (normal(self), normal(ours));
        let mut problems = Vec::new();
        let names: std::collections::BTreeSet<&String> = real.keys().chain(mine.keys()).collect();
        for name in names {
            if real.get(name) != mine.get(name) {
                problems.push(format!(
                    "`{name}` holds\n{}\ninstead of\n{}",
                    mine.get(name).map_or("nothing", String::as_str),
                    real.get(name).map_or("nothing", String::as_str)
                ));
            }
        }
        if self.server != ours.server {
            problems.push(format!(
                "the server has\n{}\ninstead of\n{}",
                ours.server, self.server
            ));
        }
        problems
    }
}

/// Defines a test for each scenario, and a list of the scenarios for the table of recordings.
macro_rules! replays {
    ($($name:ident: $scenario:expr;)*) => {
        $(#[test] fn $name() { $scenario.replay(); })*
        pub(crate) const REPLAYS: &[(&str, &crate::replay::Scenario)] =
            &[$((concat!(module_path!(), "::", stringify!($name)), &$scenario)),*];
    };
}
pub(crate) use replays;
