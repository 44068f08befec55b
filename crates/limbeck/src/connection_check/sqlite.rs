//! Checks of a SQLite file, most of which the file system answers.

use std::path::Path;

use limbeck_db::{
    ConnectError, ConnectErrorKind, ConnectionDetails, DbError, Product, sqlite_version,
};
use rustix::fs::{Access, access};

use super::{ConnectionCheck, Pooler, PrivilegeCheck};

pub(super) fn check(details: &ConnectionDetails, file: Option<&Path>, check: &mut ConnectionCheck) {
    check.product = "SQLite".into();
    check.pooler = Pooler::None;
    let Some(file) = file else {
        check.address = "in memory".into();
        return;
    };
    check.address = file.display().to_string();
    check.privileges = write_privileges(file, true);
    if details.is_read_only == Some(true) {
        check.read_only = Some(format!("SQLite can only read `{}`", file.display()));
    }
}

/// Returns the check of a file that doesn't exist. The first migration creates the file; the check must not.
pub(super) fn check_missing_file(file: &Path) -> Result<ConnectionCheck, DbError> {
    let folder = folder_of(file);
    if !folder.is_dir() {
        return Err(DbError::Connect(ConnectError {
            kind: ConnectErrorKind::File,
            message: format!(
                "could not open the SQLite database `{}`: the folder `{}` does not exist",
                file.display(),
                folder.display()
            ),
            hint: Some("create the folder, or correct the path: `sqlite:///` is followed by a relative path, `sqlite:////` by an absolute one".into()),
        }));
    }
    Ok(ConnectionCheck {
        server: Product::Sqlite,
        product: "SQLite".into(),
        version: sqlite_version().into(),
        address: format!("{} (not there yet)", file.display()),
        reached: None,
        database: None,
        user: None,
        tls: None,
        pooler: Pooler::None,
        read_only: None,
        privileges: write_privileges(file, false),
        version_table: None,
        round_trip: None,
    })
}

/// Returns the privileges to write the file and its folder, where SQLite creates the journal.
fn write_privileges(file: &Path, file_exists: bool) -> Vec<PrivilegeCheck> {
    let folder = folder_of(file);
    let check = |kind: &str, path: &Path| PrivilegeCheck {
        privilege: "write",
        object: format!("{kind} `{}`", path.display()),
        is_granted: Some(access(path, Access::WRITE_OK).is_ok()),
        is_required: true,
    };
    let mut privileges = Vec::new();
    if file_exists {
        privileges.push(check("file", file));
    }
    privileges.push(check("folder", folder));
    privileges
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
