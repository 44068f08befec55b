//! Projects from the templates of the installed Alembic.

use std::fs;
use std::path::{Path, PathBuf};

use limbeck_testkit::{Sandbox, reference_python};

/// Returns a file of one of Alembic's templates.
pub(crate) fn template(name: &str, file: &str) -> String {
    fs::read_to_string(templates().join(name).join(file)).expect("a template's file")
}

/// Writes the files of a template into `folder`, and the ini if the template has one.
pub(crate) fn stock(sandbox: &Sandbox, name: &str, folder: &str) {
    for file in ["env.py", "script.py.mako"] {
        sandbox.write(&format!("{folder}/{file}"), &template(name, file));
    }
    fs::create_dir_all(sandbox.path().join(folder).join("versions")).expect("a folder");
    if !name.starts_with("pyproject") {
        let ini = template(name, "alembic.ini.mako")
            .replace("${script_location}", &format!("%(here)s/{folder}"));
        assert!(
            !ini.contains("${"),
            "the template has more placeholders than the location"
        );
        sandbox.write("alembic.ini", &ini);
    }
}

fn templates() -> PathBuf {
    let python = reference_python();
    let environment = python
        .parent()
        .and_then(Path::parent)
        .expect("an environment");
    fs::read_dir(environment.join("lib"))
        .expect("a folder")
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages/alembic/templates"))
        .find(|folder| folder.is_dir())
        .expect("Alembic's templates")
}
