//! What there is to say of a SQLite file, most of which the file system says.

use std::path::Path;

use limbeck_db::{
    ConnectError, ConnectErrorKind, ConnectionDetails, DbError, Product, sqlite_version,
};
use rustix::fs::{Access, access};

use super::{ConnectionCheck, Pooler, Right};

pub(super) fn look(link: &ConnectionDetails, file: Option<&Path>, check: &mut ConnectionCheck) {
    check.product = "SQLite".into();
    check.pooler = Pooler::None;
    let Some(file) = file else {
        check.address = "in memory".into();
        return;
    };
    check.address = file.display().to_string();
    check.rights = rights(file, true);
    if link.is_read_only == Some(true) {
        check.read_only = Some(format!(
            "`{}` can be opened for reading only",
            file.display()
        ));
    }
}

/// The check of a file that isn't there: the first migration creates it, and nothing else must.
pub(super) fn missing(file: &Path) -> Result<ConnectionCheck, DbError> {
    let folder = folder(file);
    if !folder.is_dir() {
        return Err(DbError::Connect(ConnectError {
            kind: ConnectErrorKind::File,
            message: format!(
                "there is no SQLite database `{}`, and no folder `{}` to create it in",
                file.display(),
                folder.display()
            ),
            hint: Some("create the folder, or correct the path: `sqlite:///` is followed by a relative one, `sqlite:////` by an absolute one".into()),
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
        rights: rights(file, false),
        version_table: None,
        round_trip: None,
    })
}

/// A journal is written beside the file, so that the folder has to be writable, too.
fn rights(file: &Path, exists: bool) -> Vec<Right> {
    let folder = folder(file);
    let may = |path: &Path| Some(access(path, Access::WRITE_OK).is_ok());
    let right = |what: &str, path: &Path| Right {
        right: "write",
        on: format!("{what} `{}`", path.display()),
        granted: may(path),
        needed: true,
    };
    let mut rights = Vec::new();
    if exists {
        rights.push(right("file", file));
    }
    rights.push(right("folder", folder));
    rights
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
