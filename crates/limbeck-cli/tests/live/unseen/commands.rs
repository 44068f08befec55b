//! Calls of each command that `limbeck --help` lists.

use crate::support::limbeck;
use limbeck_testkit::Sandbox;

/// Returns the commands. Subcommands of `url` are named like `url show`.
pub(super) fn commands() -> Vec<String> {
    let mut commands = Vec::new();
    for name in listed(&[]) {
        if name == "url" {
            commands.extend(listed(&["url"]).iter().map(|below| format!("url {below}")));
        } else {
            commands.push(name);
        }
    }
    assert!(commands.len() > 15, "{commands:?}");
    commands
}

fn listed(above: &[&str]) -> Vec<String> {
    let help = help(above);
    let list = help
        .split_once("Commands:\n")
        .expect("a list of commands")
        .1;
    let names = list
        .lines()
        .take_while(|line| !line.is_empty())
        // Further lines of a description are indented more.
        .filter_map(|line| {
            line.strip_prefix("  ")
                .filter(|line| !line.starts_with(' '))
        })
        .filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn help(command: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let arguments = [command, &["--help"]].concat();
    sandbox.run(&limbeck(), None, &arguments).success().stdout
}

/// Returns the options with a value, of limbeck itself or of a command.
pub(super) fn options_with_values(command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let help = help(&words);
    let options = help.lines().filter_map(|line| {
        let (option, _) = line.trim().split_once(" <").or_else(|| {
            let (option, value) = line.trim().split_once(" [<").unwrap_or_default();
            (!value.is_empty()).then_some((option, value))
        })?;
        let option = option.rsplit(", ").next().unwrap_or_default();
        option.starts_with('-').then(|| option.to_owned())
    });
    options.collect()
}

/// Returns calls of a command that read the project's URL, or `url`.
pub(super) fn calls(command: &str, url: &str) -> Vec<Vec<String>> {
    let rests: &[&[&str]] = match command {
        "branches" | "heads" | "list_templates" | "check" => &[&[]],
        "current" => &[&[], &["--verbose"], &["--check-heads"]],
        "dev" => &[&[]],
        "doctor" => &[&[], &["--json"], &["--json", "--offline"]],
        "downgrade" => &[&["base"], &["--sql", "head:base"]],
        "edit" => &[&["current"], &["head"]],
        "ensure_version" => &[&[], &["--sql"]],
        "fix" => &[&["--check"], &["--yes"], &["--undo"]],
        "history" => &[&[], &["--verbose"], &["-r", "current:"]],
        "init" => &[&["new"]],
        "merge" => &[&["heads"]],
        "revision" => &[
            &["-m", "x", "--autogenerate"],
            &["-m", "x"],
            &["-m", "x", "--sql"],
        ],
        "run" => &[&["--wait", "1", "--", "true"]],
        "show" => &[&["current"], &["head"]],
        "status" => &[&[], &["--json"]],
        "stamp" => &[&["head"], &["--sql", "head"]],
        "upgrade" => &[
            &["head"],
            &["--sql", "head"],
            &["--sql", "base:head"],
            &["--dry-run", "head"],
        ],
        "wait" => &[&["--timeout", "1"]],
        "url show" => &[&[], &["--json"], &[url], &["--json", url]],
        "url check" => &[&[], &["--json"], &[url], &["--json", url]],
        "url convert" => &[
            &["--to", "libpq"],
            &["--to", "postgresql+psycopg2", url],
            &["--to", "postgresql+asyncpg", "--json", url],
            &["--to", "sqlx", url],
            &["--to", "mysql+pymysql", url],
            &["--to", url, url],
        ],
        new => panic!("`limbeck {new}` is new: add its calls to this table"),
    };
    let words: Vec<&str> = command.split_whitespace().collect();
    let owned = |word: &&str| (*word).to_owned();
    let call = |rest: &&[&str]| words.iter().chain(*rest).map(owned).collect();
    rests.iter().map(call).collect()
}
