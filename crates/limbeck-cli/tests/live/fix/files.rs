//! What `fix` does with files: shown, refused, replaced, kept and put back.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use limbeck_testkit::Sandbox;

use super::{fix, status, tree};
use crate::support::{limbeck, ran};

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
fn a_change_that_is_not_wanted_is_only_shown() {
    let sandbox = project(ENV);
    let before = tree(sandbox.path());
    for arguments in [&[][..], &["--check"], &["--dry-run"]] {
        let shown = status(fix(&sandbox, arguments), 1, "a change is pending");
        assert!(
            shown.stdout.contains(
                "+engine = create_engine(ensure_sync_database_url(os.environ['DATABASE_URL']))\n"
            ),
            "{}",
            shown.stdout
        );
        let told = shown.stderr.contains("run `limbeck fix --yes`");
        assert_eq!(told, arguments.is_empty(), "{}", shown.stderr);
    }
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn on_a_terminal_it_asks() {
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
        std::io::Write::write_all(&mut stdin, answer.as_bytes()).expect("it listens");
        let ended = ran(&child.wait_with_output().expect("it ends"));
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
fn what_is_not_understood_is_left_alone() {
    let imported = "from alembic import context\nfrom app.db import engine\n\nwith engine.connect() as c:\n    context.configure(connection=c)\n";
    for (env, told, snippet) in [
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
        let refused = status(fix(&sandbox, &["--yes"]), 2, told);
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
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
    let refused = status(fix(&sandbox, &["--yes"]), 2, "another encoding");
    assert!(
        refused
            .stderr
            .contains("migrations/env.py:2: the file is not UTF-8"),
        "{}",
        refused.stderr
    );
    fs::remove_file(sandbox.path().join("migrations/env.py")).expect("a file");
    let refused = status(fix(&sandbox, &["--yes"]), 2, "no file");
    assert!(
        refused.stderr.contains("could not read"),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_needs_no_repair_is_left_alone() {
    let sandbox = project(&ENV.replace(
        "os.environ['DATABASE_URL']",
        "'postgresql+psycopg2://u:Geheim@h/d'",
    ));
    let before = tree(sandbox.path());
    let done = status(fix(&sandbox, &["--yes"]), 0, "nothing to do");
    assert!(done.stderr.contains("nothing to do"), "{}", done.stderr);
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn a_password_is_not_shown() {
    let sandbox = project(&ENV.replace(
        "os.environ['DATABASE_URL']",
        "'postgresql+asyncpg://u:Geheim@h/d'",
    ));
    let shown = status(fix(&sandbox, &["--yes"]), 0, "a change");
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
fn bytes_links_and_modes_are_kept() {
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

    status(fix(&sandbox, &["--yes"]), 0, "a change");
    let repaired = sandbox.read("shared/real.py");
    assert!(repaired.starts_with("\u{feff}# é\r\n"));
    assert!(!repaired.replace("\r\n", "").contains(['\r', '\n']));
    // Without what was put in, every byte is the original's.
    let start = repaired
        .find("\r\n\r\n\r\n# ---- limbeck fix")
        .expect("a function");
    let end = "# ---- limbeck fix: end ----\r\n";
    let end = repaired.find(end).expect("its end") + end.len();
    let rest = format!("{}{}", &repaired[..start], &repaired[end..]).replace(
        "ensure_sync_database_url(os.environ['DATABASE_URL'])",
        "os.environ['DATABASE_URL']",
    );
    assert_eq!(rest, text);
    let kept = fs::metadata(&real).expect("a file").permissions().mode();
    assert_eq!(kept & 0o7777, 0o754);
    assert!(link.symlink_metadata().expect("a link").is_symlink());

    status(fix(&sandbox, &["--undo"]), 0, "an undo");
    assert_eq!(tree(sandbox.path()), before);
    let kept = fs::metadata(&real).expect("a file").permissions().mode();
    assert_eq!(kept & 0o7777, 0o754);
    let again = status(fix(&sandbox, &["--undo"]), 2, "nothing to undo");
    assert!(
        again.stderr.contains("there is no repair to undo"),
        "{}",
        again.stderr
    );
}

#[test]
fn an_undo_does_not_lose_what_was_written_since() {
    let sandbox = project(ENV);
    let before = tree(sandbox.path());
    status(fix(&sandbox, &["--yes"]), 0, "a change");
    let repaired = sandbox.read("migrations/env.py");
    sandbox.write("migrations/env.py", &format!("{repaired}# mine\n"));
    let edited = tree(sandbox.path());
    let refused = status(fix(&sandbox, &["--undo"]), 2, "an edit");
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

    // One more engine needs one more repair; what the record keeps would not be the original then.
    sandbox.write(
        "migrations/env.py",
        &format!("{repaired}create_engine(os.environ['OTHER'])\n"),
    );
    let refused = status(
        fix(&sandbox, &["--yes"]),
        2,
        "an edit that needs another repair",
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
    let refused = status(fix(&sandbox, &["--undo"]), 2, "a damaged original");
    assert!(
        refused.stderr.contains("its digest is another"),
        "{}",
        refused.stderr
    );
    assert_eq!(sandbox.read("migrations/env.py"), repaired);
    sandbox.write(kept, &original);
    status(fix(&sandbox, &["--undo"]), 0, "an undo");
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn a_file_that_was_put_back_by_other_means() {
    let sandbox = project(ENV);
    let before = tree(sandbox.path());
    status(fix(&sandbox, &["--yes"]), 0, "a change");
    sandbox.write("migrations/env.py", ENV);
    status(fix(&sandbox, &["--yes"]), 0, "the change again");
    sandbox.write("migrations/env.py", ENV);
    status(
        fix(&sandbox, &["--undo"]),
        0,
        "an undo with nothing to put back",
    );
    assert_eq!(tree(sandbox.path()), before);
}

#[test]
fn a_record_is_no_leave_to_write_elsewhere() {
    let sandbox = project(ENV);
    sandbox.write("victim", "theirs");
    sandbox.write("project/alembic.ini", INI);
    sandbox.write("project/migrations/env.py", ENV);
    let inside = |arguments: &[&str]| {
        let mut command = sandbox.command(&limbeck(), None);
        let command = command
            .current_dir(sandbox.path().join("project"))
            .arg("fix");
        ran(&command.args(arguments).output().expect("limbeck starts"))
    };
    status(inside(&["--yes"]), 0, "a change");
    let record = format!("project/{RECORD}");
    let honest = sandbox.read(&record);
    let absolute = sandbox.path().join("victim").display().to_string();
    for path in ["../victim", &absolute] {
        sandbox.write(&record, &honest.replace("migrations/env.py", path));
        let refused = status(inside(&["--undo"]), 2, path);
        assert!(
            refused.stderr.contains("none of the project's files"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(sandbox.read("victim"), "theirs");
    sandbox.write(&record, "{}");
    let refused = status(inside(&["--undo"]), 2, "no record");
    assert!(
        refused.stderr.contains("is not the record of a repair"),
        "{}",
        refused.stderr
    );
    sandbox.write(&record, &honest);
    status(inside(&["--undo"]), 0, "an undo");
    assert_eq!(sandbox.read("project/migrations/env.py"), ENV);
}

#[test]
fn where_nothing_can_be_kept_nothing_is_changed() {
    let sandbox = project(ENV);
    sandbox.write(".limbeck", "a file in the way");
    let before = tree(sandbox.path());
    let refused = status(fix(&sandbox, &["--yes"]), 2, "no folder");
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
fn a_configuration_elsewhere_has_its_record_beside_it() {
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
    status(run("--yes"), 0, "a change");
    assert!(sandbox.path().join("conf").join(RECORD).exists());
    status(run("--undo"), 0, "an undo");
    assert_eq!(tree(sandbox.path()), before);
}
