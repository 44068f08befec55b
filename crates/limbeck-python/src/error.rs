//! Conversion of errors and warnings to the package's Python classes.

use limbeck_url::{ConvertError, Warning};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

// The classes are written in Python: with the stable ABI, a Rust class can't extend an exception on every version.

/// Returns the `limbeck.ConvertError` for an error.
pub(crate) fn to_exception(py: Python<'_>, error: ConvertError) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let ConvertError {
        kind,
        parameter,
        message,
        help,
        ..
    } = error;
    let exception = CLASS
        .import(py, "limbeck._errors", "ConvertError")
        .and_then(|class| class.call1((message, kind.to_string(), parameter, help)));
    exception.map_or_else(|error| error, PyErr::from_value)
}

/// Returns the `limbeck.ConversionWarning` for a warning.
pub(crate) fn to_python_warning<'py>(
    py: Python<'py>,
    warning: &Warning,
) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS
        .import(py, "limbeck._errors", "ConversionWarning")?
        .call1((&warning.message, &warning.parameter))
}
