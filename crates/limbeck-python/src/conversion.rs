//! The class `Conversion` and the conversion functions.

use limbeck_url::{
    ArgumentValue, ConnectionInfo, ConvertError, Driver, ErrorKind, Target, TlsContext,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyDict, PyTuple};

use crate::error::{to_exception, to_python_warning};
use crate::text::UrlText;

/// The kind of driver to convert to.
#[derive(Clone, Copy)]
pub(crate) enum DriverMode {
    Sync,
    Async,
}

impl DriverMode {
    fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Async => "async",
        }
    }

    fn accepts(self, driver: Driver) -> bool {
        match self {
            // psycopg is synchronous and asynchronous.
            Self::Sync => !driver.is_async() || driver == Driver::Psycopg,
            Self::Async => driver.is_async(),
        }
    }

    /// Converts a URL to the given driver, or by default to the one of `ensure_sync_database_url` or
    /// `ensure_async_database_url`.
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
        if !target.driver.is_sqlalchemy() || !self.accepts(target.driver) {
            return Err(ConvertError::new(
                ErrorKind::UnsupportedScheme,
                format!(
                    "`{target}` is not a driver for SQLAlchemy's {} engines",
                    self.name()
                ),
            ));
        }
        limbeck_url::convert(url, target)
    }
}

/// Converts a URL to the URL and keyword arguments that give another driver the same connection.
#[pyfunction]
pub(crate) fn convert(py: Python<'_>, url: UrlText, target: &str) -> PyResult<Conversion> {
    let converted = match target {
        "sync" => DriverMode::Sync.convert(url.reveal(), None),
        "async" => DriverMode::Async.convert(url.reveal(), None),
        name => limbeck_url::convert_to(url.reveal(), name),
    };
    Conversion::from_result(py, converted)
}

/// Converts a URL to one with a synchronous driver, for migrations. A synchronous driver stays.
#[pyfunction]
#[pyo3(signature = (url, driver=None))]
pub(crate) fn ensure_sync_database_url(
    py: Python<'_>,
    url: UrlText,
    driver: Option<&str>,
) -> PyResult<String> {
    Conversion::from_result(py, DriverMode::Sync.convert(url.reveal(), driver))?.complete_url(py)
}

/// Converts a URL to one with an asynchronous driver, for an application. An asynchronous driver stays.
#[pyfunction]
#[pyo3(signature = (url, driver=None))]
pub(crate) fn ensure_async_database_url(
    py: Python<'_>,
    url: UrlText,
    driver: Option<&str>,
) -> PyResult<String> {
    Conversion::from_result(py, DriverMode::Async.convert(url.reveal(), driver))?.complete_url(py)
}

/// A URL for a driver, with the keyword arguments that the driver needs.
#[pyclass(frozen, module = "limbeck")]
pub(crate) struct Conversion(limbeck_url::Conversion);

impl Conversion {
    /// Wraps the result of a conversion, and turns an error into an exception.
    pub(crate) fn from_result(
        py: Python<'_>,
        converted: Result<limbeck_url::Conversion, ConvertError>,
    ) -> PyResult<Self> {
        converted.map(Self).map_err(|error| to_exception(py, error))
    }

    /// Returns the URL, if the driver needs no keyword arguments, and passes its warnings to Python's `warnings`.
    pub(crate) fn complete_url(&self, py: Python<'_>) -> PyResult<String> {
        if let Some((name, _)) = self.0.connect_args.first() {
            let scheme = self.0.reveal_url().split(':').next().unwrap_or_default();
            let mut error = ConvertError::new(
                ErrorKind::InexpressibleParameter,
                format!(
                    "a URL of `{scheme}` can't express `{name}`: the driver needs keyword arguments"
                ),
            );
            error.parameter = Some(name.clone());
            error.help = Some(format!(
                "use `limbeck.convert(url, \"{scheme}\")`, and pass its `connect_args` to the engine"
            ));
            return Err(to_exception(py, error));
        }
        for warning in &self.0.warnings {
            py.import("warnings")?
                .call_method1("warn", (to_python_warning(py, warning)?,))?;
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
            arguments.set_item(name, argument_value(py, value)?)?;
        }
        Ok(arguments)
    }

    #[getter]
    fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let warnings = self.0.warnings.iter();
        let warnings = warnings.map(|warning| to_python_warning(py, warning));
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

/// Returns the Python object for the value of a keyword argument.
fn argument_value<'py>(py: Python<'py>, value: &ArgumentValue) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        ArgumentValue::None => py.None().into_bound(py),
        ArgumentValue::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        ArgumentValue::Integer(number) => number.into_pyobject(py)?.into_any(),
        ArgumentValue::Text(text) => text.into_pyobject(py)?.into_any(),
        ArgumentValue::Map(pairs) => pairs.iter().cloned().into_py_dict(py)?.into_any(),
        ArgumentValue::TlsContext(context) => tls_context(py, context)?,
    })
}

/// Creates an `ssl.SSLContext`. The slow import of `ssl` happens on first use.
fn tls_context<'py>(py: Python<'py>, context: &TlsContext) -> PyResult<Bound<'py, PyAny>> {
    static TLS_CONTEXT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let password = context.client_key_password.as_ref();
    TLS_CONTEXT
        .import(py, "limbeck._tls", "tls_context")?
        .call1((
            &context.root_certificates,
            context.verify_certificate,
            context.check_hostname,
            &context.client_certificate,
            &context.client_key,
            password.map(limbeck_url::Secret::reveal_clear_text),
            &context.revocation_list,
        ))
}
