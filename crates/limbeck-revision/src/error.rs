//! Errors of a graph and of a request to it.

use std::fmt;

/// The reason why the declared revisions form no usable graph.
///
/// Alembic ends with a traceback on most of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// `down_revision` or `depends_on` names a revision or label that doesn't exist.
    #[error("Revision `{missing}`, referenced from `{referenced_from}`, is not present")]
    Missing {
        /// The name that was not found.
        missing: String,
        /// The revision that refers to the name.
        referenced_from: String,
    },
    /// A revision is its own parent.
    #[error("Self-loop is detected in revisions ({0})")]
    Loop(String),
    /// A revision depends on itself.
    #[error("Dependency self-loop is detected in revisions ({0})")]
    DependencyLoop(String),
    /// Parents form a cycle.
    #[error("Cycle is detected in revisions ({})", .0.join(", "))]
    Cycle(Vec<String>),
    /// Parents and dependencies form a cycle.
    #[error("Dependency cycle is detected in revisions ({})", .0.join(", "))]
    DependencyCycle(Vec<String>),
    /// Two revisions declare the same label, or a label equals the id of a revision.
    #[error("Branch name '{label}' in revision {revision} already used by revision {used_by}")]
    Label {
        /// The label.
        label: String,
        /// The revision that declares the label.
        revision: String,
        /// The revision that uses the name already.
        used_by: String,
    },
    /// An id contains characters that identifiers of targets reserve: `+`, `-`, `:` or `@`.
    #[error("Character(s) '{characters}' not allowed in revision identifier '{id}'")]
    Identifier {
        /// The reserved characters in the id, separated by commas.
        characters: String,
        /// The id.
        id: String,
    },
}

/// A refusal: a target that can't be resolved or reached.
///
/// `Display` gives the text that Alembic prints after `FAILED: `; [`kind`](Self::kind) is the same for every
/// wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionError {
    kind: RevisionErrorKind,
    message: String,
}

/// The kind of a [`RevisionError`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevisionErrorKind {
    /// No revision or branch has this name, or a prefix of an id matches several.
    Unknown {
        /// The name.
        argument: String,
    },
    /// The target needs a single head, and there are several.
    MultipleHeads {
        /// The heads.
        heads: Vec<String>,
        /// The target.
        argument: String,
    },
    /// The two ends of a range are not on one line of revisions.
    NotAncestor {
        /// The lower end.
        lower: String,
        /// The upper end.
        upper: String,
    },
    /// Of several requested revisions, some are ancestors of another.
    Overlap {
        /// The revision with ancestors among the others.
        revision: String,
        /// Those ancestors.
        ancestors: Vec<String>,
    },
    /// A relative target passes a branch point or a merge point, where the next revision is not certain.
    AmbiguousWalk,
    /// A relative target of `upgrade` could start from several of the current revisions.
    AmbiguousUpgrade,
    /// A relative target leads beyond the ends of the graph, or has no revision to start from.
    OutOfRange,
    /// The branch of a `downgrade` target doesn't single out one of the current heads.
    InvalidDowngradeTarget,
    /// A range leaves out revisions through which others in it are reached.
    IncompleteRange {
        /// A revision in the range that can't be reached.
        revision: String,
    },
    /// The version table has rows above and below the target of a `stamp`.
    StampAmidRows {
        /// The target.
        revision: String,
    },
}

/// The parts of a message that depend on the command.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CommandContext<'a> {
    /// `upgrade` or `downgrade`, in the message about a destination that can't be reached.
    pub(crate) direction: Option<&'a str>,
    /// The lower end of the range, as the user wrote it.
    pub(crate) start: Option<&'a str>,
    /// The upper end of the range or the destination, as the user wrote it.
    pub(crate) end: Option<&'a str>,
    /// Replaces the usual message about several heads.
    pub(crate) multiple_heads: Option<&'a str>,
}

impl RevisionErrorKind {
    /// Returns the kind's name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_revision",
            Self::MultipleHeads { .. } => "multiple_heads",
            Self::NotAncestor { .. } => "not_ancestor",
            Self::Overlap { .. } => "overlap",
            Self::AmbiguousWalk => "ambiguous_walk",
            Self::AmbiguousUpgrade => "ambiguous_upgrade",
            Self::OutOfRange => "out_of_range",
            Self::InvalidDowngradeTarget => "invalid_downgrade_target",
            Self::IncompleteRange { .. } => "incomplete_range",
            Self::StampAmidRows { .. } => "stamp_amid_rows",
        }
    }
}

impl RevisionError {
    /// Returns the kind of the error.
    pub fn kind(&self) -> &RevisionErrorKind {
        &self.kind
    }

    pub(crate) fn new(kind: RevisionErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn unknown(argument: &str) -> Self {
        let kind = RevisionErrorKind::Unknown {
            argument: argument.to_owned(),
        };
        Self::new(
            kind,
            format!("Can't locate revision identified by '{argument}'"),
        )
    }

    pub(crate) fn multiple_heads(heads: Vec<String>, argument: &str) -> Self {
        let kind = RevisionErrorKind::MultipleHeads {
            heads,
            argument: argument.to_owned(),
        };
        Self::new(kind, "").in_context(CommandContext::default())
    }

    pub(crate) fn not_ancestor(lower: &str, upper: &str) -> Self {
        let kind = RevisionErrorKind::NotAncestor {
            lower: lower.to_owned(),
            upper: upper.to_owned(),
        };
        Self::new(kind, "").in_context(CommandContext::default())
    }

    pub(crate) fn ambiguous_walk() -> Self {
        Self::new(RevisionErrorKind::AmbiguousWalk, "Ambiguous walk")
    }

    pub(crate) fn invalid_downgrade_target() -> Self {
        Self::new(
            RevisionErrorKind::InvalidDowngradeTarget,
            "Not a valid downgrade target from current heads",
        )
    }

    /// Returns the error with the message that a command prints for it. The kind stays the same.
    pub(crate) fn in_context(mut self, context: CommandContext<'_>) -> Self {
        match &self.kind {
            RevisionErrorKind::MultipleHeads { argument, .. } => {
                self.message = if let Some(message) = context.multiple_heads {
                    message.to_owned()
                } else {
                    let target = context.end.unwrap_or(argument);
                    format!(
                        "Multiple head revisions are present for given argument '{target}'; please specify a \
                         specific target revision, '<branchname>@{target}' to narrow to a specific head, or \
                         'heads' for all heads"
                    )
                };
            }
            RevisionErrorKind::NotAncestor { lower, upper } => {
                let start = context.start.unwrap_or(lower);
                let end = context.end.unwrap_or(upper);
                self.message = match context.direction {
                    Some(direction) => {
                        format!(
                            "Destination {end} is not a valid {direction} target from current head(s)"
                        )
                    }
                    None => format!(
                        "Requested range {start}:{end} does not refer to ancestor/descendant revisions along the \
                         same branch"
                    ),
                };
            }
            _ => {}
        }
        self
    }
}

impl fmt::Display for RevisionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for RevisionError {}
