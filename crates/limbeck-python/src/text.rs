//! Extraction of database URLs from Python objects.

use limbeck_url::{ConvertError, ErrorKind, Secret};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyString};

use crate::error::to_exception;

/// The text of a `str`, SQLAlchemy's `URL`, or pydantic's types. No library is imported to recognize them.
pub(crate) struct UrlText(Secret);

impl UrlText {
    pub(crate) fn reveal(&self) -> &str {
        self.0.reveal_clear_text()
    }
}

impl<'py> FromPyObject<'_, 'py> for UrlText {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = match object.cast::<PyString>() {
            Ok(text) => text.to_owned(),
            Err(_) => clear_text(&object)?,
        };
        // The codec's error would contain the whole text.
        let text = text.to_cow().map_err(|_| {
            let message = "the URL contains lone surrogates, which can't be encoded";
            to_exception(
                object.py(),
                ConvertError::new(ErrorKind::InvalidUrl, message),
            )
        })?;
        Ok(Self(Secret::new(text)))
    }
}

/// Returns the clear text of an object whose `str()` masks a part, or that has another method for the text.
fn clear_text<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let found = if let Some(render) = object.getattr_opt("render_as_string")? {
        let options = [("hide_password", false)].into_py_dict(object.py())?;
        Some(render.call((), Some(&options))?)
    } else if let Some(secret) = object.getattr_opt("get_secret_value")? {
        let secret = secret.call0()?;
        match secret.cast_into::<PyString>() {
            Ok(text) => return Ok(text),
            Err(error) => return clear_text(&error.into_inner()),
        }
    } else if let Some(unicode) = object.getattr_opt("unicode_string")? {
        Some(unicode.call0()?)
    } else {
        None
    };
    found.and_then(|text| text.cast_into().ok()).ok_or_else(|| {
        let kind = object.get_type();
        let name = kind.name().map_or_else(|_| "?".into(), |name| name.to_string());
        PyTypeError::new_err(format!(
            "a database URL must be a `str`, SQLAlchemy's `URL`, or pydantic's URL or `SecretStr`, not a `{name}`"
        ))
    })
}
