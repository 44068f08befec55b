//! Files of `fix`: it shows, rejects, replaces, records and restores them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use limbeck_testkit::Sandbox;

use super::{expect_status, fix, tree};
use crate::support::{limbeck, to_command_output};

const INI: &str = "[alembic]\nscript_location = %(here)s/migrations\n";

const ENV: &str = "\
import os
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(os.environ['DATABASE_URL'])
with engine.connect() as connection:
    context.configure(connection=connection)
";

const RECORD: &str = ".limbeck/fix/manifest.json";

fn project(env: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("alembic.ini", INI);
    sandbox.write("migrations/env.py", env);
    sandbox
}

#[test]
fn shows_a_change_without_making_it() {
    let sandbox = project(ENV);
    let before = tree(sandbox.path());
    for arguments in [&[][..], &["--check"], &["--dry-run"]] {
        let shown = expect_status(fix(&sandbox, arguments), 1, "a change is pending");
        assert!(
            shown.stdout.contains(
                "+engine = create_engine(ensure_sync_database_url(os.environ['DATABASE_URL']))\n"
            ),
            "{}",
            shown.stdout
        );
        let has_hint = shown.stderr.contains("run `limbeck fix --yes`");
        assert_eq!(has_hint, arguments.is_empty(), "{}", shown.stderr);
    }
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn asks_on_a_terminal() {
    for (answer, expected) in [("\n", 1), ("no\n", 1), ("y\n", 0)] {
        let sandbox = project(ENV);
        let before = tree(sandbox.path());
        let command = format!("{} fix", limbeck().display());
        let mut child = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .current_dir(sandbox.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, answer.as_bytes()).expect("limbeck reads");
        let ended = to_command_output(&child.wait_with_output().expect("limbeck exits"));
        drop(stdin);
        assert!(
            ended.stdout.contains("make this change? [y/N]"),
            "{}",
            ended.stdout
        );
        assert_eq!(ended.status, expected, "{answer:?}: {}", ended.stdout);
        assert_eq!(tree(sandbox.path()) == before, expected == 1, "{answer:?}");
    }
}

#[test]
fn rejects_files_that_it_does_not_understand() {
    let imported = "from alembic import context\nfrom app.db import engine\n\nwith engine.connect() as c:\n    context.configure(connection=c)\n";
    for (env, expected, snippet) in [
        (
            ENV.replace("create_engine(os", "create_engine(os("),
            "migrations/env.py:5: it is not valid Python",
            false,
        ),
        (
            format!("{ENV}exec(open('more.py').read())\n"),
            "migrations/env.py:8: `exec` runs code",
            true,
        ),
        (
            imported.to_owned(),
            "migrations/env.py:4: the connection comes from `app.db.engine`",
            true,
        ),
        (
            "x = 1\n".to_owned(),
            "migrations/env.py:1: it makes no engine",
            true,
        ),
    ] {
        let sandbox = project(&env);
        let before = tree(sandbox.path());
        let refused = expect_status(fix(&sandbox, &["--yes"]), 2, expected);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
        assert_eq!(
            refused
                .stdout
                .contains("\ndef ensure_sync_database_url(url):"),
            snippet
        );
        assert_eq!(tree(sandbox.path()), before);
    }
    let sandbox = project("");
    fs::write(
        sandbox.path().join("migrations/env.py"),
        b"# a\n# caf\xe9\n",
    )
    .expect("a file");
    let refused = expect_status(fix(&sandbox, &["--yes"]), 2, "another encoding");
    assert!(
        refused
            .stderr
            .contains("migrations/env.py:2: the file is not UTF-8"),
        "{}",
        refused.stderr
    );
    fs::remove_file(sandbox.path().join("migrations/env.py")).expect("a file");
    let refused = expect_status(fix(&sandbox, &["--yes"]), 2, "no file");
    assert!(
        refused.stderr.contains("could not read"),
        "{}",
        refused.stderr
    );
}

#[test]
fn changes_nothing_without_need() {
    let sandbox = project(&ENV.replace(
        "os.environ['DATABASE_URL']",
        "'postgresql+psycopg2://u:Geheim@h/d'",
    ));
    let before = tree(sandbox.path());
    let done = expect_status(fix(&sandbox, &["--yes"]), 0, "nothing to do");
    assert!(done.stderr.contains("nothing to do"), "{}", done.stderr);
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn never_shows_a_password() {
    let sandbox = project(&ENV.replace(
        "os.environ['DATABASE_URL']",
        "'postgresql+asyncpg://u:Geheim@h/d'",
    ));
    let shown = expect_status(fix(&sandbox, &["--yes"]), 0, "a change");
    assert!(shown.stdout.contains("u:***@h/d"), "{}", shown.stdout);
    for text in [shown.stdout, shown.stderr] {
        assert!(!text.contains("Geheim"), "{text}");
    }
    let env = sandbox.read("migrations/env.py");
    assert!(
        env.contains(
            "create_engine(ensure_sync_database_url('postgresql+asyncpg://u:Geheim@h/d'))"
        )
    );
}

#[test]
fn keeps_bytes_links_and_modes() {
    let text = format!("\u{feff}# é\n{ENV}")
        .replace('\n', "\r\n")
        .replace("    ", "\t");
    let sandbox = project("");
    sandbox.write("shared/real.py", &text);
    let (real, link) = (
        sandbox.path().join("shared/real.py"),
        sandbox.path().join("migrations/env.py"),
    );
    fs::set_permissions(&real, fs::Permissions::from_mode(0o754)).expect("a mode");
    fs::remove_file(&link).expect("a file");
    symlink("../shared/real.py", &link).expect("a link");
    let before = tree(sandbox.path());

    expect_status(fix(&sandbox, &["--yes"]), 0, "a change");
    let repaired = sandbox.read("shared/real.py");
    assert!(repaired.starts_with("\u{feff}# é\r\n"));
    assert!(!repaired.replace("\r\n", "").contains(['\r', '\n']));
    // Without the inserted text, every byte equals the original.
    let start = repaired
        .find("\r\n\r\n\r\n# ---- limbeck fix")
        .expect("a function");
    let end = "# ---- limbeck fix: end ----\r\n";
    let end = repaired.find(end).expect("an end marker") + end.len();
    let rest = format!("{}{}", &repaired[..start], &repaired[end..]).replace(
        "ensure_sync_database_url(os.environ['DATABASE_URL'])",
        "os.environ['DATABASE_URL']",
    );
    assert_eq!(rest, text);
    let kept = fs::metadata(&real).expect("a file").permissions().mode();
    assert_eq!(kept & 0o7777, 0o754);
    assert!(link.symlink_metadata().expect("a link").is_symlink());

    expect_status(fix(&sandbox, &["--undo"]), 0, "an undo");
    assert_eq!(tree(sandbox.path()), before);
    let kept = fs::metadata(&real).expect("a file").permissions().mode();
    assert_eq!(kept & 0o7777, 0o754);
    let again = expect_status(fix(&sandbox, &["--undo"]), 2, "nothing to undo");
    assert!(
        again.stderr.contains("there is no fix to undo"),
        "{}",
        again.stderr
    );
}

#[test]
fn undo_keeps_later_edits() {
    let sandbox = project(ENV);
    let before = tree(sandbox.path());
    expect_status(fix(&sandbox, &["--yes"]), 0, "a change");
    let repaired = sandbox.read("migrations/env.py");
    sandbox.write("migrations/env.py", &format!("{repaired}# mine\n"));
    let edited = tree(sandbox.path());
    let refused = expect_status(fix(&sandbox, &["--undo"]), 2, "an edit");
    assert!(
        refused
            .stderr
            .contains("`migrations/env.py` was changed since `limbeck fix`"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("diff .limbeck/fix/"),
        "{}",
        refused.stderr
    );
    assert_eq!(tree(sandbox.path()), edited);

    // Another engine needs another fix, but the recorded original would then miss the edit.
    sandbox.write(
        "migrations/env.py",
        &format!("{repaired}create_engine(os.environ['OTHER'])\n"),
    );
    let refused = expect_status(
        fix(&sandbox, &["--yes"]),
        2,
        "an edit that needs another fix",
    );
    assert!(
        refused
            .stderr
            .contains("was changed since an earlier `limbeck fix`"),
        "{}",
        refused.stderr
    );

    sandbox.write("migrations/env.py", &repaired);
    let kept = edited
        .keys()
        .find(|name| name.len() > 64)
        .expect("the original");
    let original = sandbox.read(kept);
    sandbox.write(kept, "damaged");
    let refused = expect_status(fix(&sandbox, &["--undo"]), 2, "a damaged original");
    assert!(
        refused.stderr.contains("its digest has changed"),
        "{}",
        refused.stderr
    );
    assert_eq!(sandbox.read("migrations/env.py"), repaired);
    sandbox.write(kept, &original);
    expect_status(fix(&sandbox, &["--undo"]), 0, "an undo");
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn undo_accepts_a_file_restored_by_other_means() {
    let sandbox = project(ENV);
    let before = tree(sandbox.path());
    expect_status(fix(&sandbox, &["--yes"]), 0, "a change");
    sandbox.write("migrations/env.py", ENV);
    expect_status(fix(&sandbox, &["--yes"]), 0, "the change again");
    sandbox.write("migrations/env.py", ENV);
    expect_status(
        fix(&sandbox, &["--undo"]),
        0,
        "an undo with nothing to put back",
    );
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn undo_writes_only_the_projects_files() {
    let sandbox = project(ENV);
    sandbox.write("victim", "theirs");
    sandbox.write("project/alembic.ini", INI);
    sandbox.write("project/migrations/env.py", ENV);
    let inside = |arguments: &[&str]| {
        let mut command = sandbox.command(&limbeck(), None);
        let command = command
            .current_dir(sandbox.path().join("project"))
            .arg("fix");
        to_command_output(&command.args(arguments).output().expect("limbeck starts"))
    };
    expect_status(inside(&["--yes"]), 0, "a change");
    let record = format!("project/{RECORD}");
    let honest = sandbox.read(&record);
    let absolute = sandbox.path().join("victim").display().to_string();
    for path in ["../victim", &absolute] {
        sandbox.write(&record, &honest.replace("migrations/env.py", path));
        let refused = expect_status(inside(&["--undo"]), 2, path);
        assert!(
            refused.stderr.contains("not one of the project's files"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(sandbox.read("victim"), "theirs");
    sandbox.write(&record, "{}");
    let refused = expect_status(inside(&["--undo"]), 2, "no record");
    assert!(
        refused.stderr.contains("is not a valid record of a fix"),
        "{}",
        refused.stderr
    );
    sandbox.write(&record, &honest);
    expect_status(inside(&["--undo"]), 0, "an undo");
    assert_eq!(sandbox.read("project/migrations/env.py"), ENV);
}

#[test]
fn changes_nothing_if_the_original_cannot_be_recorded() {
    let sandbox = project(ENV);
    sandbox.write(".limbeck", "a file in the way");
    let before = tree(sandbox.path());
    let refused = expect_status(fix(&sandbox, &["--yes"]), 2, "no folder");
    assert!(
        refused
            .stderr
            .contains("could not read `.limbeck/fix/manifest.json`"),
        "{}",
        refused.stderr
    );
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn records_beside_the_configuration_file() {
    let sandbox = project(ENV);
    fs::remove_file(sandbox.path().join("alembic.ini")).expect("a file");
    sandbox.write(
        "conf/pyproject.toml",
        "[tool.alembic]\nscript_location = \"%(here)s/../migrations\"\n",
    );
    let before = tree(sandbox.path());
    let run = |last: &str| {
        sandbox.run(
            &limbeck(),
            None,
            &["-c", "conf/pyproject.toml", "fix", last],
        )
    };
    expect_status(run("--yes"), 0, "a change");
    assert!(sandbox.path().join("conf").join(RECORD).exists());
    expect_status(run("--undo"), 0, "an undo");
    assert_eq!(tree(sandbox.path()), before);
}
