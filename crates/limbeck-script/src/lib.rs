//! Reads Alembic revision scripts without running them, and runs Python where it must.

pub mod environment;
pub mod interpreter;
pub mod worker;
