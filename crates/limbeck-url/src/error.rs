//! Why a URL can't be read or written for a driver, in kinds that a program can tell apart.

use std::fmt;

/// What is wrong, in one word; `Display` gives the word that `limbeck url convert --json` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is no database URL, or could be read in two ways.
    InvalidUrl,
    /// The scheme or its driver is none that limbeck knows.
    UnsupportedScheme,
    /// The target is a driver for another database.
    BackendMismatch,
    /// A port is not a number from 1 to 65535.
    InvalidPort,
    /// A parameter has a value that it can't have.
    InvalidParameterValue,
    /// Two parameters contradict each other.
    ConflictingParameters,
    /// The target can't do what the parameter asks for, and leaving it out would weaken the connection.
    InexpressibleParameter,
    /// The target takes one host.
    UnsupportedMultiHost,
    /// The target verifies only against a file of authorities, and none is named.
    NeedsRootCert,
    /// The connection is not what its environment demands.
    PolicyViolation,
    /// No variable names a database.
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

/// Why a URL can't be converted. No field holds a password, nor a value that might be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConvertError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// The parameter that it is about, as the URL calls it.
    pub parameter: Option<String>,
    /// The same for people.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

impl ConvertError {
    /// Of a kind, in words that hold no secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            parameter: None,
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn of(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.to_owned());
        self
    }

    pub(crate) fn help(mut self, way_out: impl Into<String>) -> Self {
        self.help = Some(way_out.into());
        self
    }
}

/// What a conversion left out or changed without harm to the connection's safety.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The parameter that it is about, as the URL calls it.
    pub parameter: Option<String>,
    /// What was done, and why.
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
