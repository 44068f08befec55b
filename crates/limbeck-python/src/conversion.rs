//! Conversions, and what they are made of for `create_engine`.

use limbeck_url::{Argument, ConnectionInfo, ConvertError, Driver, ErrorKind, Target, TlsContext};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyDict, PyTuple};

use crate::error::{raise, warning};
use crate::text::UrlText;

/// Which of an application's two URLs.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Sync,
    Async,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Async => "async",
        }
    }

    fn takes(self, driver: Driver) -> bool {
        match self {
            // psycopg is both.
            Self::Sync => !driver.is_async() || driver == Driver::Psycopg,
            Self::Async => driver.is_async(),
        }
    }

    /// The conversion with a driver that is asked for, or with the one that most projects have.
    pub(crate) fn convert(
        self,
        url: &str,
        driver: Option<&str>,
    ) -> Result<limbeck_url::Conversion, ConvertError> {
        let Some(driver) = driver else {
            return match self {
                Self::Sync => limbeck_url::ensure_sync_database_url(url),
                Self::Async => limbeck_url::ensure_async_database_url(url),
            };
        };
        let name = if driver.contains('+') {
            driver.to_owned()
        } else {
            let (info, _) = ConnectionInfo::parse(url)?;
            format!("{}+{driver}", info.backend.name())
        };
        let target: Target = name.parse()?;
        if !target.driver.is_sqlalchemy() || !self.takes(target.driver) {
            return Err(ConvertError::new(
                ErrorKind::UnsupportedScheme,
                format!(
                    "`{target}` is no driver for SQLAlchemy's {} engines",
                    self.name()
                ),
            ));
        }
        limbeck_url::convert(url, target)
    }
}

/// The URL that means to `target` what `url` means.
#[pyfunction]
pub(crate) fn convert(py: Python<'_>, url: UrlText, target: &str) -> PyResult<Conversion> {
    let converted = match target {
        "sync" => Side::Sync.convert(url.reveal(), None),
        "async" => Side::Async.convert(url.reveal(), None),
        name => limbeck_url::convert_to(url.reveal(), name),
    };
    Conversion::of(py, converted)
}

/// The URL for migrations with a synchronous driver; one that has such a driver keeps it.
#[pyfunction]
#[pyo3(signature = (url, driver=None))]
pub(crate) fn ensure_sync_database_url(
    py: Python<'_>,
    url: UrlText,
    driver: Option<&str>,
) -> PyResult<String> {
    Conversion::of(py, Side::Sync.convert(url.reveal(), driver))?.complete_url(py)
}

/// The URL for an application with SQLAlchemy's asyncio extension; one with such a driver keeps it.
#[pyfunction]
#[pyo3(signature = (url, driver=None))]
pub(crate) fn ensure_async_database_url(
    py: Python<'_>,
    url: UrlText,
    driver: Option<&str>,
) -> PyResult<String> {
    Conversion::of(py, Side::Async.convert(url.reveal(), driver))?.complete_url(py)
}

/// A URL for a driver, and what goes beside it.
#[pyclass(frozen, module = "limbeck")]
pub(crate) struct Conversion(limbeck_url::Conversion);

impl Conversion {
    pub(crate) fn of(
        py: Python<'_>,
        converted: Result<limbeck_url::Conversion, ConvertError>,
    ) -> PyResult<Self> {
        converted.map(Self).map_err(|error| raise(py, error))
    }

    /// The URL, where it says everything; its warnings go to Python's.
    pub(crate) fn complete_url(&self, py: Python<'_>) -> PyResult<String> {
        if let Some((name, _)) = self.0.connect_args.first() {
            let scheme = self.0.reveal_url().split(':').next().unwrap_or_default();
            let mut error = ConvertError::new(
                ErrorKind::InexpressibleParameter,
                format!(
                    "a URL of `{scheme}` can't say `{name}`: keyword arguments are needed beside it"
                ),
            );
            error.parameter = Some(name.clone());
            error.help = Some(format!(
                "use `limbeck.convert(url, \"{scheme}\")`, and give its `connect_args` to the engine, too"
            ));
            return Err(raise(py, error));
        }
        for each in &self.0.warnings {
            py.import("warnings")?
                .call_method1("warn", (warning(py, each)?,))?;
        }
        Ok(self.0.reveal_url().to_owned())
    }
}

#[pymethods]
impl Conversion {
    #[getter]
    fn url(&self) -> &str {
        self.0.reveal_url()
    }

    #[getter]
    fn url_for_ini(&self) -> String {
        self.0.reveal_url_for_ini()
    }

    #[getter]
    fn connect_args<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arguments = PyDict::new(py);
        for (name, value) in &self.0.connect_args {
            arguments.set_item(name, argument(py, value)?)?;
        }
        Ok(arguments)
    }

    #[getter]
    fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let warnings = self.0.warnings.iter().map(|each| warning(py, each));
        PyTuple::new(py, warnings.collect::<PyResult<Vec<_>>>()?)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        let names = self.0.connect_args.iter().map(|(name, _)| name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        if names.is_empty() {
            format!("<Conversion {}>", self.0)
        } else {
            format!("<Conversion {} with {names}>", self.0)
        }
    }
}

fn argument<'py>(py: Python<'py>, value: &Argument) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Argument::None => py.None().into_bound(py),
        Argument::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Argument::Integer(number) => number.into_pyobject(py)?.into_any(),
        Argument::Text(text) => text.into_pyobject(py)?.into_any(),
        Argument::Map(pairs) => pairs.iter().cloned().into_py_dict(py)?.into_any(),
        Argument::TlsContext(context) => tls_context(py, context)?,
    })
}

/// An `ssl.SSLContext`. Its module takes a while to import, so only who needs one pays for it.
fn tls_context<'py>(py: Python<'py>, context: &TlsContext) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let password = context.key_password.as_ref();
    MAKE.import(py, "limbeck._tls", "tls_context")?.call1((
        &context.authorities,
        context.verify,
        context.check_hostname,
        &context.certificate,
        &context.key,
        password.map(limbeck_url::Secret::reveal_clear_text),
        &context.revoked,
    ))
}
