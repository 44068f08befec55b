//! Rows of orders and their lines.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;

use crate::database::Transaction;
use crate::error::{Error, Result};
use crate::price::Price;
use crate::values::{Document, Limit, Offset};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "order_status", rename_all = "lowercase")]
pub enum Status {
    Pending,
    Paid,
    Shipped,
    Cancelled,
    Refunded,
}

impl Status {
    /// Returns `true` if an order can change from this status to `next`.
    pub fn leads_to(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending, Self::Paid | Self::Cancelled)
                | (Self::Paid, Self::Shipped | Self::Refunded)
                | (Self::Shipped, Self::Refunded)
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

#[derive(Default, Deserialize)]
pub struct Filter {
    status: Option<Status>,
    customer_id: Option<i32>,
    #[serde(default)]
    limit: Limit,
    #[serde(default)]
    offset: Offset,
}

#[derive(FromRow, Serialize)]
pub struct Order {
    id: i32,
    pub status: Status,
    total: Price,
    /// SQLAlchemy writes JSON's `null` for an order without an address.
    shipping_address: Option<Json<Option<Document>>>,
    placed_at: DateTime<Utc>,
    #[sqlx(flatten)]
    customer: Customer,
    #[sqlx(skip)]
    lines: Vec<Line>,
}

#[derive(FromRow, Serialize)]
struct Customer {
    #[sqlx(rename = "customer_id")]
    id: i32,
    email: String,
}

#[derive(FromRow, Serialize)]
struct Line {
    #[serde(skip)]
    order_id: i32,
    #[sqlx(flatten)]
    product: Product,
    quantity: i32,
    unit_price: Price,
}

#[derive(FromRow, Serialize)]
struct Product {
    #[sqlx(rename = "product_id")]
    id: i32,
    sku: String,
    name: String,
}

pub async fn load(transaction: &mut Transaction, id: i32) -> Result<Order> {
    let found = select(transaction, Some(id), &Filter::default()).await?;
    found.into_iter().next().ok_or(Error::NotFound("order"))
}

pub async fn select(
    transaction: &mut Transaction,
    id: Option<i32>,
    filter: &Filter,
) -> Result<Vec<Order>> {
    let mut orders: Vec<Order> = transaction
        .all(
            "SELECT orders.id, status, total, shipping_address, placed_at, customer_id, email \
             FROM orders JOIN customers ON customers.id = customer_id \
             WHERE ($1 IS NULL OR orders.id = $1) AND ($2 IS NULL OR status = $2) \
             AND ($3 IS NULL OR customer_id = $3) ORDER BY placed_at, orders.id LIMIT $4 OFFSET $5",
            &[
                &id,
                &filter.status,
                &filter.customer_id,
                &filter.limit,
                &filter.offset,
            ],
        )
        .await?;
    let ids: Vec<i32> = orders.iter().map(|order| order.id).collect();
    let mut lines: Vec<Line> = transaction
        .all_of(
            "SELECT order_id, product_id, sku, name, quantity, unit_price \
             FROM order_lines JOIN products ON products.id = product_id WHERE order_id",
            &ids,
            "ORDER BY order_lines.id",
        )
        .await?;
    for order in &mut orders {
        let own = lines.extract_if(.., |line| line.order_id == order.id);
        order.lines = own.collect();
    }
    Ok(orders)
}
