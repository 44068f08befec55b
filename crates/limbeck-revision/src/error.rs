//! What can be wrong with a graph and with a question to it.

use std::fmt;

/// Why the declared revisions are no usable graph. Alembic ends with a traceback on most of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// `down_revision` or `depends_on` names what isn't there.
    #[error("Revision `{missing}`, referenced from `{referenced_from}`, is not present")]
    Missing {
        /// What is named.
        missing: String,
        /// The revision that names it.
        referenced_from: String,
    },
    /// A revision is its own parent.
    #[error("Self-loop is detected in revisions ({0})")]
    Loop(String),
    /// A revision depends on itself.
    #[error("Dependency self-loop is detected in revisions ({0})")]
    DependencyLoop(String),
    /// Parents form a circle.
    #[error("Cycle is detected in revisions ({})", .0.join(", "))]
    Cycle(Vec<String>),
    /// Parents and dependencies form a circle.
    #[error("Dependency cycle is detected in revisions ({})", .0.join(", "))]
    DependencyCycle(Vec<String>),
    /// Two revisions declare the same label, or a label is a revision's id.
    #[error("Branch name '{label}' in revision {revision} already used by revision {used_by}")]
    Label {
        /// The label.
        label: String,
        /// The revision that declares it.
        revision: String,
        /// The revision that has it already.
        used_by: String,
    },
    /// A character that the identifier grammar needs for itself.
    #[error("Character(s) '{characters}' not allowed in revision identifier '{id}'")]
    Identifier {
        /// The characters.
        characters: String,
        /// The identifier.
        id: String,
    },
}

/// Why a target can't be resolved or reached; `Display` is what Alembic prints behind `FAILED: `.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionError {
    kind: RevisionErrorKind,
    message: String,
}

/// The kinds of [`RevisionError`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevisionErrorKind {
    /// No, or no single, revision or branch has this name.
    Unknown {
        /// The name.
        argument: String,
    },
    /// `head` where there are several.
    MultipleHeads {
        /// The heads.
        heads: Vec<String>,
        /// The word that was given.
        argument: String,
    },
    /// The two ends are not on one line.
    NotAncestor {
        /// The lower end.
        lower: String,
        /// The upper end.
        upper: String,
    },
    /// Anything else.
    Other,
}

/// The words with which a command tells the same error.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wording<'a> {
    /// `upgrade` or `downgrade`, for a destination that is not on the way.
    pub(crate) direction: Option<&'a str>,
    /// The lower end, as the user gave it.
    pub(crate) start: Option<&'a str>,
    /// The upper end or destination, as the user gave it.
    pub(crate) end: Option<&'a str>,
    /// In place of the usual text for several heads.
    pub(crate) several_heads: Option<&'a str>,
}

impl RevisionError {
    /// What kind of error it is.
    pub fn kind(&self) -> &RevisionErrorKind {
        &self.kind
    }

    pub(crate) fn unknown(argument: &str) -> Self {
        let message = format!("Can't locate revision identified by '{argument}'");
        Self {
            kind: RevisionErrorKind::Unknown {
                argument: argument.to_owned(),
            },
            message,
        }
    }

    pub(crate) fn multiple_heads(heads: Vec<String>, argument: &str) -> Self {
        let kind = RevisionErrorKind::MultipleHeads {
            heads,
            argument: argument.to_owned(),
        };
        Self {
            kind,
            message: String::new(),
        }
        .worded(Wording::default())
    }

    pub(crate) fn not_ancestor(lower: &str, upper: &str) -> Self {
        let kind = RevisionErrorKind::NotAncestor {
            lower: lower.to_owned(),
            upper: upper.to_owned(),
        };
        Self {
            kind,
            message: String::new(),
        }
        .worded(Wording::default())
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self {
            kind: RevisionErrorKind::Other,
            message: message.into(),
        }
    }

    /// The same error in a command's words.
    pub(crate) fn worded(mut self, wording: Wording<'_>) -> Self {
        match &self.kind {
            RevisionErrorKind::MultipleHeads { argument, .. } => {
                self.message = if let Some(text) = wording.several_heads {
                    text.to_owned()
                } else {
                    let word = wording.end.unwrap_or(argument);
                    format!(
                        "Multiple head revisions are present for given argument '{word}'; please specify a \
                         specific target revision, '<branchname>@{word}' to narrow to a specific head, or \
                         'heads' for all heads"
                    )
                };
            }
            RevisionErrorKind::NotAncestor { lower, upper } => {
                let start = wording.start.unwrap_or(lower);
                let end = wording.end.unwrap_or(upper);
                self.message = match wording.direction {
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
            RevisionErrorKind::Unknown { .. } | RevisionErrorKind::Other => {}
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
