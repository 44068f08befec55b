//! Errors and warnings as the package's exceptions.

use limbeck_url::{ConvertError, Warning};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

// The classes are Python's: the stable interface lets no Rust class extend an exception on every version.

/// `limbeck.ConvertError`, with what the error says.
pub(crate) fn raise(py: Python<'_>, error: ConvertError) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let ConvertError {
        kind,
        parameter,
        message,
        help,
    } = error;
    let made = CLASS
        .import(py, "limbeck._errors", "ConvertError")
        .and_then(|class| class.call1((message, kind.to_string(), parameter, help)));
    made.map_or_else(|why| why, PyErr::from_value)
}

/// `limbeck.ConversionWarning`, to be kept or given to `warnings.warn`.
pub(crate) fn warning<'py>(py: Python<'py>, warning: &Warning) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS
        .import(py, "limbeck._errors", "ConversionWarning")?
        .call1((&warning.message, &warning.parameter))
}
