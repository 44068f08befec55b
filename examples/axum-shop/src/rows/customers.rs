//! Rows of customers and their addresses.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::database::Transaction;
use crate::error::{Error, Result};
use crate::values::{Document, Limit, Offset};

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "customer_tier", rename_all = "lowercase")]
pub enum Tier {
    #[default]
    Standard,
    Silver,
    Gold,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "address_kind", rename_all = "lowercase")]
pub enum AddressKind {
    Billing,
    Shipping,
}

#[derive(Default, Deserialize)]
pub struct Filter {
    tier: Option<Tier>,
    #[serde(default)]
    limit: Limit,
    #[serde(default)]
    offset: Offset,
}

#[derive(FromRow, Serialize)]
pub struct Address {
    #[serde(skip)]
    customer_id: i32,
    id: i32,
    kind: AddressKind,
    street: String,
    city: String,
    country: String,
}

#[derive(FromRow, Serialize)]
pub struct Customer {
    id: i32,
    email: String,
    full_name: String,
    tier: Tier,
    preferences: Document,
    created_at: DateTime<Utc>,
    #[sqlx(skip)]
    addresses: Vec<Address>,
}

pub async fn load(transaction: &mut Transaction, id: i32) -> Result<Customer> {
    let found = select(transaction, Some(id), &Filter::default()).await?;
    found.into_iter().next().ok_or(Error::NotFound("customer"))
}

pub async fn select(
    transaction: &mut Transaction,
    id: Option<i32>,
    filter: &Filter,
) -> Result<Vec<Customer>> {
    let mut customers: Vec<Customer> = transaction
        .all(
            "SELECT id, email, full_name, tier, preferences, created_at FROM customers \
             WHERE ($1 IS NULL OR id = $1) AND ($2 IS NULL OR tier = $2) ORDER BY id LIMIT $3 OFFSET $4",
            &[&id, &filter.tier, &filter.limit, &filter.offset],
        )
        .await?;
    let ids: Vec<i32> = customers.iter().map(|customer| customer.id).collect();
    let mut addresses: Vec<Address> = transaction
        .all_of(
            "SELECT customer_id, id, kind, street, city, country FROM addresses WHERE customer_id",
            &ids,
            "ORDER BY id",
        )
        .await?;
    for customer in &mut customers {
        let own = addresses.extract_if(.., |address| address.customer_id == customer.id);
        customer.addresses = own.collect();
    }
    Ok(customers)
}
