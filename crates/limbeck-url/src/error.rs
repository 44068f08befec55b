//! Errors and warnings of reading and writing URLs.

use std::fmt;

/// The kind of a [`ConvertError`]. `Display` writes it as `limbeck url convert --json` does: `invalid_url`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not a database URL, or is ambiguous.
    InvalidUrl,
    /// The scheme or its driver is unknown.
    UnsupportedScheme,
    /// The target is a driver for another database system.
    BackendMismatch,
    /// A port is not a number from 1 to 65535.
    InvalidPort,
    /// The value of a parameter is not one that drivers accept.
    InvalidParameterValue,
    /// Two parameters contradict each other.
    ConflictingParameters,
    /// The target has no equivalent of a parameter, and dropping the parameter would weaken or redirect the connection.
    InexpressibleParameter,
    /// The URL names several hosts, and the target accepts one.
    UnsupportedMultiHost,
    /// The target verifies only against root certificates that it is given, and the URL names none.
    NeedsRootCert,
    /// The connection violates a [`Policy`](crate::Policy).
    PolicyViolation,
    /// No variable contains a database URL.
    MissingUrl,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::InvalidUrl => "invalid_url",
            Self::UnsupportedScheme => "unsupported_scheme",
            Self::BackendMismatch => "backend_mismatch",
            Self::InvalidPort => "invalid_port",
            Self::InvalidParameterValue => "invalid_parameter_value",
            Self::ConflictingParameters => "conflicting_parameters",
            Self::InexpressibleParameter => "inexpressible_parameter",
            Self::UnsupportedMultiHost => "unsupported_multi_host",
            Self::NeedsRootCert => "needs_root_cert",
            Self::PolicyViolation => "policy_violation",
            Self::MissingUrl => "missing_url",
        })
    }
}

/// An error from reading a URL or writing it for a driver.
///
/// No field contains a password or a value that might be one, so errors can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ConvertError {
    /// The kind of error.
    pub kind: ErrorKind,
    /// The name of the parameter concerned, as the URL spells it.
    pub parameter: Option<String>,
    /// The description for people; `Display` writes it.
    pub message: String,
    /// The suggested next step.
    pub help: Option<String>,
}

impl ConvertError {
    /// Creates an error. The message must not contain a secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            parameter: None,
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn about(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.to_owned());
        self
    }

    /// Sets the suggested next step.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A notice about a parameter that a conversion dropped or interpreted, without harm to the connection's safety.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The name of the parameter concerned, as the URL spells it.
    pub parameter: Option<String>,
    /// The description for people: the change and its reason.
    pub message: String,
}

impl Warning {
    pub(crate) fn about(parameter: &str, message: impl Into<String>) -> Self {
        Self {
            parameter: Some(parameter.to_owned()),
            message: message.into(),
        }
    }
}
