//! Tables for the order and the text of scripts.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::read::{of_the_machine, open_folder};
use super::{ScriptDirectory, keep};

fn script(revision: &str) -> String {
    format!("'''{revision} doc\n\nmore'''\nrevision = '{revision}'\ndown_revision = None\n")
}

#[test]
fn files_in_the_order_of_their_names() {
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
        (ids, directory.loaded_twice.len())
    };
    assert_eq!(ids(false), (vec!["a.py".into(), "b.py".into()], 2));
    assert_eq!(
        ids(true),
        (vec!["a.py".into(), "b.py".into(), "z".into()], 3)
    );
}

#[test]
fn the_docstring_is_stripped_and_cut_at_the_blank_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.py"), script("a")).unwrap();
    let directory = ScriptDirectory::load(&[folder.path().to_owned()], false).unwrap();
    assert_eq!(
        (directory.scripts[0].doc(), directory.scripts[0].long_doc()),
        ("a doc", "a doc\n\nmore")
    );
}

#[test]
fn what_is_missing_is_named() {
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
        "an encoding of its own",
    );
    check(
        "a.py",
        b"revision = make()\ndown_revision = None\n",
        "a.py:1: the value of `revision` is computed",
    );
}

#[test]
fn several_threads_keep_the_order_and_the_first_error() {
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

/// A folder with many scripts, of which what they declare is kept.
fn kept_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("__pycache__")).unwrap();
    for number in 0..100 {
        let text = script(&format!("r{number:03}"));
        fs::write(folder.path().join(format!("{number:03}.py")), text).unwrap();
    }
    keep_all(folder.path(), SystemTime::now() + Duration::from_secs(10));
    folder
}

fn keep_all(folder: &Path, moment: SystemTime) {
    let directory = load(folder);
    keep(&directory.scripts, &directory.revisions, moment).unwrap();
}

fn load(folder: &Path) -> ScriptDirectory {
    ScriptDirectory::load(&[folder.to_owned()], false).unwrap()
}

fn ids(directory: &ScriptDirectory) -> Vec<&str> {
    let ids = directory.revisions.iter();
    ids.map(|revision| revision.id.as_str()).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn what_was_kept_is_what_would_be_read() {
    let folder = kept_folder();
    let kept = load(folder.path());
    let trusted = of_the_machine(&open_folder(folder.path()).unwrap());
    assert_eq!(kept.read_since.is_none(), trusted, "nothing was read");
    fs::remove_dir_all(folder.path().join("__pycache__")).unwrap();
    let read = load(folder.path());
    assert!(read.read_since.is_some());
    assert_eq!(kept.revisions, read.revisions);
    let facts = |directory: &ScriptDirectory| -> Vec<_> {
        let scripts = directory.scripts.iter();
        scripts
            .map(|script| (script.path(), script.long_doc().to_owned()))
            .collect()
    };
    assert_eq!(facts(&kept), facts(&read));
    assert_eq!(kept.scripts[7].long_doc(), "r007 doc\n\nmore");
}

#[test]
#[cfg(target_os = "linux")]
fn a_changed_script_is_read_again() {
    let check = |change: &dyn Fn(&Path)| {
        let folder = kept_folder();
        change(&folder.path().join("042.py"));
        let directory = load(folder.path());
        let mut expected: Vec<String> = (0..100).map(|number| format!("r{number:03}")).collect();
        expected[42] = "new!".into();
        assert_eq!(ids(&directory), expected);
        assert!(directory.read_since.is_some());
    };
    // Another text of the same size, and the time of modification put back.
    check(&|path| {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        fs::write(path, script("new!")).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(modified).unwrap();
    });
    // Another file under the same name, of the same time.
    check(&|path| {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        let other = path.with_extension("other");
        fs::write(&other, script("new!")).unwrap();
        let file = File::options().write(true).open(&other).unwrap();
        file.set_modified(modified).unwrap();
        fs::rename(&other, path).unwrap();
    });
    // A link where a file was.
    check(&|path| {
        let other = path.with_extension("other.py.txt");
        fs::write(&other, script("new!")).unwrap();
        fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink(&other, path).unwrap();
    });
}

#[test]
fn scripts_come_and_go() {
    let folder = kept_folder();
    fs::remove_file(folder.path().join("000.py")).unwrap();
    fs::write(folder.path().join("0005.py"), script("between")).unwrap();
    let directory = load(folder.path());
    assert_eq!(directory.revisions.len(), 100);
    assert_eq!(ids(&directory)[..2], ["between", "r001"]);
}

#[test]
fn what_has_just_changed_is_not_kept() {
    let folder = kept_folder();
    fs::remove_file(folder.path().join("__pycache__/limbeck.scripts")).unwrap();
    keep_all(folder.path(), SystemTime::now());
    assert!(!folder.path().join("__pycache__/limbeck.scripts").exists());
    assert!(load(folder.path()).read_since.is_some());
}

#[test]
#[cfg(target_os = "linux")]
fn a_damaged_file_is_not_trusted() {
    let folder = kept_folder();
    let file = folder.path().join("__pycache__/limbeck.scripts");
    let whole = fs::read(&file).unwrap();
    for place in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        fs::write(&file, damaged).unwrap();
        let directory = load(folder.path());
        assert_eq!(ids(&directory)[99], "r099");
        assert!(directory.read_since.is_some(), "byte {place}");
        fs::write(&file, &whole[..place]).unwrap();
        assert!(load(folder.path()).read_since.is_some(), "cut at {place}");
    }
}

#[test]
fn nothing_is_kept_where_python_keeps_nothing() {
    let folder = kept_folder();
    fs::remove_dir_all(folder.path().join("__pycache__")).unwrap();
    keep_all(folder.path(), SystemTime::now() + Duration::from_secs(10));
    assert!(!folder.path().join("__pycache__").exists());
}
