//! Every recording of the real tool, and how it is compared.

mod autogenerate;
mod batch;
mod broken_scripts;
mod configuration;
mod identifiers;
mod listings;
mod postgres_runs;
mod revisions;
mod rows;
mod templates;
mod terminal;
mod usage;
