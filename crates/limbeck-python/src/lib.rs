//! The extension module `limbeck._limbeck`: `limbeck-url` for Python.

mod conversion;
mod error;
mod provider;
mod text;

/// The extension module. `python/limbeck` has the package's Python sources and the types in `_limbeck.pyi`.
#[pyo3::pymodule]
mod _limbeck {
    #[pymodule_export]
    use crate::conversion::{
        Conversion, convert, ensure_async_database_url, ensure_sync_database_url,
    };
    #[pymodule_export]
    use crate::provider::{DatabaseConfigProvider, Policy, UrlSource};

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
