//! Tests of the order, docstrings and errors of scripts.

use std::fs;

use super::ScriptDirectory;

fn script(revision: &str) -> String {
    format!("'''{revision} doc\n\nmore'''\nrevision = '{revision}'\ndown_revision = None\n")
}

#[test]
fn loads_scripts_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["b.py", "a.py", ".#c.py", "__init__.py", "note.txt"] {
        fs::write(path(name), script(name)).unwrap();
    }
    fs::create_dir(path("sub")).unwrap();
    fs::write(path("sub/z.py"), script("z")).unwrap();
    let ids = |recursive| {
        let locations = [
            folder.path().to_owned(),
            path("gone"),
            folder.path().join("sub/.."),
        ];
        let directory = ScriptDirectory::load(&locations, recursive).unwrap();
        let ids: Vec<String> = directory
            .revisions
            .iter()
            .map(|revision| revision.id.clone())
            .collect();
        (ids, directory.duplicates.len())
    };
    assert_eq!(ids(false), (vec!["a.py".into(), "b.py".into()], 2));
    assert_eq!(
        ids(true),
        (vec!["a.py".into(), "b.py".into(), "z".into()], 3)
    );
}

#[test]
fn trims_the_docstring_and_cuts_it_at_the_blank_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.py"), script("a")).unwrap();
    let directory = ScriptDirectory::load(&[folder.path().to_owned()], false).unwrap();
    assert_eq!(
        (directory.scripts[0].doc(), directory.scripts[0].long_doc()),
        ("a doc", "a doc\n\nmore")
    );
}

#[test]
fn errors_name_the_script_and_the_missing_declaration() {
    let check = |name: &str, text: &[u8], expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let error = ScriptDirectory::load(&[folder.path().to_owned()], false).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(
        "x_y.py",
        b"down_revision = None\n",
        "x_y.py:1: it declares no `revision`",
    );
    check(
        "a.py",
        b"revision = 'a'\n",
        "a.py` does not declare `down_revision`",
    );
    check("a.py", b"revision = (\n", "a.py:");
    check(
        "a.py",
        b"revision = 'a'\ndown_revision = '\xff'\n",
        "it is not encoded in UTF-8",
    );
    check(
        "a.py",
        "# coding: latin-1\nrevision = 'ä'\ndown_revision = None\n".as_bytes(),
        "it declares an encoding other than UTF-8",
    );
    check(
        "a.py",
        b"revision = make()\ndown_revision = None\n",
        "a.py:1: the value of `revision` is computed",
    );
}

#[test]
fn several_threads_keep_the_order_and_report_the_first_error() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for number in 0..5000 {
        // Most names share their first eight bytes.
        let name = format!("2026_11_{number:05}_step.py");
        let place = match number % 1000 {
            7 => elsewhere.path(),
            _ => folder.path(),
        };
        fs::write(place.join(&name), script(&number.to_string())).unwrap();
        if number % 1000 == 7 {
            let link = folder.path().join(&name);
            std::os::unix::fs::symlink(place.join(&name), link).unwrap();
        }
        let place = place.canonicalize().unwrap();
        expected.push((number.to_string(), place.join(&name)));
    }
    let locations = [folder.path().to_owned()];
    let ScriptDirectory {
        revisions, scripts, ..
    } = ScriptDirectory::load(&locations, false).unwrap();
    let found: Vec<_> = revisions
        .into_iter()
        .zip(&scripts)
        .map(|(revision, script)| (revision.id, script.path()))
        .collect();
    assert_eq!(found, expected);

    for number in [4711, 1234, 3000] {
        let name = format!("2026_11_{number:05}_step.py");
        fs::write(folder.path().join(name), "revision = (\n").unwrap();
    }
    let error = ScriptDirectory::load(&locations, false).unwrap_err();
    assert!(
        error.to_string().contains("2026_11_01234_step.py:"),
        "{error}"
    );
}
