//! Runs Alembic migrations over a connection that Rust owns.
