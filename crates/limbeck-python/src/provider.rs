//! `DatabaseConfigProvider`, its policy, and where its values come from.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use limbeck_url::TlsLevel;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::conversion::{Conversion, Side};
use crate::error::raise;
use crate::text::UrlText;

/// What an environment demands of a connection.
#[pyclass(frozen, eq, module = "limbeck")]
#[derive(PartialEq)]
pub(crate) struct Policy(limbeck_url::Policy);

#[pymethods]
impl Policy {
    /// Production: the server's certificate and name are verified, and it is another machine.
    #[classattr]
    const PRODUCTION: Self = Self(limbeck_url::Policy::PRODUCTION);

    #[new]
    #[pyo3(signature = (*, tls=None, refuses_local=false))]
    fn new(tls: Option<&str>, refuses_local: bool) -> PyResult<Self> {
        let level = |name: &str| {
            TlsLevel::named(name).ok_or_else(|| {
                PyValueError::new_err(format!(
                    "`tls` is one of libpq's words for `sslmode` (`require`, `verify-full`, …), and not `{name}`"
                ))
            })
        };
        Ok(Self(limbeck_url::Policy {
            tls: tls.map(level).transpose()?,
            refuses_local,
        }))
    }

    #[getter]
    fn tls(&self) -> Option<&'static str> {
        self.0.tls.map(TlsLevel::name)
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

/// Where a value was found.
#[pyclass(frozen, eq, module = "limbeck")]
#[derive(PartialEq)]
pub(crate) struct Origin(limbeck_url::Origin);

#[pymethods]
impl Origin {
    /// `given`, `variable`, `dotenv` or `parts`.
    #[getter]
    fn kind(&self) -> &'static str {
        match &self.0 {
            limbeck_url::Origin::Variable(_) => "variable",
            limbeck_url::Origin::DotEnv(..) => "dotenv",
            limbeck_url::Origin::Parts(_) => "parts",
            _ => "given",
        }
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Origin {}>", self.0)
    }
}

/// The synchronous URL for migrations and the asynchronous one for the application, from one place.
#[pyclass(frozen, module = "limbeck")]
pub(crate) struct DatabaseConfigProvider(limbeck_url::DatabaseConfigProvider);

impl DatabaseConfigProvider {
    fn under(
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
        Self::under(provider, policy)
    }

    /// From the process's variables (or a mapping's) and those of a file, when it is there.
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
        let file = env_file.as_deref().map(read).transpose()?.flatten();
        limbeck_url::DatabaseConfigProvider::from_variables(&variable, file.as_deref())
            .map(|provider| Self::under(provider, policy))
            .map_err(|error| raise(py, error))
    }

    #[getter]
    fn application_origin(&self) -> Origin {
        Origin(self.0.application_origin().clone())
    }

    #[getter]
    fn migration_origin(&self) -> Origin {
        Origin(self.0.migration_origin().clone())
    }

    #[pyo3(signature = (driver=None))]
    fn sync_conversion(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<Conversion> {
        let found = self.0.allowed_migration_url();
        Conversion::of(
            py,
            found.and_then(|url| Side::Sync.convert(url.reveal_clear_text(), driver)),
        )
    }

    #[pyo3(signature = (driver=None))]
    fn async_conversion(&self, py: Python<'_>, driver: Option<&str>) -> PyResult<Conversion> {
        let found = self.0.allowed_application_url();
        Conversion::of(
            py,
            found.and_then(|url| Side::Async.convert(url.reveal_clear_text(), driver)),
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
        let (application, migration) = (self.0.application_origin(), self.0.migration_origin());
        format!("<DatabaseConfigProvider application={application} migration={migration}>")
    }
}

/// The text of a `.env` file; none where there is no file (a folder of that name is a virtual environment).
fn read(path: &Path) -> PyResult<Option<String>> {
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
