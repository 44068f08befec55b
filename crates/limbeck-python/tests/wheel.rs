//! Runs the package's Python tests with the wheel that `./test` builds and installs into a fresh environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use limbeck_testkit::{Postgres, Tls, all_pythons, package_python};

/// Returns the directory of the environment's packages.
fn site_packages(python: &Path) -> PathBuf {
    let output = Command::new(python)
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_path('platlib'))",
        ])
        .output()
        .expect("Python starts");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// Runs a test module in the directory of this file.
fn unittest(python: &Path, module: &str, variables: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let output = Command::new(python)
        .args(["-B", "-W", "error", "-m", "unittest", module])
        .current_dir(folder)
        .envs(variables.iter().copied())
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "{module} with {}:\n{}{}",
        python.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn one_wheel_runs_on_every_python() {
    let package = package_python();
    let packages = site_packages(&package);
    let packages = packages.to_str().expect("a UTF-8 path");
    unittest(&package, "test_urls", &[]);
    for python in all_pythons() {
        unittest(&python, "test_urls", &[("PYTHONPATH", packages)]);
    }
}

#[test]
fn alembic_reaches_head_with_the_applications_url() {
    let package = package_python();
    let server = Postgres::start(Tls::Required);
    server.create_database("sync");
    server.create_database("async");
    let authority = server.authority();
    let variables = [
        ("TEST_PORT", server.port.to_string()),
        ("TEST_AUTHORITY", authority.display().to_string()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    unittest(&package, "test_alembic", &variables);
}

#[test]
fn migrations_run_from_code() {
    let package = package_python();
    unittest(&package, "test_command", &[]);
    // From another environment, with Python 3.9 and Alembic 1.8, the package finds the program in the wheel's records.
    let pythons = all_pythons();
    let oldest = pythons.last().expect("an interpreter");
    let packages = site_packages(&package);
    let packages = packages.to_str().expect("a UTF-8 path");
    unittest(
        oldest,
        "test_command.InEventLoop",
        &[("PYTHONPATH", packages)],
    );
}

#[test]
fn types_check_and_import_is_fast() {
    unittest(&package_python(), "test_installed", &[]);
}
