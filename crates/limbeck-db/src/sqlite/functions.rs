//! Functions that SQL calls and that somebody else carries out.

use std::sync::mpsc::Sender;

use tokio::sync::mpsc::UnboundedSender;

use crate::Value;

/// A call out of a running statement, which waits for the answer.
#[derive(Debug)]
pub struct FunctionCall {
    /// The function, as it was registered.
    pub name: String,
    /// What SQL gives to it.
    pub arguments: Vec<Value>,
    /// Takes the result, or the text of the error that the statement ends with.
    pub answer: Sender<Result<Value, String>>,
}

/// Where calls go.
pub type FunctionCallSender = UnboundedSender<FunctionCall>;
