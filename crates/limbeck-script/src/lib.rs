//! Reads Alembic revision scripts without running them, and runs Python where it must.

pub mod directory;
pub mod environment;
pub mod header;
pub mod interpreter;
pub mod repair;
mod side_effects;
mod syntax;
pub mod worker;
