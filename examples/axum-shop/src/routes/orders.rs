//! Routes of orders, with their effect on the stock and their changes of status.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::database::{Database, Transaction};
use crate::error::{Error, Result};
use crate::price::Price;
use crate::request::{Body, Path, Query};
use crate::rows::orders::{Filter, Order, Status, load, select};
use crate::values::{Document, Quantity};

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/orders", post(create).get(find))
        .route("/orders/{id}", get(read).patch(change).delete(delete))
}

#[derive(Deserialize)]
struct NewOrder {
    customer_id: i32,
    lines: Vec<NewLine>,
    shipping_address_id: Option<i32>,
}

#[derive(Deserialize)]
struct NewLine {
    product_id: i32,
    quantity: Quantity,
}

#[derive(Deserialize)]
struct Change {
    status: Status,
}

async fn create(
    State(database): State<Database>,
    Body(new): Body<NewOrder>,
) -> Result<(StatusCode, Json<Order>)> {
    if new.lines.is_empty() {
        return Err(Error::Invalid("an order has at least one line".into()));
    }
    let mut transaction = database.write().await?;
    let sql = "SELECT id FROM customers WHERE id = $1";
    let customer: Option<(i32,)> = transaction.first(sql, &[&new.customer_id]).await?;
    if customer.is_none() {
        return Err(Error::NotFound("customer"));
    }
    let address = match new.shipping_address_id {
        Some(id) => Some(address_of(&mut transaction, new.customer_id, id).await?),
        None => None,
    };
    let lines = take(&mut transaction, &new.lines).await?;
    let total = lines.iter().fold(Price::ZERO, |total, (line, price)| {
        total.plus(price.times(line.quantity.0))
    });
    let id = transaction
        .insert(
            "INSERT INTO orders (customer_id, shipping_address, total) VALUES ($1, $2, $3) RETURNING id",
            &[&new.customer_id, &address, &total],
        )
        .await?;
    for (line, price) in lines {
        transaction
            .execute(
                "INSERT INTO order_lines (order_id, product_id, quantity, unit_price) VALUES ($1, $2, $3, $4)",
                &[&id, &line.product_id, &line.quantity, &price],
            )
            .await?;
    }
    let order = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(order)))
}

/// Returns a copy of the address. The order keeps the address that it was placed with.
async fn address_of(transaction: &mut Transaction, customer: i32, id: i32) -> Result<Document> {
    let found: Option<(String, String, String)> = transaction
        .first(
            "SELECT street, city, country FROM addresses WHERE id = $1 AND customer_id = $2",
            &[&id, &customer],
        )
        .await?;
    let (street, city, country) = found.ok_or(Error::NotFound("address of this customer"))?;
    let pairs = [("street", street), ("city", city), ("country", country)];
    let document = pairs.map(|(name, value)| (name.to_owned(), json!(value)));
    Ok(sqlx::types::Json(document.into_iter().collect()))
}

/// Takes the lines from the stock and returns the price of one piece for each.
async fn take<'a>(
    transaction: &mut Transaction,
    lines: &'a [NewLine],
) -> Result<Vec<(&'a NewLine, Price)>> {
    // Every request updates the products in the same order, so that two requests don't deadlock.
    let mut wanted: BTreeMap<i32, i64> = BTreeMap::new();
    for line in lines {
        *wanted.entry(line.product_id).or_default() += i64::from(line.quantity.0);
    }
    let mut prices = BTreeMap::new();
    for (product, quantity) in wanted {
        let known: Option<(Price,)> = transaction
            .first("SELECT price FROM products WHERE id = $1", &[&product])
            .await?;
        let (price,) = known.ok_or(Error::NotFound("product"))?;
        let taken = transaction
            .execute(
                "UPDATE products SET stock = stock - $2 WHERE id = $1 AND status = 'active' AND stock >= $2",
                &[&product, &quantity],
            )
            .await?;
        if taken == 0 {
            return Err(Error::Conflict(format!("not enough of product {product}")));
        }
        prices.insert(product, price);
    }
    let priced = lines.iter().map(|line| match prices.get(&line.product_id) {
        Some(price) => Ok((line, *price)),
        None => Err(Error::NotFound("product")),
    });
    priced.collect()
}

async fn find(
    State(database): State<Database>,
    Query(filter): Query<Filter>,
) -> Result<Json<Vec<Order>>> {
    let mut transaction = database.read().await?;
    Ok(Json(select(&mut transaction, None, &filter).await?))
}

async fn read(State(database): State<Database>, Path(id): Path<i32>) -> Result<Json<Order>> {
    let mut transaction = database.read().await?;
    Ok(Json(load(&mut transaction, id).await?))
}

async fn change(
    State(database): State<Database>,
    Path(id): Path<i32>,
    Body(Change { status }): Body<Change>,
) -> Result<Json<Order>> {
    let mut transaction = database.write().await?;
    let before = load(&mut transaction, id).await?;
    if !before.status.leads_to(status) {
        let text = format!("an order can't go from {} to {status}", before.status);
        return Err(Error::Conflict(text));
    }
    let moved = transaction
        .execute(
            "UPDATE orders SET status = $2 WHERE id = $1 AND status = $3",
            &[&id, &status, &before.status],
        )
        .await?;
    if moved == 0 {
        let text = "another request has changed the order meanwhile";
        return Err(Error::Conflict(text.into()));
    }
    if status == Status::Cancelled {
        give_back(&mut transaction, id).await?;
    }
    let order = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(Json(order))
}

async fn give_back(transaction: &mut Transaction, order: i32) -> Result<()> {
    let taken: Vec<(i32, i64)> = transaction
        .all(
            "SELECT product_id, SUM(quantity) FROM order_lines WHERE order_id = $1 \
             GROUP BY product_id ORDER BY product_id",
            &[&order],
        )
        .await?;
    for (product, quantity) in taken {
        let sql = "UPDATE products SET stock = stock + $2 WHERE id = $1";
        transaction.execute(sql, &[&product, &quantity]).await?;
    }
    Ok(())
}

async fn delete(State(database): State<Database>, Path(id): Path<i32>) -> Result<StatusCode> {
    let mut transaction = database.write().await?;
    if load(&mut transaction, id).await?.status != Status::Cancelled {
        let text = "only a cancelled order can be deleted";
        return Err(Error::Conflict(text.into()));
    }
    transaction
        .execute("DELETE FROM orders WHERE id = $1", &[&id])
        .await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
