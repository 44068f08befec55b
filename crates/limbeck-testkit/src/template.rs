//! Data folders of servers: created once, then copied for each test.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::process::{run, server_folder, user_id};

/// Creates the folder `data` as a copy of a template. If there is no template yet, `create` creates it.
///
/// There is one template per version of `program` and `options`. `create` gets the path of a new data folder, inside a
/// folder of the server's user.
pub(crate) fn copy_template(
    program: &Path,
    user: &str,
    options: &[&str],
    data: &Path,
    create: impl FnOnce(&Path),
) {
    let folder = templates();
    fs::create_dir_all(&folder).expect("a folder");
    let template = folder.join(template_name(program, options));
    if !template.is_dir() {
        let lock = File::create(template.with_extension("lock")).expect("a lock file");
        lock.lock().expect("a lock");
        // Another test may have created it while this one waited for the lock.
        if !template.is_dir() {
            // The server's user can't always enter the target directory, but it can enter a temporary one.
            let new = server_folder("limbeck-template", user);
            create(&new.path().join("data"));
            // A test that was killed may have left an incomplete copy.
            let partial = template.with_extension("partial");
            let _ = fs::remove_dir_all(&partial);
            copy(&new.path().join("data"), &partial);
            fs::rename(&partial, &template).expect("a renamed folder");
        }
    }
    copy(&template, data);
}

/// Copies a folder with its owners and permissions; shares its blocks with the copy if the file system can.
fn copy(from: &Path, to: &Path) {
    run(Command::new("cp")
        .args(["-a", "--reflink=auto"])
        .arg(from)
        .arg(to));
}

/// Returns the name of the template for a program and its options. A new version of the program differs in size or time.
fn template_name(program: &Path, options: &[&str]) -> String {
    let program = program.canonicalize().expect("a program");
    let metadata = program.metadata().expect("a file");
    let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let mut hasher = DefaultHasher::new();
    (&program, metadata.len(), changed, options, user_id()).hash(&mut hasher);
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}-{:016x}", hasher.finish())
}

/// Returns the folder of the templates: in Cargo's target directory, so that `cargo clean` removes them.
fn templates() -> PathBuf {
    // The program of a test is `target/debug/deps/<name>`.
    let test = std::env::current_exe().expect("the path of this program");
    let profile = test.parent().and_then(Path::parent).expect("a folder");
    profile.join("test-templates")
}
