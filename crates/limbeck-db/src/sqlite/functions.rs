//! Calls of SQL functions that the client executes.

use std::sync::mpsc::Sender;

use tokio::sync::mpsc::UnboundedSender;

use crate::Value;

/// A call of a function by a running statement, which waits for the answer.
#[derive(Debug)]
pub struct FunctionCall {
    /// The registered name of the function.
    pub name: String,
    /// The arguments.
    pub arguments: Vec<Value>,
    /// Receives the result, or the text of the error that ends the statement.
    pub answer: Sender<Result<Value, String>>,
}

/// The channel for calls.
pub type FunctionCallSender = UnboundedSender<FunctionCall>;
