//! What is read of the tables.

pub mod categories;
pub mod customers;
pub mod orders;
pub mod products;
pub mod tags;
