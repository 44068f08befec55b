//! Tests of the ini and the pyproject file together.

use std::fs;

use super::{Config, ConfigFiles};

fn load(ini: Option<&str>, toml: Option<&str>) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (name, text) in [("alembic.ini", ini), ("pyproject.toml", toml)] {
        if let Some(text) = text {
            fs::write(path(name), text).unwrap();
        }
    }
    let files = ConfigFiles {
        ini: path("alembic.ini"),
        toml: path("pyproject.toml"),
    };
    Config::load(&files, "alembic").unwrap()
}

#[test]
fn the_ini_overrides_the_toml_key_by_key() {
    let config = load(
        Some("[alembic]\nscript_location = a\n"),
        Some(
            "[tool.alembic]\nscript_location = 'b'\nversion_locations = ['x', 'y%%']\nsourceless = true\n",
        ),
    );
    assert_eq!(config.script_location().unwrap(), "a");
    assert_eq!(config.version_locations().unwrap().unwrap(), ["x", "y%"]);
    assert!(config.literal_true("sourceless").unwrap());
}

#[test]
fn rejects_a_missing_location_with_the_text_of_alembic() {
    let text = "No 'script_location' key found in configuration.";
    assert_eq!(
        load(None, None).script_location().unwrap_err().to_string(),
        text
    );
    assert_eq!(
        load(Some("[other]\nscript_location = a\n"), None)
            .script_location()
            .unwrap_err()
            .to_string(),
        text
    );
}

#[test]
fn splits_locations_at_the_configured_separator() {
    let check = |lines: &str, expected: &[&str]| {
        let config = load(Some(&format!("[alembic]\n{lines}\n")), None);
        assert_eq!(
            config.version_locations().unwrap().unwrap(),
            expected,
            "{lines}"
        );
    };
    check("version_locations = a b, c", &["a", "b", "c"]);
    check("version_locations = a:b\npath_separator = os", &["a", "b"]);
    check("version_locations = a;b\npath_separator = ;", &["a", "b"]);
    check(
        "version_locations = a b\npath_separator = space",
        &["a", "b"],
    );
    check(
        "version_locations =\n  a b\n  c\npath_separator = newline",
        &["a b", "c"],
    );
    check(
        "version_locations = a:b\nversion_path_separator = :",
        &["a", "b"],
    );
    let config = load(
        Some("[alembic]\nversion_locations = a\npath_separator = |\n"),
        None,
    );
    assert!(
        config
            .version_locations()
            .unwrap_err()
            .to_string()
            .contains("`|`")
    );
}

#[test]
fn selects_the_files_as_alembic_does() {
    let check = |given: &[&str], variable: Option<&str>, ini: &str, toml: &str| {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        let files = ConfigFiles::select(&given, variable).unwrap();
        assert_eq!((files.ini.as_str(), files.toml.as_str()), (ini, toml));
    };
    check(&[], None, "alembic.ini", "pyproject.toml");
    check(&["x.ini"], None, "x.ini", "pyproject.toml");
    check(
        &["a/pyproject.toml"],
        None,
        "alembic.ini",
        "a/pyproject.toml",
    );
    check(
        &["a/pyproject.toml", "x.ini"],
        None,
        "x.ini",
        "a/pyproject.toml",
    );
    check(&[], Some("e.ini"), "e.ini", "pyproject.toml");
    check(
        &[],
        Some("e/pyproject.toml"),
        "alembic.ini",
        "e/pyproject.toml",
    );
    let two = ["a.ini".to_owned(), "b.ini".to_owned()];
    assert_eq!(
        ConfigFiles::select(&two, None).unwrap_err().to_string(),
        "only one ini file may be indicated"
    );
}

#[test]
fn ignores_an_empty_list_of_locations() {
    let config = load(Some("[alembic]\nversion_locations =\n"), None);
    assert_eq!(config.version_locations().unwrap(), None);
    let toml = "[tool.alembic]\nversion_locations = ['x']\n";
    let config = load(Some("[alembic]\nversion_locations =\n"), Some(toml));
    assert_eq!(config.version_locations().unwrap().unwrap(), ["x"]);
}
