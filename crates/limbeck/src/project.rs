//! A project: its configuration, its scripts, and their graph.

use std::path::{Path, PathBuf};

use limbeck_revision::{
    GraphError, HistoryEnd, Revision, RevisionEntry, RevisionError, RevisionMap,
};
use limbeck_script::directory::{DirectoryError, Script, ScriptDirectory};
use limbeck_script::header::{DowngradeStatus, downgrade_status};
use limbeck_script::worker::{ImportedScript, KnownScript};

use crate::config::{Config, ConfigError};
use crate::format::{RevisionDetails, ShortForm};
use crate::run::Refusal;

/// A project, read without Python where that is possible.
#[derive(Debug)]
pub struct Project {
    /// The configuration.
    pub config: Config,
    /// The graph.
    pub map: RevisionMap,
    /// The folder of `env.py`; none where only Python can find it.
    pub script_folder: Option<PathBuf>,
    /// One for each declaration of the map.
    scripts: Vec<Script>,
    warnings: Vec<String>,
    /// The headers were read by running the scripts, which the worker then does itself.
    read_by_python: bool,
}

/// Why a project can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The scripts.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The graph.
    #[error("the revision scripts don't fit together: {0}")]
    Graph(#[from] GraphError),
    /// There is no script directory.
    #[error(
        "Path doesn't exist: {0}.  Please use the 'init' command to create a new scripts folder."
    )]
    NoFolder(String),
    /// The script directory is in a package that can't be found without Python.
    #[error("could not find the package of the script location `{0}`")]
    NoPackage(String),
}

impl ProjectError {
    /// Alembic's refusal, when it has one for this.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.is_refusal().then(|| error.to_string()),
            Self::NoFolder(_) => Some(self.to_string()),
            Self::Graph(GraphError::Identifier { .. }) => match self {
                Self::Graph(error) => Some(error.to_string()),
                _ => None,
            },
            Self::Directory(_) | Self::Graph(_) | Self::NoPackage(_) => None,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Directory(DirectoryError::NoDownRevision { .. }) => {
                "write `down_revision = None` for a first revision, else the id of the one before"
                    .into()
            }
            Self::Graph(GraphError::Missing { missing, .. }) => {
                format!("restore the script of `{missing}`, or correct the id that refers to it")
            }
            Self::Graph(GraphError::Cycle(_) | GraphError::DependencyCycle(_)) => {
                "correct the `down_revision` or `depends_on` that closes the circle".into()
            }
            Self::Graph(GraphError::Loop(_) | GraphError::DependencyLoop(_)) => {
                "a revision can't come before itself".into()
            }
            Self::Graph(GraphError::Label { .. }) => {
                "give one of the two revisions another label".into()
            }
            Self::NoPackage(_) => {
                "activate the project's own environment, or name its interpreter with --python"
                    .into()
            }
            _ => return None,
        })
    }
}

/// A project as far as it can be read without Python.
#[derive(Debug)]
pub enum Reading {
    /// All of it.
    Whole(Box<Project>),
    /// What its scripts declare must be asked of Python, which runs them.
    NeedsPython(Box<Unread>),
}

/// A project whose scripts have not been read.
#[derive(Debug)]
pub struct Unread {
    config: Config,
    script_folder: Option<PathBuf>,
}

impl Unread {
    /// The project with what Python found in its scripts.
    ///
    /// # Errors
    /// [`ProjectError::Graph`].
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
    /// Reads a project. `package_folders` tells where packages may lie, for a `script_location` of the form
    /// `package:path`.
    ///
    /// # Errors
    /// [`ProjectError`] names the file.
    pub fn read(
        config: Config,
        package_folders: impl Fn() -> Vec<PathBuf>,
    ) -> Result<Reading, ProjectError> {
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
        let unread = Unread {
            config,
            script_folder,
        };
        let directory = match locations
            .filter(|_| !sourceless)
            .map(|paths| ScriptDirectory::load(&paths, recursive))
        {
            Some(Ok(directory)) => directory,
            Some(Err(DirectoryError::NotStatic { .. })) | None => {
                return Ok(Reading::NeedsPython(Box::new(unread)));
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
        Ok(Reading::Whole(Box::new(project)))
    }

    fn new(
        unread: Unread,
        revisions: Vec<Revision>,
        scripts: Vec<Script>,
        mut warnings: Vec<String>,
    ) -> Result<Self, ProjectError> {
        let map = RevisionMap::new(revisions)?;
        warnings.extend(
            map.duplicates()
                .iter()
                .map(|id| format!("Revision {id} is present more than once")),
        );
        Ok(Self {
            config: unread.config,
            map,
            script_folder: unread.script_folder,
            scripts,
            warnings,
            read_by_python: false,
        })
    }

    /// What Alembic warns of while it reads the scripts.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A revision and its script.
    ///
    /// # Errors
    /// Alembic's refusal for an unknown id.
    pub fn script(&self, id: &str) -> Result<(RevisionEntry<'_>, &Script), Refusal> {
        let found = self.map.get(id);
        found
            .and_then(|revision| Some((revision, self.scripts.get(revision.position())?)))
            .ok_or_else(|| Refusal(format!("Can't locate revision identified by '{id}'")))
    }

    /// Whether a revision's script says how its step is undone.
    ///
    /// # Errors
    /// As [`Self::script`].
    pub fn downgrade_of(&self, id: &str) -> Result<DowngradeStatus, Refusal> {
        let path = self.script(id)?.1.path();
        Ok(std::fs::read_to_string(path)
            .map_or(DowngradeStatus::Unknown, |source| downgrade_status(&source)))
    }

    /// A revision as a listing shows it; `marked` are the rows that `(current)` is shown for.
    ///
    /// # Errors
    /// As [`Self::script`].
    pub fn entry(
        &self,
        id: &str,
        verbose: bool,
        form: ShortForm,
        marked: &[String],
    ) -> Result<String, Refusal> {
        let mut text = String::new();
        self.add_entry(&mut text, id, verbose, form, marked)?;
        Ok(text)
    }

    /// Adds what [`Self::entry`] returns to a text.
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
    ) -> Result<(), Refusal> {
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

    /// The revisions between two ends, newest first.
    ///
    /// # Errors
    /// Alembic's refusal.
    pub fn history(
        &self,
        start: HistoryEnd<'_>,
        end: HistoryEnd<'_>,
    ) -> Result<Vec<&str>, Refusal> {
        self.map.history(start, end).map_err(refuse)
    }

    /// The revisions that a name denotes.
    ///
    /// # Errors
    /// Alembic's refusal.
    pub fn resolve(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        self.map.resolve(name).map_err(refuse)
    }

    /// The revisions that version rows denote.
    ///
    /// # Errors
    /// Alembic's refusal.
    pub fn resolve_all(&self, rows: &[String]) -> Result<Vec<&str>, Refusal> {
        self.map.resolve_all(rows).map_err(refuse)
    }

    /// The revisions in which a database with these rows stands.
    ///
    /// # Errors
    /// Alembic's refusal.
    pub fn current(&self, rows: &[String]) -> Result<Vec<&str>, Refusal> {
        self.map.current(rows).map_err(refuse)
    }

    /// The headers for the worker; none when it has to run the scripts anyway.
    pub fn headers_for_worker(&self) -> Option<Vec<KnownScript>> {
        if self.read_by_python {
            return None;
        }
        let known = |(revision, script): (&Revision, &Script)| KnownScript {
            id: revision.id.clone(),
            down_revisions: revision.down_revisions.clone(),
            branch_labels: revision.branch_labels.clone(),
            dependencies: revision.dependencies.clone(),
            path: script.path().clone(),
        };
        let declared = self.map.declarations().iter();
        Some(declared.zip(&self.scripts).map(known).collect())
    }

    /// The folders of the scripts.
    pub fn script_folders(&self) -> Vec<&Path> {
        let mut folders: Vec<&Path> = self.scripts.iter().map(Script::folder).collect();
        folders.dedup();
        folders
    }
}

fn refuse(error: RevisionError) -> Refusal {
    Refusal(error.to_string())
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

/// The folder of `env.py`. `package_folders` is as for [`Project::read`].
///
/// # Errors
/// [`ProjectError`] where the configuration names none that is there.
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
    /// A location's folder; `None` for a package that only Python can find.
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
                // A namespace package may be in several places; which one counts is Python's to say.
                found
                    .join("__init__.py")
                    .is_file()
                    .then(|| found.join(inside))
            })
    }
}
