//! The classes `DatabaseConfigProvider`, `Policy` and `UrlSource`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use limbeck_url::TlsLevel;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::conversion::{Conversion, DriverMode};
use crate::error::to_exception;
use crate::text::UrlText;

/// The requirements of an environment on database connections.
#[pyclass(frozen, eq, module = "limbeck")]
#[derive(PartialEq)]
pub(crate) struct Policy(limbeck_url::Policy);

#[pymethods]
impl Policy {
    /// The policy for production: the server is another machine, and its certificate and name are verified.
    #[classattr]
    const PRODUCTION: Self = Self(limbeck_url::Policy::PRODUCTION);

    #[new]
    #[pyo3(signature = (*, tls=None, refuses_local=false))]
    fn new(tls: Option<&str>, refuses_local: bool) -> PyResult<Self> {
        let level = |name: &str| {
            TlsLevel::from_name(name).ok_or_else(|| {
                PyValueError::new_err(format!(
                    "`tls` must be a value of libpq's `sslmode` (`require`, `verify-full`, …), not `{name}`"
                ))
            })
        };
        let mut policy = limbeck_url::Policy::default();
        policy.minimum_tls = tls.map(level).transpose()?;
        policy.refuses_local = refuses_local;
        Ok(Self(policy))
    }

    #[getter]
    fn tls(&self) -> Option<&'static str> {
        self.0.minimum_tls.map(TlsLevel::name)
    }

    #[getter]
    fn refuses_local(&self) -> bool {
        self.0.refuses_local
    }

    fn __repr__(&self) -> String {
        let tls = self
            .tls()
            .map_or_else(|| "None".into(), |name| format!("'{name}'"));
        let local = if self.0.refuses_local {
            "True"
        } else {
            "False"
        };
        format!("Policy(tls={tls}, refuses_local={local})")
    }
}

/// The source of a URL.
#[pyclass(frozen, eq, module = "limbeck")]
#[derive(PartialEq)]
pub(crate) struct UrlSource(limbeck_url::UrlSource);

#[pymethods]
impl UrlSource {
    /// The kind: `given`, `variable`, `dotenv` or `parts`.
    #[getter]
    fn kind(&self) -> &'static str {
        match &self.0 {
            limbeck_url::UrlSource::Variable(_) => "variable",
            limbeck_url::UrlSource::DotEnv { .. } => "dotenv",
            limbeck_url::UrlSource::Parts(_) => "parts",
            _ => "given",
        }
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<UrlSource {}>", self.0)
    }
}

/// A provider of two URLs from one source: a synchronous URL for migrations, and an asynchronous one for the application.
#[pyclass(frozen, module = "limbeck")]
pub(crate) struct DatabaseConfigProvider(limbeck_url::DatabaseConfigProvider);

impl DatabaseConfigProvider {
    fn with_policy(
        provider: limbeck_url::DatabaseConfigProvider,
        policy: Option<PyRef<'_, Policy>>,
    ) -> Self {
        Self(match policy {
            Some(policy) => provider.with_policy(policy.0),
            None => provider,
        })
    }
}

#[pymethods]
impl DatabaseConfigProvider {
    #[new]
    #[pyo3(signature = (url, *, migration_url=None, policy=None))]
    fn new(
        url: UrlText,
        migration_url: Option<UrlText>,
        policy: Option<PyRef<'_, Policy>>,
    ) -> Self {
        let mut provider = limbeck_url::DatabaseConfigProvider::new(url.reveal());
        if let Some(migration_url) = migration_url {
            provider = provider.with_migration_url(migration_url.reveal());
        }
        Self::with_policy(provider, policy)
    }

    /// Creates a provider from the variables of the process (or a mapping), and of a file if it exists.
    #[staticmethod]
    #[pyo3(
        signature = (*, environ=None, env_file=Some(PathBuf::from(".env")), policy=None),
        text_signature = "(*, environ=None, env_file='.env', policy=None)"
    )]
    fn from_env(
        py: Python<'_>,
        environ: Option<Bound<'_, PyMapping>>,
        env_file: Option<PathBuf>,
        policy: Option<PyRef<'_, Policy>>,
    ) -> PyResult<Self> {
        let environ = match environ {
            Some(environ) => environ,
            None => py.import("os")?.getattr("environ")?.cast_into()?,
        };
        let variable = |name: &str| environ.get_item(name).ok()?.extract().ok();
        let file = env_file
            .as_deref()
            .map(read_env_file)
            .transpose()?
            .flatten();
        limbeck_url::DatabaseConfigProvider::from_variables(&variable, file.as_deref())
            .map(|provider| Self::with_policy(provider, policy))
            .map_err(|error| to_exception(py, error))
    }

    #[getter]
    fn application_source(&self) -> UrlSource {
        UrlSource(self.0.application_source().clone())
    }

    #[getter]
    fn migration_source(&self) -> UrlSource {
        UrlSource(self.0.migration_source().clone())
    }

    #[pyo3(signature = (driver=None))]
    fn sync_conversion(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<Conversion> {
        let url = self.0.allowed_migration_url();
        Conversion::from_result(
            py,
            url.and_then(|url| DriverMode::Sync.convert(url.reveal_clear_text(), driver)),
        )
    }

    #[pyo3(signature = (driver=None))]
    fn async_conversion(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<Conversion> {
        let url = self.0.allowed_application_url();
        Conversion::from_result(
            py,
            url.and_then(|url| DriverMode::Async.convert(url.reveal_clear_text(), driver)),
        )
    }

    #[pyo3(signature = (driver=None))]
    fn sync_database_url(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<String> {
        self.sync_conversion(py, driver)?.complete_url(py)
    }

    #[pyo3(signature = (driver=None))]
    fn async_database_url(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<String> {
        self.async_conversion(py, driver)?.complete_url(py)
    }

    #[pyo3(signature = (driver=None))]
    fn get_sync_database_url(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<String> {
        self.sync_database_url(py, driver)
    }

    #[pyo3(signature = (driver=None))]
    fn get_async_database_url(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<String> {
        self.async_database_url(py, driver)
    }

    fn __repr__(&self) -> String {
        let (application, migration) = (self.0.application_source(), self.0.migration_source());
        format!("<DatabaseConfigProvider application={application} migration={migration}>")
    }
}

/// Returns the text of a `.env` file, or `None` if there is no file. A directory of that name is a virtual environment.
fn read_env_file(path: &Path) -> PyResult<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
            Ok(None)
        }
        Err(error) => Err(PyOSError::new_err(format!(
            "could not read `{}`: {error}",
            path.display()
        ))),
    }
}
