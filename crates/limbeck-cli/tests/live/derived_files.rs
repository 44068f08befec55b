//! Cache files in `__pycache__`: they change the time of a run, never its result.

use std::fs;
use std::path::{Path, PathBuf};

use limbeck_testkit::{CommandOutput, Sandbox, all_pythons};

use crate::support::{limbeck, linear, sync_env, to_command_output};

fn project() -> Sandbox {
    let steps: Vec<[String; 3]> = (0..20)
        .map(|number| {
            let create = format!("op.create_table('t{number}', sa.Column('x', sa.Integer))");
            let drop = format!("op.drop_table('t{number}')");
            [format!("r{number:02}"), create, drop]
        })
        .collect();
    let revisions: Vec<(&str, &str, &str)> = steps
        .iter()
        .map(|[id, create, drop]| (id.as_str(), create.as_str(), drop.as_str()))
        .collect();
    linear(&sync_env(""), &revisions)
}

fn run(sandbox: &Sandbox, python: &Path, writes: bool, arguments: &[&str]) -> CommandOutput {
    let mut command = sandbox.command(&limbeck(), Some(python));
    if writes {
        command.env_remove("PYTHONDONTWRITEBYTECODE");
    }
    let url = "sqlite:///app.db";
    let output = command.env("DATABASE_URL", url).args(arguments).output();
    to_command_output(&output.expect("limbeck starts"))
}

/// Returns limbeck's files in a folder's `__pycache__`.
fn cache_files(sandbox: &Sandbox, folder: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(sandbox.path().join(folder).join("__pycache__")) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("limbeck.")
        })
        .collect();
    found.sort();
    found
}

/// Runs a session of commands and returns their output, with cache files damaged between the commands.
fn session(
    sandbox: &Sandbox,
    python: &Path,
    writes: bool,
    between: Option<Damage>,
) -> Vec<(String, String)> {
    let mut outputs = Vec::new();
    let mut damaged = 0;
    for arguments in [
        &["upgrade", "r10"][..],
        &["current", "-v"],
        &["downgrade", "-2"],
        &["upgrade", "head"],
        &["history"],
        &["upgrade", "head"],
    ] {
        let output = run(sandbox, python, writes, arguments);
        assert_eq!(output.status, 0, "{arguments:?}: {}", output.stderr);
        let folder = sandbox.path().display().to_string();
        outputs.push((output.stdout.replace(&folder, ""), output.stderr));
        for file in FOLDERS
            .iter()
            .flat_map(|folder| cache_files(sandbox, folder))
        {
            if let Some(damage) = between {
                damaged += 1;
                let mut bytes = fs::read(&file).expect("the file");
                damage(&mut bytes);
                fs::write(&file, bytes).expect("the damaged file");
            }
        }
    }
    assert_eq!(damaged > 0, between.is_some(), "no cache file to damage");
    outputs
}

const FOLDERS: [&str; 2] = ["migrations", "migrations/versions"];

type Damage = fn(&mut Vec<u8>);

/// Damages that a crash of the machine, or another version of limbeck, may leave in the files.
const DAMAGES: [Damage; 4] = [
    |bytes| bytes.truncate(bytes.len() / 2),
    Vec::clear,
    |bytes| {
        let some = bytes.iter_mut().skip(60).step_by(50);
        some.for_each(|byte| *byte ^= 0xFF);
    },
    |bytes| bytes[..30].reverse(),
];

#[test]
fn cache_files_do_not_change_results() {
    let pythons = all_pythons();
    // Python 3.13, 3.10 and 3.9 compile modules in three ways.
    let projects: Vec<_> = pythons
        .iter()
        .step_by(2)
        .map(|python| (python, [(); 2 + DAMAGES.len()].map(|()| project())))
        .collect();
    for (place, (python, projects)) in projects.iter().enumerate() {
        let counts = |sandbox| FOLDERS.map(|folder| cache_files(sandbox, folder).len());
        let plain = session(&projects[0], python, false, None);
        assert_eq!(counts(&projects[0]), [0, 0]);
        assert_eq!(session(&projects[1], python, true, None), plain);
        assert_eq!(counts(&projects[1]), [1, 0]);
        // The format does not depend on the interpreter: one interpreter is enough for the damages.
        if place == 0 {
            for (sandbox, damage) in projects[2..].iter().zip(DAMAGES) {
                assert_eq!(session(sandbox, python, true, Some(damage)), plain);
            }
        }
    }
}
