//! Help and usage errors: limbeck's wording, with Alembic's commands, options and exit codes.

use std::path::Path;
use std::process::Command;

use limbeck_testkit::{Sandbox, python, reference_python};

use crate::replay::{On, Oracle, Scenario, replays, step};
use crate::support::{alembic, limbeck, to_command_output};

const USAGE: Scenario = Scenario {
    project: |_| {},
    on: On::Sqlite,
    steps: &[
        step("004_no_args", ""),
        step("008_bad_command", "foo"),
        step("007_version", "--version").differs(
            "`--version`, help and usage errors",
            0,
            concat!("limbeck ", env!("CARGO_PKG_VERSION")),
        ),
        step("", "upgrade"),
        step("", "upgrade head -q"),
        step("", "heads --nonsense"),
        step("", "merge"),
        step("", "-c"),
    ],
};

replays! {
    usage_errors: USAGE;
}

/// Alembic's commands. Each has a recording of its help.
const COMMANDS: [&str; 15] = [
    "branches",
    "check",
    "current",
    "downgrade",
    "edit",
    "ensure_version",
    "heads",
    "history",
    "init",
    "list_templates",
    "merge",
    "revision",
    "show",
    "stamp",
    "upgrade",
];

/// An option in the help of `argparse`.
struct DocumentedOption {
    names: Vec<String>,
    takes_value: bool,
}

/// Returns the options in a help text.
fn documented_options(help: &str) -> Vec<DocumentedOption> {
    let options = help
        .split_once("\noptions:\n")
        .map_or("", |(_, options)| options);
    options
        .lines()
        .filter_map(|line| {
            let shown = line
                .strip_prefix("  ")
                .filter(|line| line.starts_with('-'))?;
            let shown = shown.split("  ").next()?;
            let forms: Vec<Vec<&str>> = shown
                .split(", ")
                .map(|form| form.split(' ').collect())
                .collect();
            Some(DocumentedOption {
                names: forms.iter().map(|form| form[0].to_owned()).collect(),
                takes_value: forms[0].len() > 1,
            })
        })
        .collect()
}

/// Compares the help of these commands. `None` is the program itself.
fn check(commands: &[Option<&str>]) {
    let python = python();
    let reference = reference_python();
    let sandbox = Sandbox::new();
    let mut oracle = Oracle::start(&sandbox);
    for command in commands {
        check_one(&sandbox, &mut oracle, (&python, &reference), *command);
    }
}

fn check_one(
    sandbox: &Sandbox,
    oracle: &mut Oracle,
    (python, reference): (&Path, &Path),
    command: Option<&str>,
) {
    let ours = |arguments: &[&str]| {
        let mut ours: Command = sandbox.command(&limbeck(), Some(python));
        to_command_output(
            &ours
                .args(command)
                .args(arguments)
                .output()
                .expect("the program starts"),
        )
    };
    let words: Vec<String> = command
        .into_iter()
        .chain(["--help"])
        .map(str::to_owned)
        .collect();
    let real = oracle.alembic(
        &sandbox.command(&alembic(reference), Some(reference)),
        &words,
    );
    let help = ours(&["--help"]);
    assert_eq!((real.status, help.status), (0, 0), "{}", help.stderr);
    assert!(help.stderr.is_empty() && ours(&["--nonsense", "--help"]).status == 2);
    let options = documented_options(&real.stdout);
    assert!(!options.is_empty(), "{}", real.stdout);
    for option in &options {
        for name in &option.names {
            assert!(
                help.stdout
                    .split([' ', ',', '\n', '='])
                    .any(|word| word == name),
                "{command:?} {name}:\n{}",
                help.stdout
            );
            let mut arguments = vec![name.as_str()];
            arguments.extend(option.takes_value.then_some("x"));
            arguments.push("--help");
            let taken = ours(&arguments);
            assert_eq!(
                taken.status, 0,
                "{command:?} {arguments:?}: {}",
                taken.stderr
            );
        }
    }
    if command.is_none() {
        for name in COMMANDS {
            assert!(real.stdout.contains(&format!("\n    {name} ")), "{name}");
            assert!(help.stdout.contains(&format!("\n  {name} ")), "{name}");
        }
    }
}

#[test]
fn help_names_every_command() {
    check(&[None]);
}

#[test]
fn help_of_every_command() {
    check(&COMMANDS.map(Some));
}
