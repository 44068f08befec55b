//! A database URL as Python code has it: a text, or an object that holds one.

use limbeck_url::{ConvertError, ErrorKind, Secret};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyString};

use crate::error::raise;

/// A URL out of a `str`, SQLAlchemy's `URL`, or pydantic's types; no library is imported for it.
pub(crate) struct UrlText(Secret);

impl UrlText {
    pub(crate) fn reveal(&self) -> &str {
        self.0.reveal_clear_text()
    }
}

impl<'py> FromPyObject<'_, 'py> for UrlText {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = match given.cast::<PyString>() {
            Ok(text) => text.to_owned(),
            Err(_) => clear_text(&given)?,
        };
        // The codec's own error would carry the whole text.
        let text = text.to_cow().map_err(|_| {
            let why = "the URL holds characters that no encoding has (lone surrogates)";
            raise(given.py(), ConvertError::new(ErrorKind::InvalidUrl, why))
        })?;
        Ok(Self(Secret::new(text)))
    }
}

/// The text of an object that hides a part of it from `str()`, or has another method for it.
fn clear_text<'py>(given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let found = if let Some(render) = given.getattr_opt("render_as_string")? {
        let shown = [("hide_password", false)].into_py_dict(given.py())?;
        Some(render.call((), Some(&shown))?)
    } else if let Some(secret) = given.getattr_opt("get_secret_value")? {
        let secret = secret.call0()?;
        match secret.cast_into::<PyString>() {
            Ok(text) => return Ok(text),
            Err(error) => return clear_text(&error.into_inner()),
        }
    } else if let Some(unicode) = given.getattr_opt("unicode_string")? {
        Some(unicode.call0()?)
    } else {
        None
    };
    found.and_then(|text| text.cast_into().ok()).ok_or_else(|| {
        let kind = given.get_type();
        let name = kind.name().map_or_else(|_| "?".into(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "a database URL is a `str`, SQLAlchemy's `URL`, or pydantic's URL or `SecretStr`, and not a `{name}`"
        ))
    })
}
