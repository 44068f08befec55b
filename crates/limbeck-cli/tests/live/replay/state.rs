//! Snapshots of a project's files and SQLite databases.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;

use super::orders::sort_runs;

/// The content of a folder.
pub(crate) struct Snapshot(BTreeMap<PathBuf, Entry>);

enum Entry {
    Folder,
    File(Vec<u8>),
    Link(PathBuf),
}

impl Snapshot {
    pub(crate) fn take(folder: &Path) -> Self {
        let mut entries = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for entry in fs::read_dir(&next).expect("a folder") {
                let path = entry.expect("an entry").path();
                let inside = path.strip_prefix(folder).expect("inside").to_owned();
                let entry = if path.is_symlink() {
                    Entry::Link(fs::read_link(&path).expect("a link"))
                } else if path.is_dir() {
                    open.push(path);
                    Entry::Folder
                } else {
                    Entry::File(fs::read(&path).expect("a file"))
                };
                entries.insert(inside, entry);
            }
        }
        Self(entries)
    }

    /// Restores the folder.
    pub(crate) fn restore(&self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                fs::remove_dir_all(path).expect("the entry is removed");
            } else {
                fs::remove_file(path).expect("the entry is removed");
            }
        }
        for (inside, content) in &self.0 {
            let path = folder.join(inside);
            match content {
                Entry::Folder => fs::create_dir_all(path).expect("a folder"),
                Entry::File(bytes) => fs::write(path, bytes).expect("a file"),
                Entry::Link(target) => symlink(target, path).expect("a link"),
            }
        }
    }

    /// Returns the entries as texts, for comparison. Reads SQLite databases from `folder`, which must not have changed.
    pub(crate) fn texts(&self, folder: &Path) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (inside, content) in &self.0 {
            let name = inside.to_string_lossy().into_owned();
            if name.contains("__pycache__") {
                continue;
            }
            let text = match content {
                Entry::Folder => "a folder".to_owned(),
                Entry::Link(target) => format!("a link to {}", target.display()),
                Entry::File(_)
                    if inside
                        .extension()
                        .is_some_and(|extension| extension == "db") =>
                {
                    dump(&folder.join(inside))
                }
                Entry::File(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            };
            texts.insert(name, text);
        }
        texts
    }
}

/// Returns all objects and rows of a SQLite file.
fn dump(path: &Path) -> String {
    let connection = rusqlite::Connection::open(path).expect("the database");
    let list = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).expect("a query");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        let mut lines = Vec::new();
        while let Some(row) = rows.next().expect("a row") {
            let cells = (0..columns).map(|index| match row.get_ref(index).expect("a value") {
                ValueRef::Null => "null".to_owned(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Blob(bytes) => format!("{bytes:?}"),
            });
            lines.push(cells.collect::<Vec<_>>().join("|"));
        }
        lines.sort();
        lines
    };
    let mut lines: Vec<String> = list("select type, name, sql from sqlite_master")
        .iter()
        .map(|definition| constraints_in_order(definition))
        .collect();
    for table in list("select name from sqlite_master where type = 'table'") {
        let rows = list(&format!("select * from \"{table}\""));
        lines.extend(rows.iter().map(|row| format!("{table}: {row}")));
    }
    lines.join("\n")
}

/// Sorts the constraints of a table: Alembic's batch mode writes them in the order of a set.
fn constraints_in_order(definition: &str) -> String {
    let mut lines: Vec<String> = definition
        .lines()
        .map(|line| line.trim_end().trim_end_matches(',').to_owned())
        .collect();
    sort_runs(&mut lines, |line| {
        line.trim_start().starts_with("CONSTRAINT ")
    });
    lines.join("\n")
}
