//! Text that `Debug` and `Display` don't print.

use std::fmt;

/// A secret text, such as a password or a whole URL. `Debug` and `Display` print `***`.
///
/// ```
/// let secret = limbeck_url::Secret::new("hunter2");
/// assert_eq!(secret.to_string(), "***");
/// assert_eq!(secret.reveal_clear_text(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Creates a secret from a clear text.
    pub fn new(clear: impl Into<String>) -> Self {
        Self(clear.into())
    }

    /// Returns the clear text. It is for drivers and the wire protocol, not for output.
    pub fn reveal_clear_text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn neither_display_nor_debug_prints_the_text() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.reveal_clear_text(), "hunter2");
    }
}
