//! Checks of the revision scripts and the revision graph.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use limbeck_revision::{GraphError, Revision, RevisionMap};
use limbeck_script::directory::{DirectoryError, ScriptDirectory};

use super::check::{Check, CheckId};
use crate::config::{Config, ConfigError};

/// The width in characters of the version table's column as Alembic creates it.
pub(super) const DEFAULT_WIDTH: usize = 32;

/// The parts of the history that the checks of the database need.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The revision graph; `None` if the scripts contradict each other or could not all be read.
    pub(super) map: Option<RevisionMap>,
    /// The longest id and its script.
    pub(super) longest: Option<(String, PathBuf)>,
}

/// Checks the scripts of a project. `find_folder` returns the folder of a location, unless only Python can find it.
pub(super) fn check(
    config: Option<&Config>,
    script_folder: Option<&Path>,
    find_folder: &dyn Fn(&str) -> Option<PathBuf>,
) -> (Vec<Check>, History) {
    let result = match (config, script_folder) {
        (Some(config), Some(folder)) if folder.is_dir() => {
            ScriptSource::new(config, folder, find_folder)
        }
        _ => Err("the script directory is not known".into()),
    };
    match result {
        Ok(source) => check_scripts(&source),
        Err(reason) => {
            let mut checks = vec![CheckId::HistoryScripts.not_checked("the scripts", &reason)];
            checks.extend(graph_not_checked(&reason));
            (checks, History::default())
        }
    }
}

/// The folders of the scripts.
struct ScriptSource {
    locations: Vec<PathBuf>,
    /// `true` if the scripts in subfolders belong to the history.
    recursive: bool,
}

impl ScriptSource {
    /// Returns the folders of a project's scripts, or the reason why limbeck can't read the scripts.
    fn new(
        config: &Config,
        script_folder: &Path,
        find_folder: &dyn Fn(&str) -> Option<PathBuf>,
    ) -> Result<Self, String> {
        let to_reason = |error: ConfigError| error.to_string();
        let locations = match config.version_locations().map_err(to_reason)? {
            None => vec![script_folder.join("versions")],
            Some(locations) => locations
                .iter()
                .map(|location| find_folder(location))
                .collect::<Option<_>>()
                .ok_or("only Python can find a package of `version_locations`")?,
        };
        if config.literal_true("sourceless").map_err(to_reason)? {
            return Err("`sourceless` is on, and only Python reads compiled scripts".into());
        }
        let recursive = config
            .literal_true("recursive_version_locations")
            .map_err(to_reason)?;
        Ok(Self {
            locations,
            recursive,
        })
    }
}

fn graph_not_checked(reason: &str) -> Vec<Check> {
    [
        (CheckId::HistoryMissing, "whether each revision exists"),
        (CheckId::HistoryCycle, "whether the revisions form a cycle"),
        (CheckId::HistoryHeads, "the heads"),
    ]
    .map(|(id, subject)| id.not_checked(subject, reason))
    .into()
}

fn check_scripts(source: &ScriptSource) -> (Vec<Check>, History) {
    let result = ScriptDirectory::load_readable(&source.locations, source.recursive);
    let (directory, errors) = match result {
        Ok(loaded) => loaded,
        Err(error) => {
            let mut checks = vec![from_directory_error(&error)];
            checks.extend(graph_not_checked("a folder can't be read"));
            return (checks, History::default());
        }
    };
    let missing_folders = source
        .locations
        .iter()
        .filter(|location| !location.is_dir());
    let mut checks: Vec<Check> = missing_folders
        .map(|location| {
            CheckId::HistoryScripts
                .warning(format!(
                    "the folder `{}` does not exist",
                    location.display()
                ))
                .fix("create the folder, or correct `version_locations`")
        })
        .collect();
    checks.extend(errors.iter().map(from_directory_error));
    let count = directory.revisions.len();
    for (id, ok_message) in [
        (
            CheckId::HistoryScripts,
            format!("limbeck has read {}", format_count(count)),
        ),
        (
            CheckId::HistoryStatic,
            "each script contains its id as a literal".to_owned(),
        ),
        (
            CheckId::HistoryDownRevision,
            "each script declares its `down_revision`".to_owned(),
        ),
    ] {
        if !checks.iter().any(|check| check.id == id) {
            checks.push(id.ok(ok_message));
        }
    }
    let paths = ScriptPaths::new(&directory);
    checks.extend(check_duplicates(&directory.revisions, &paths));
    let longest = directory
        .revisions
        .iter()
        .max_by_key(|revision| revision.id.chars().count())
        .map(|revision| (revision.id.clone(), paths.path_of(&revision.id)));
    checks.push(check_id_length(longest.as_ref()));
    let (of_graph, map) = if errors.is_empty() {
        check_graph(directory.revisions, &paths)
    } else {
        (graph_not_checked("not every script could be read"), None)
    };
    checks.extend(of_graph);
    (checks, History { map, longest })
}

fn format_count(count: usize) -> String {
    match count {
        1 => "1 script".into(),
        count => format!("{count} scripts"),
    }
}

fn from_directory_error(error: &DirectoryError) -> Check {
    match error {
        DirectoryError::Read { path, source } => CheckId::HistoryScripts
            .error(format!("the script can't be read: {source}"))
            .at(path, None),
        DirectoryError::Syntax {
            path,
            line,
            message,
            ..
        } => CheckId::HistoryScripts
            .error(format!("the script is not valid Python: {message}"))
            .at(path, Some(*line)),
        DirectoryError::NotStatic { path, line, reason } => CheckId::HistoryStatic
            .note(format!(
                "{reason}: only Python can list the scripts, so the checks of the graph are skipped"
            ))
            .at(path, Some(*line))
            .fix("write the id as a string literal"),
        DirectoryError::Value { path, line, reason } => CheckId::HistoryDownRevision
            .error(reason.clone())
            .at(path, Some(*line)),
        DirectoryError::NoDownRevision { path } => CheckId::HistoryDownRevision
            .error("the script does not declare `down_revision`")
            .at(path, None)
            .fix("write `down_revision = None` for the first revision, or the id of the previous revision"),
        other => CheckId::HistoryScripts.error(other.to_string()),
    }
}

/// The scripts of each revision id.
struct ScriptPaths(BTreeMap<String, Vec<PathBuf>>);

impl ScriptPaths {
    fn new(directory: &ScriptDirectory) -> Self {
        let mut paths: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for (revision, script) in directory.revisions.iter().zip(&directory.scripts) {
            paths
                .entry(revision.id.clone())
                .or_default()
                .push(script.path());
        }
        Self(paths)
    }

    /// Returns the script of an id. If several scripts declare the id, the last script is the one that runs.
    fn path_of(&self, id: &str) -> PathBuf {
        let paths = self.0.get(id);
        let last = paths.and_then(|paths| paths.last());
        last.cloned().unwrap_or_else(|| PathBuf::from(id))
    }

    /// Adds the line of a declaration in a revision's script to a check.
    fn locate(&self, check: Check, id: &str, name: &str) -> Check {
        let path = self.path_of(id);
        let line = line_of_declaration(&path, name);
        check.at(&path, line)
    }
}

/// Returns the line of a declaration in a script.
fn line_of_declaration(path: &Path, name: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let declares = |line: &str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.trim_start().starts_with([':', '=']))
    };
    text.lines().position(declares).map(|index| index + 1)
}

fn check_duplicates(revisions: &[Revision], paths: &ScriptPaths) -> Vec<Check> {
    let id = CheckId::HistoryDuplicate;
    let mut seen = HashSet::new();
    let mut reported = HashSet::new();
    let mut checks = Vec::new();
    for revision in revisions {
        if !seen.insert(&revision.id) && reported.insert(&revision.id) {
            let files: Vec<String> = paths.0[&revision.id]
                .iter()
                .filter_map(|path| path.file_name())
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            let message = format!(
                "`{}` is declared by {}: only the last script runs",
                revision.id,
                super::quoted(&files)
            );
            checks.push(paths.locate(
                id.error(message).fix("give one of the scripts another id"),
                &revision.id,
                "revision",
            ));
        }
    }
    if checks.is_empty() {
        checks.push(id.ok("each id is declared once"));
    }
    checks
}

fn check_id_length(longest: Option<&(String, PathBuf)>) -> Check {
    let check_id = CheckId::HistoryIdLength;
    match longest {
        Some((id, path)) if id.chars().count() > DEFAULT_WIDTH => check_id
            .warning(format!(
                "`{id}` has {} characters, and the version table's column holds {DEFAULT_WIDTH} by default",
                id.chars().count()
            ))
            .at(path, line_of_declaration(path, "revision"))
            .fix("shorten the id before the revision is applied anywhere, or widen `version_num`"),
        _ => check_id.ok(format!("no id has more than {DEFAULT_WIDTH} characters")),
    }
}

/// Builds the revision graph. Removes each reference that causes an error, so that the next problem is reported, too.
fn check_graph(
    mut revisions: Vec<Revision>,
    paths: &ScriptPaths,
) -> (Vec<Check>, Option<RevisionMap>) {
    let mut checks = Vec::new();
    let map = loop {
        let error = match RevisionMap::new(revisions.clone()) {
            Ok(map) => break Some(map),
            Err(error) => error,
        };
        let (check, was_removed) = from_graph_error(&error, &mut revisions, paths);
        checks.push(check);
        if !was_removed {
            break None;
        }
    };
    let has_errors = !checks.is_empty();
    for (id, ok_message) in [
        (CheckId::HistoryMissing, "each revision exists"),
        (CheckId::HistoryCycle, "the revisions form no cycle"),
    ] {
        if !checks.iter().any(|check| check.id == id) {
            checks.push(if map.is_none() {
                id.not_checked("the rest of the graph", "the scripts contradict each other")
            } else {
                id.ok(ok_message)
            });
        }
    }
    let map = map.filter(|_| !has_errors);
    checks.push(match &map {
        Some(map) => check_heads(map),
        None => CheckId::HistoryHeads.not_checked("the heads", "the scripts contradict each other"),
    });
    (checks, map)
}

/// Returns the check of an error, and whether the reference that causes the error was removed from the revisions.
fn from_graph_error(
    error: &GraphError,
    revisions: &mut [Revision],
    paths: &ScriptPaths,
) -> (Check, bool) {
    let mut remove_reference = |id: &str, reference: &str| {
        let mut changed = false;
        for revision in revisions.iter_mut().filter(|revision| revision.id == id) {
            let count = revision.down_revisions.len() + revision.dependencies.len();
            revision.down_revisions.retain(|other| other != reference);
            revision.dependencies.retain(|other| other != reference);
            changed |= count > revision.down_revisions.len() + revision.dependencies.len();
        }
        changed
    };
    let text = error.to_string();
    match error {
        GraphError::Missing {
            missing,
            referenced_from,
        } => {
            let check = CheckId::HistoryMissing.error(text).fix(format!(
                "restore the script of `{missing}`, or correct the id that refers to it"
            ));
            let check = paths.locate(check, referenced_from, "down_revision");
            (check, remove_reference(referenced_from, missing))
        }
        GraphError::Loop(id) | GraphError::DependencyLoop(id) => {
            let check = CheckId::HistoryCycle
                .error(text)
                .fix("remove the revision's reference to itself");
            (
                paths.locate(check, id, "down_revision"),
                remove_reference(id, id),
            )
        }
        GraphError::Cycle(ids) | GraphError::DependencyCycle(ids) => {
            let check = CheckId::HistoryCycle
                .error(text)
                .fix("correct the `down_revision` or `depends_on` that closes the cycle");
            let check = match ids.first() {
                Some(first) => paths.locate(check, first, "down_revision"),
                None => check,
            };
            (check, false)
        }
        GraphError::Label { revision, .. } => {
            let check = CheckId::HistoryCycle
                .error(text)
                .fix("give one of the two revisions another label");
            (paths.locate(check, revision, "branch_labels"), false)
        }
        GraphError::Identifier { id, .. } => {
            let check = CheckId::HistoryCycle
                .error(text)
                .fix("give the revision another id");
            (paths.locate(check, id, "revision"), false)
        }
        _ => (CheckId::HistoryCycle.error(text), false),
    }
}

fn check_heads(map: &RevisionMap) -> Check {
    let id = CheckId::HistoryHeads;
    let heads = map.heads();
    match heads.as_slice() {
        [] => id.note("there are no revisions yet"),
        [head] => id.ok(format!("`{head}` is the only head")),
        several => {
            let have_labels = several
                .iter()
                .all(|head| map.get(head).is_some_and(|entry| entry.labels().len() > 0));
            let message = format!("there are several heads: {}", super::quoted(several));
            if have_labels {
                return id.note(format!("{message}; each has a branch label"));
            }
            id.error(format!("{message}; `upgrade head` fails"))
                .fix("merge the heads with `limbeck merge heads`, or run `limbeck upgrade heads`")
        }
    }
}
