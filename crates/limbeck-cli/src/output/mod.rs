//! Output: results, messages, progress, and the report. [`redact`] masks secrets in all of them.

pub(crate) mod failure;
pub(crate) mod message;
pub(crate) mod notices;
pub(crate) mod paths;
pub(crate) mod printer;
pub(crate) mod progress;
pub(crate) mod redact;
pub(crate) mod report;
