//! Checks of the revision scripts and of how they hang together.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use limbeck_revision::{GraphError, Revision, RevisionMap};
use limbeck_script::directory::{DirectoryError, ScriptDirectory};

use super::check::{Check, Id};

/// How many characters Alembic gives to the version table's column.
pub(super) const USUAL_WIDTH: usize = 32;

/// What is known of the history.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The graph; none where the scripts don't fit together or could not all be read.
    pub(super) map: Option<RevisionMap>,
    /// The longest id, and its script.
    pub(super) longest: Option<(String, PathBuf)>,
}

/// The checks of scripts that can't be looked at.
pub(super) fn not_checked(why: &str) -> Vec<Check> {
    let mut checks = vec![Id::HistoryScripts.not_checked("the scripts", why)];
    checks.extend(graph_not_checked(why));
    checks
}

fn graph_not_checked(why: &str) -> Vec<Check> {
    [
        (Id::HistoryMissing, "whether each revision is there"),
        (Id::HistoryCycle, "whether they form a circle"),
        (Id::HistoryHeads, "the heads"),
    ]
    .map(|(id, what)| id.not_checked(what, why))
    .into()
}

/// Checks what was read in these folders.
pub(super) fn check(
    locations: &[PathBuf],
    read: Result<(ScriptDirectory, Vec<DirectoryError>), DirectoryError>,
) -> (Vec<Check>, History) {
    let (directory, problems) = match read {
        Ok(read) => read,
        Err(error) => {
            let mut checks = vec![of_problem(&error)];
            checks.extend(graph_not_checked("a folder can't be read"));
            return (checks, History::default());
        }
    };
    let missing = locations.iter().filter(|location| !location.is_dir());
    let mut checks: Vec<Check> = missing
        .map(|location| {
            Id::HistoryScripts
                .warning(format!("there is no folder `{}`", location.display()))
                .fix("create it, or correct `version_locations`")
        })
        .collect();
    checks.extend(problems.iter().map(of_problem));
    let count = directory.revisions.len();
    for (id, good) in [
        (Id::HistoryScripts, format!("{} were read", scripts(count))),
        (Id::HistoryStatic, "each script states its id".to_owned()),
        (
            Id::HistoryDownRevision,
            "each script declares it".to_owned(),
        ),
    ] {
        if !checks.iter().any(|check| check.id == id) {
            checks.push(id.ok(good));
        }
    }
    let paths = Paths::new(&directory);
    checks.extend(duplicates(&directory.revisions, &paths));
    let longest = directory
        .revisions
        .iter()
        .max_by_key(|revision| revision.id.chars().count())
        .map(|revision| (revision.id.clone(), paths.of(&revision.id)));
    checks.push(id_length(longest.as_ref()));
    let complete = problems.is_empty();
    let (found, map) = graph(directory.revisions, &paths, complete);
    checks.extend(found);
    (checks, History { map, longest })
}

fn scripts(count: usize) -> String {
    match count {
        1 => "1 script".into(),
        count => format!("{count} scripts"),
    }
}

fn of_problem(problem: &DirectoryError) -> Check {
    match problem {
        DirectoryError::Read { path, source } => Id::HistoryScripts
            .error(format!("it can't be read: {source}"))
            .at(path, None),
        DirectoryError::Syntax {
            path,
            line,
            message,
            ..
        } => Id::HistoryScripts
            .error(format!("it is not valid Python: {message}"))
            .at(path, Some(*line)),
        DirectoryError::NotStatic { path, line, reason } => Id::HistoryStatic
            .note(format!(
                "{reason}: Python runs to list the scripts, and the checks of the graph are left out"
            ))
            .at(path, Some(*line))
            .fix("state the id as a string"),
        DirectoryError::Value { path, line, reason } => Id::HistoryDownRevision
            .error(reason.clone())
            .at(path, Some(*line)),
        DirectoryError::NoDownRevision { path } => Id::HistoryDownRevision
            .error("it does not declare `down_revision`")
            .at(path, None)
            .fix("write `down_revision = None` for a first revision, else the id of the one before"),
        other => Id::HistoryScripts.error(other.to_string()),
    }
}

/// Where the revisions' scripts are.
struct Paths(BTreeMap<String, Vec<PathBuf>>);

impl Paths {
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

    /// The script of an id: of several the last one, which counts.
    fn of(&self, id: &str) -> PathBuf {
        let paths = self.0.get(id);
        let last = paths.and_then(|paths| paths.last());
        last.cloned().unwrap_or_else(|| PathBuf::from(id))
    }

    /// The check, at the line of a declaration in a revision's script.
    fn at(&self, check: Check, id: &str, name: &str) -> Check {
        let path = self.of(id);
        let line = line_of(&path, name);
        check.at(&path, line)
    }
}

/// The line of a declaration, in a script that was read a moment ago.
fn line_of(path: &Path, name: &str) -> Option<usize> {
    let text = std::fs::read_to_string(path).ok()?;
    let declares = |line: &str| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.trim_start().starts_with([':', '=']))
    };
    text.lines().position(declares).map(|index| index + 1)
}

fn duplicates(revisions: &[Revision], paths: &Paths) -> Vec<Check> {
    let id = Id::HistoryDuplicate;
    let mut seen = HashSet::new();
    let mut told = HashSet::new();
    let mut checks = Vec::new();
    for revision in revisions {
        if !seen.insert(&revision.id) && told.insert(&revision.id) {
            let files: Vec<String> = paths.0[&revision.id]
                .iter()
                .filter_map(|path| path.file_name())
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            let message = format!(
                "`{}` is declared by {}: only the last one ever runs",
                revision.id,
                super::quoted(&files)
            );
            checks.push(paths.at(
                id.error(message).fix("give one of them another id"),
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

fn id_length(longest: Option<&(String, PathBuf)>) -> Check {
    let check = Id::HistoryIdLength;
    match longest {
        Some((id, path)) if id.chars().count() > USUAL_WIDTH => check
            .warning(format!(
                "`{id}` has {} characters, and the version table's column takes {USUAL_WIDTH} unless it was made wider",
                id.chars().count()
            ))
            .at(path, line_of(path, "revision"))
            .fix("shorten the id before it is applied anywhere, or widen `version_num`"),
        _ => check.ok(format!("none has more than {USUAL_WIDTH} characters")),
    }
}

/// Builds the graph; what keeps it from being one is taken out, so that the next problem shows, too.
fn graph(
    mut revisions: Vec<Revision>,
    paths: &Paths,
    complete: bool,
) -> (Vec<Check>, Option<RevisionMap>) {
    if !complete {
        return (graph_not_checked("not each script could be read"), None);
    }
    let mut checks = Vec::new();
    let map = loop {
        let error = match RevisionMap::new(revisions.clone()) {
            Ok(map) => break Some(map),
            Err(error) => error,
        };
        let (check, goes_on) = of_graph_error(&error, &mut revisions, paths);
        checks.push(check);
        if !goes_on {
            break None;
        }
    };
    let broken = !checks.is_empty();
    for (id, good) in [
        (Id::HistoryMissing, "each is there"),
        (Id::HistoryCycle, "there is no circle"),
    ] {
        if !checks.iter().any(|check| check.id == id) {
            checks.push(if map.is_none() {
                id.not_checked("the rest of the graph", "the scripts don't fit together")
            } else {
                id.ok(good)
            });
        }
    }
    let map = map.filter(|_| !broken);
    checks.push(match &map {
        Some(map) => heads(map),
        None => Id::HistoryHeads.not_checked("the heads", "the scripts don't fit together"),
    });
    (checks, map)
}

/// A problem, and whether it could be taken out.
fn of_graph_error(error: &GraphError, revisions: &mut [Revision], paths: &Paths) -> (Check, bool) {
    let mut without = |id: &str, reference: &str| {
        let mut changed = false;
        for revision in revisions.iter_mut().filter(|revision| revision.id == id) {
            let own = revision.down_revisions.len() + revision.dependencies.len();
            revision.down_revisions.retain(|other| other != reference);
            revision.dependencies.retain(|other| other != reference);
            changed |= own > revision.down_revisions.len() + revision.dependencies.len();
        }
        changed
    };
    let text = error.to_string();
    match error {
        GraphError::Missing {
            missing,
            referenced_from,
        } => {
            let check = Id::HistoryMissing.error(text).fix(format!(
                "restore the script of `{missing}`, or correct the id that refers to it"
            ));
            let check = paths.at(check, referenced_from, "down_revision");
            (check, without(referenced_from, missing))
        }
        GraphError::Loop(id) | GraphError::DependencyLoop(id) => {
            let check = Id::HistoryCycle
                .error(text)
                .fix("a revision can't come before itself");
            (paths.at(check, id, "down_revision"), without(id, id))
        }
        GraphError::Cycle(ids) | GraphError::DependencyCycle(ids) => {
            let check = Id::HistoryCycle
                .error(text)
                .fix("correct the `down_revision` or `depends_on` that closes the circle");
            let check = match ids.first() {
                Some(first) => paths.at(check, first, "down_revision"),
                None => check,
            };
            (check, false)
        }
        GraphError::Label { revision, .. } => {
            let check = Id::HistoryCycle
                .error(text)
                .fix("give one of the two revisions another label");
            (paths.at(check, revision, "branch_labels"), false)
        }
        GraphError::Identifier { id, .. } => {
            let check = Id::HistoryCycle.error(text).fix("give it another id");
            (paths.at(check, id, "revision"), false)
        }
        _ => (Id::HistoryCycle.error(text), false),
    }
}

fn heads(map: &RevisionMap) -> Check {
    let id = Id::HistoryHeads;
    let heads = map.heads();
    match heads.as_slice() {
        [] => id.note("there are no revisions yet"),
        [head] => id.ok(format!("`{head}` is the one head")),
        several => {
            let labelled = several
                .iter()
                .all(|head| map.get(head).is_some_and(|it| it.labels().len() > 0));
            let message = format!("there are several heads: {}", super::quoted(several));
            if labelled {
                return id.note(format!("{message}; each has a branch label"));
            }
            id.error(format!("{message}; `upgrade head` fails"))
                .fix("join them with `limbeck merge heads`, or upgrade to `heads`")
        }
    }
}
