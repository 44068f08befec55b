//! Every recording of the real tool, and how it is compared.

mod identifiers;
mod listings;
