//! Rows of the tables, and the statements that read them.

pub mod categories;
pub mod customers;
pub mod orders;
pub mod products;
pub mod tags;
