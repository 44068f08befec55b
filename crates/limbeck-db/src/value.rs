//! What a server takes and gives: values, columns, result sets.

/// One value of a row or of a parameter list.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// A 64-bit integer; only `SQLite` sends these, the others send text.
    Integer(i64),
    /// A double; only `SQLite` sends these.
    Real(f64),
    /// Text in UTF-8.
    Text(String),
    /// Bytes: a `SQLite` blob, a `MySQL` value of a binary column, or a server's text that is not UTF-8.
    Blob(Vec<u8>),
    /// Text of `SQLite` that is not UTF-8, which is no blob to it.
    BrokenText(Vec<u8>),
}

/// A column of a result set, as the server described it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// `PostgreSQL`: type OID; `MySQL`: protocol type; `SQLite`: 0.
    pub type_code: u32,
    /// `PostgreSQL`: type modifier; `MySQL`: column length; `SQLite`: 0.
    pub modifier: i64,
    /// `MySQL`: column flags; else 0.
    pub flags: u32,
    /// `MySQL`: character set number (63 is binary); else 0.
    pub charset: u16,
    /// `SQLite`: the type that a table's column was declared with.
    pub declared: Option<String>,
}

/// What one statement gave back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResultSet {
    /// The columns, when the statement returns rows (also when it returned none).
    pub columns: Option<Vec<Column>>,
    /// The rows, in the server's order.
    pub rows: Vec<Vec<Value>>,
    /// Rows affected (or returned), where the server says so.
    pub affected: Option<u64>,
    /// `PostgreSQL`: the command tag; else empty.
    pub tag: String,
    /// `MySQL` and `SQLite`: the last inserted row's id.
    pub last_insert_id: Option<i64>,
}

/// A message of the server that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `NOTICE`, `WARNING`, `INFO`, …
    pub severity: String,
    /// The message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Where the session stands after a call.
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

/// What one call to [`crate::Session::execute`] gave back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// A result for each statement of the text, in order.
    pub results: Vec<ResultSet>,
    /// What the server said besides.
    pub notices: Vec<Notice>,
}
