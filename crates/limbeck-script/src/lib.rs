//! Reads Alembic revision scripts without running them, and runs Python where it must.
