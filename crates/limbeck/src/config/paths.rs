//! Splitting of path lists in the ini.

use super::ConfigError;

/// Splits a list at `separator`, a value of `path_separator`. Without a separator, splits at the characters of `legacy`, as
/// older versions of Alembic do.
pub(super) fn split(
    text: &str,
    separator: Option<&str>,
    legacy: &[char],
) -> Result<Vec<String>, ConfigError> {
    let parts: Vec<&str> = match separator {
        None => text.split(legacy).collect(),
        Some("os" | ":") => text.split(':').collect(),
        Some(";") => text.split(';').collect(),
        Some("space") => text.split(' ').collect(),
        Some("newline") => text.split('\n').collect(),
        Some(other) => {
            return Err(ConfigError::Value(format!(
                "`{other}` is not a valid path_separator; expected 'space', 'newline', 'os', ':' or ';'"
            )));
        }
    };
    Ok(parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect())
}
