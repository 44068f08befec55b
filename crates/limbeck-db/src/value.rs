//! Values, columns and results of statements.

use crate::Effect;

/// A value of a row or of a parameter list.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// A 64-bit integer. Only `SQLite` returns it; the other servers return text.
    Integer(i64),
    /// A double. Only `SQLite` returns it.
    Real(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes: a `SQLite` blob, a `MySQL` value of a binary column, or text of a server that is not UTF-8.
    Blob(Vec<u8>),
    /// `SQLite` text that is not UTF-8. `SQLite` distinguishes it from a blob.
    BrokenText(Vec<u8>),
}

/// A column of a result set, as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// `PostgreSQL`: type OID; `MySQL`: protocol type; `SQLite`: 0.
    pub type_code: u32,
    /// `PostgreSQL`: type modifier; `MySQL`: column length; `SQLite`: 0.
    pub modifier: i64,
    /// `MySQL`: column flags; otherwise 0.
    pub flags: u32,
    /// `MySQL`: character set number (63 is binary); otherwise 0.
    pub charset: u16,
    /// `SQLite`: the declared type of a table's column.
    pub declared: Option<String>,
}

/// The result of one statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResultSet {
    /// The columns, if the statement can return rows.
    pub columns: Option<Vec<Column>>,
    /// The rows, in the server's order.
    pub rows: Vec<Vec<Value>>,
    /// The number of rows affected or returned, if the server reports it.
    pub affected: Option<u64>,
    /// `PostgreSQL`: the command tag; otherwise empty.
    pub tag: String,
    /// The statement's effect.
    pub effect: Effect,
    /// `MySQL` and `SQLite`: the id of the last inserted row.
    pub last_insert_id: Option<i64>,
}

/// A message of the server that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, …
    pub severity: String,
    /// The message.
    pub message: String,
    /// Details of the message.
    pub detail: Option<String>,
    /// The server's suggestion.
    pub hint: Option<String>,
}

/// The state of a session's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransactionStatus {
    /// Outside a transaction.
    #[default]
    Idle,
    /// Inside a transaction.
    Open,
    /// Inside a transaction that failed and can only be rolled back.
    Failed,
}

/// The outcome of a call such as [`crate::Session::execute`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// One result for each statement of the text, in order.
    pub results: Vec<ResultSet>,
    /// The server's notices.
    pub notices: Vec<Notice>,
}

impl Outcome {
    /// Returns the first value of the first row.
    pub(crate) fn first_value(&self) -> Option<&Value> {
        self.results.first()?.rows.first()?.first()
    }
}
