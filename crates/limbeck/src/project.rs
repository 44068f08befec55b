//! A project: its configuration, its scripts, and the revision graph.

use std::path::{Path, PathBuf};

use limbeck_revision::{GraphError, HistoryEnd, Revision, RevisionEntry, RevisionMap};
use limbeck_script::directory::{DirectoryError, Script, ScriptDirectory};
use limbeck_script::header::{DowngradeStatus, downgrade_status};
use limbeck_script::worker::{ImportedScript, KnownScript};

use crate::command_error::CommandError;
use crate::config::{Config, ConfigError};
use crate::format::{RevisionDetails, ShortForm};

/// A project. Python reads it only if limbeck can't.
#[derive(Debug)]
pub struct Project {
    /// The configuration.
    pub config: Config,
    /// The revision graph.
    pub map: RevisionMap,
    /// The folder of `env.py`; `None` if only Python can find it.
    pub script_folder: Option<PathBuf>,
    /// The scripts, in the order of the map's declarations.
    scripts: Vec<Script>,
    warnings: Vec<String>,
    /// `true` if Python read the headers. The worker then imports the scripts itself.
    read_by_python: bool,
}

/// The error of a project that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The scripts can't be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The scripts' revisions contradict each other.
    #[error(
        "the revision scripts contradict each other: {error}{}",
        listed(" in ", files)
    )]
    Graph {
        /// The contradiction.
        error: GraphError,
        /// The scripts of a cycle; empty for another contradiction.
        files: Vec<PathBuf>,
    },
    /// The script directory doesn't exist.
    #[error(
        "Path doesn't exist: {0}.  Please use the 'init' command to create a new scripts folder."
    )]
    NoFolder(String),
    /// The script directory is in a package that can't be found.
    #[error("could not find the package of the script location `{0}`")]
    NoPackage(String),
}

impl ProjectError {
    /// Returns Alembic's text for `FAILED: …`, if Alembic refuses such a project, too.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.is_refusal().then(|| error.to_string()),
            Self::NoFolder(_) => Some(self.to_string()),
            Self::Graph {
                error: error @ GraphError::Identifier { .. },
                ..
            } => Some(error.to_string()),
            Self::Directory(_) | Self::Graph { .. } | Self::NoPackage(_) => None,
        }
    }

    /// Returns the next step for the user, if there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Config(error) => return error.hint(),
            Self::Directory(DirectoryError::NoDownRevision { .. }) => {
                "write `down_revision = None` for the first revision, or the id of the previous revision"
                    .into()
            }
            Self::Graph { error, .. } => return graph_hint(error),
            Self::NoPackage(_) => {
                "activate the project's virtual environment, or name its interpreter with --python"
                    .into()
            }
            _ => return None,
        })
    }
}

/// Returns the next step for scripts that contradict each other.
fn graph_hint(error: &GraphError) -> Option<String> {
    Some(match error {
        GraphError::Missing { missing, .. } => {
            format!("restore the script of `{missing}`, or correct the id that refers to it")
        }
        GraphError::Cycle(_) | GraphError::DependencyCycle(_) => {
            "correct the `down_revision` or `depends_on` that closes the cycle".into()
        }
        GraphError::Loop(_) | GraphError::DependencyLoop(_) => {
            "remove the revision's reference to itself".into()
        }
        GraphError::Label { .. } => "give one of the two revisions another label".into(),
        _ => return None,
    })
}

/// Returns the files in backquotes after `prefix`, or an empty text if there are none.
fn listed(prefix: &str, files: &[PathBuf]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("`{}`", file.display()))
        .collect();
    format!("{prefix}{}", files.join(", "))
}

/// A project as read without Python.
#[derive(Debug)]
pub enum LoadedProject {
    /// The project.
    Whole(Box<Project>),
    /// Python has to import the scripts to read their headers.
    NeedsPython(Box<UnreadProject>),
}

/// A project whose scripts have not been read.
#[derive(Debug)]
pub struct UnreadProject {
    config: Config,
    script_folder: Option<PathBuf>,
}

impl UnreadProject {
    /// Returns the project with the headers that Python has read.
    ///
    /// # Errors
    /// [`ProjectError::Graph`] if the headers contradict each other.
    pub fn with_headers(self, rows: Vec<ImportedScript>) -> Result<Project, ProjectError> {
        let (revisions, scripts) = rows.into_iter().map(script_of_row).unzip();
        let project = Project::new(self, revisions, scripts, Vec::new())?;
        Ok(Project {
            read_by_python: true,
            ..project
        })
    }
}

impl Project {
    /// Reads a project. `package_folders` returns the folders of Python packages, for a `script_location` of the form
    /// `package:path`.
    ///
    /// # Errors
    /// [`ProjectError`] if the configuration or a script can't be used.
    pub fn read(
        config: Config,
        package_folders: impl Fn() -> Vec<PathBuf>,
    ) -> Result<LoadedProject, ProjectError> {
        let location = config.script_location()?;
        let mut warnings = Vec::new();
        let folders = FolderSearch {
            prepended: config.prepend_sys_path()?,
            package_folders,
        };
        let script_folder = folders.find(&location);
        let locations = match (&script_folder, config.version_locations()?) {
            (None, _) => None,
            (Some(folder), None) => Some(vec![folder.join("versions")]),
            (Some(_), Some(locations)) => locations
                .iter()
                .map(|location| folders.find(location))
                .collect(),
        };
        if let Some(folder) = &script_folder
            && !folder.exists()
        {
            return Err(ProjectError::NoFolder(location));
        }
        let recursive = config.literal_true("recursive_version_locations")?;
        let sourceless = config.literal_true("sourceless")?;
        let unread = UnreadProject {
            config,
            script_folder,
        };
        let directory = match locations
            .filter(|_| !sourceless)
            .map(|paths| ScriptDirectory::load(&paths, recursive))
        {
            Some(Ok(directory)) => directory,
            Some(Err(DirectoryError::NotStatic { .. })) | None => {
                return Ok(LoadedProject::NeedsPython(Box::new(unread)));
            }
            Some(Err(error)) => return Err(error.into()),
        };
        warnings.extend(directory.duplicates.iter().map(|file| {
            format!(
                "File {} loaded twice! ignoring. Please ensure version_locations is unique.",
                file.display()
            )
        }));
        let ScriptDirectory {
            revisions, scripts, ..
        } = directory;
        let project = Self::new(unread, revisions, scripts, warnings)?;
        Ok(LoadedProject::Whole(Box::new(project)))
    }

    fn new(
        unread: UnreadProject,
        revisions: Vec<Revision>,
        scripts: Vec<Script>,
        mut warnings: Vec<String>,
    ) -> Result<Self, ProjectError> {
        let map = match RevisionMap::new(revisions.clone()) {
            Ok(map) => map,
            Err(error) => {
                let ids: &[String] = match &error {
                    GraphError::Cycle(ids) | GraphError::DependencyCycle(ids) => ids,
                    GraphError::Loop(id) | GraphError::DependencyLoop(id) => {
                        std::slice::from_ref(id)
                    }
                    _ => &[],
                };
                let files = ids
                    .iter()
                    .flat_map(|id| files_of(&revisions, &scripts, id))
                    .collect();
                return Err(ProjectError::Graph { error, files });
            }
        };
        warnings.extend(map.duplicates().iter().map(|id| {
            let files: Vec<PathBuf> = files_of(map.declarations(), &scripts, id).collect();
            format!(
                "Revision {id} is present more than once{}: only the last script runs; give the others another id",
                listed(", in ", &files)
            )
        }));
        Ok(Self {
            config: unread.config,
            map,
            script_folder: unread.script_folder,
            scripts,
            warnings,
            read_by_python: false,
        })
    }

    /// Returns the warnings that Alembic prints while it reads the scripts.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns a revision and its script.
    ///
    /// # Errors
    /// [`CommandError`] if no script has this id.
    pub fn script(&self, id: &str) -> Result<(RevisionEntry<'_>, &Script), CommandError> {
        let found = self.map.get(id);
        found
            .and_then(|revision| Some((revision, self.scripts.get(revision.position())?)))
            .ok_or_else(|| CommandError::unknown_revision(id))
    }

    /// Returns the kind of a script's `downgrade` function.
    ///
    /// # Errors
    /// As [`Self::script`].
    pub fn downgrade_of(&self, id: &str) -> Result<DowngradeStatus, CommandError> {
        let path = self.script(id)?.1.path();
        Ok(std::fs::read_to_string(path)
            .map_or(DowngradeStatus::Unknown, |source| downgrade_status(&source)))
    }

    /// Returns a revision as a listing shows it. `marked` are the version rows that get `(current)`.
    ///
    /// # Errors
    /// As [`Self::script`].
    pub fn entry(
        &self,
        id: &str,
        verbose: bool,
        form: ShortForm,
        marked: &[String],
    ) -> Result<String, CommandError> {
        let mut text = String::new();
        self.add_entry(&mut text, id, verbose, form, marked)?;
        Ok(text)
    }

    /// Appends the text of [`Self::entry`] to `text`.
    ///
    /// # Errors
    /// As [`Self::script`].
    pub fn add_entry(
        &self,
        text: &mut String,
        id: &str,
        verbose: bool,
        form: ShortForm,
        marked: &[String],
    ) -> Result<(), CommandError> {
        let (member, script) = self.script(id)?;
        let declared = member.revision();
        let children = member.children();
        let details = RevisionDetails {
            id,
            parents: &declared.down_revisions,
            dependencies: &declared.dependencies,
            labels: member.labels().collect(),
            is_head: children.len() == 0,
            is_real_head: member.is_real_head(),
            is_branch_point: children.len() > 1,
            is_merge_point: declared.down_revisions.len() > 1,
            is_current: marked.iter().any(|row| row == id),
            doc: script.doc(),
            long_doc: script.long_doc(),
            children: if children.len() > 1 {
                children.collect()
            } else {
                Vec::new()
            },
        };
        if verbose {
            details.write_long(&script.path(), text);
        } else {
            details.write_short(form, text);
        }
        Ok(())
    }

    /// Returns the revisions between two ends, newest first.
    ///
    /// # Errors
    /// [`CommandError`] if an end can't be resolved.
    pub fn history(
        &self,
        start: HistoryEnd<'_>,
        end: HistoryEnd<'_>,
    ) -> Result<Vec<&str>, CommandError> {
        Ok(self.map.history(start, end)?)
    }

    /// Returns the revisions that a name denotes.
    ///
    /// # Errors
    /// [`CommandError`] if the name can't be resolved.
    pub fn resolve(&self, name: &str) -> Result<Vec<&str>, CommandError> {
        Ok(self.map.resolve(name)?)
    }

    /// Returns the revisions that version rows denote.
    ///
    /// # Errors
    /// [`CommandError`] if a row can't be resolved.
    pub fn resolve_all(&self, rows: &[String]) -> Result<Vec<&str>, CommandError> {
        self.map
            .resolve_all(rows)
            .map_err(|error| CommandError::from(error).explain_rows(rows))
    }

    /// Returns the current revisions of a database with these version rows.
    ///
    /// # Errors
    /// [`CommandError`] if a row can't be resolved.
    pub fn current(&self, rows: &[String]) -> Result<Vec<&str>, CommandError> {
        self.map
            .current(rows)
            .map_err(|error| CommandError::from(error).explain_rows(rows))
    }

    /// Returns the headers for the worker; `None` if the worker has to import the scripts anyway.
    pub(crate) fn known_scripts(&self) -> Option<Vec<KnownScript>> {
        if self.read_by_python {
            return None;
        }
        let known = |(revision, script): (&Revision, &Script)| KnownScript {
            id: revision.id.clone(),
            down_revisions: revision.down_revisions.clone(),
            branch_labels: revision.branch_labels.clone(),
            dependencies: revision.dependencies.clone(),
            path: script.path(),
        };
        let declared = self.map.declarations().iter();
        Some(declared.zip(&self.scripts).map(known).collect())
    }

    /// Returns the folders of the scripts.
    pub fn script_folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<&Path> = self.scripts.iter().map(Script::folder).collect();
        folders.dedup();
        folders.into_iter().map(Path::to_owned).collect()
    }
}

fn script_of_row(row: ImportedScript) -> (Revision, Script) {
    let doc = row.doc.unwrap_or_default();
    let script = Script::new(Path::new(&row.path), &doc);
    let revision = Revision {
        id: row.id,
        down_revisions: row.down_revisions,
        branch_labels: row.branch_labels,
        dependencies: row.dependencies,
    };
    (revision, script)
}

/// Returns the files of the scripts that declare this id. `scripts` has the order of `revisions`.
fn files_of<'a>(
    revisions: &'a [Revision],
    scripts: &'a [Script],
    id: &'a str,
) -> impl Iterator<Item = PathBuf> + 'a {
    revisions
        .iter()
        .zip(scripts)
        .filter(move |(revision, _)| revision.id == id)
        .map(|(_, script)| script.path())
}

/// Returns the folder of `env.py`. `package_folders` is as for [`Project::read`].
///
/// # Errors
/// [`ProjectError`] if the configuration names no folder, or one that doesn't exist.
pub fn script_folder(
    config: &Config,
    package_folders: impl Fn() -> Vec<PathBuf>,
) -> Result<PathBuf, ProjectError> {
    let location = config.script_location()?;
    let folders = FolderSearch {
        prepended: config.prepend_sys_path()?,
        package_folders,
    };
    match folders.find(&location) {
        Some(folder) if folder.exists() => Ok(folder),
        Some(_) => Err(ProjectError::NoFolder(location)),
        None => Err(ProjectError::NoPackage(location)),
    }
}

pub(crate) struct FolderSearch<F> {
    pub(crate) prepended: Vec<String>,
    pub(crate) package_folders: F,
}

impl<F: Fn() -> Vec<PathBuf>> FolderSearch<F> {
    /// Returns the folder of a location; `None` for a package that only Python can find.
    pub(crate) fn find(&self, location: &str) -> Option<PathBuf> {
        let path = Path::new(location);
        let (package, inside) = match location.split_once(':') {
            Some(parts) if !path.is_absolute() => parts,
            _ => return Some(path.to_owned()),
        };
        let package: PathBuf = package.split('.').collect();
        let prepended = self.prepended.iter().map(PathBuf::from);
        prepended
            .chain((self.package_folders)())
            .find_map(|folder| {
                let found = folder.join(&package);
                // A namespace package may have several folders, and only Python knows which one counts.
                found
                    .join("__init__.py")
                    .is_file()
                    .then(|| found.join(inside))
            })
    }
}
