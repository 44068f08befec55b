//! The stages of a COPY.

use bytes::Bytes;

use crate::Outcome;

/// The first answer to a query that may be a COPY.
#[derive(Debug)]
pub enum CopyStart {
    /// The server waits for data: COPY … FROM STDIN.
    In(CopyFormat),
    /// The server sends data: COPY … TO STDOUT.
    Out(CopyFormat),
    /// The query was no such COPY.
    Finished(Outcome),
}

/// The format of a COPY's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyFormat {
    /// `true` for `FORMAT binary`, `false` for text and CSV.
    pub is_binary: bool,
    /// The number of columns.
    pub columns: usize,
}

/// Received data of a COPY.
#[derive(Debug)]
pub enum CopyChunk {
    /// The next messages. `PostgreSQL` sends a row in each.
    Data(Vec<Bytes>),
    /// The end of the data.
    Finished(Outcome),
}
