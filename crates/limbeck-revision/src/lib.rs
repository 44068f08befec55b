//! Names Alembic revisions, holds their graph, resolves targets, and makes the plan.
