//! Routes of products, with their attributes, category and tags.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Deserializer};

use crate::database::Database;
use crate::error::{Error, Result};
use crate::price::Price;
use crate::request::{Body, Path, Query};
use crate::rows::products::{Filter, Product, Status, load, select};
use crate::rows::tags;
use crate::values::{Document, ProductName, Sku, Stock, Tag};

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/products", post(create).get(find))
        .route("/products/{id}", get(read).patch(change).delete(delete))
}

#[derive(Deserialize)]
struct NewProduct {
    sku: Sku,
    name: ProductName,
    price: Price,
    #[serde(default)]
    stock: Stock,
    #[serde(default)]
    status: Status,
    #[serde(default)]
    attributes: Document,
    category_id: Option<i32>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Change {
    name: Option<ProductName>,
    price: Option<Price>,
    stock: Option<Stock>,
    status: Option<Status>,
    attributes: Option<Document>,
    /// `null` removes the category. A missing value keeps it.
    #[serde(default, deserialize_with = "given")]
    category_id: Option<Option<i32>>,
    tags: Option<Vec<Tag>>,
}

fn given<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<Option<i32>>, D::Error> {
    Option::deserialize(from).map(Some)
}

async fn create(
    State(database): State<Database>,
    Body(new): Body<NewProduct>,
) -> Result<(StatusCode, Json<Product>)> {
    let slug = slug_of(new.name.as_ref(), new.sku.as_ref());
    let mut transaction = database.write().await?;
    let id = transaction
        .insert(
            "INSERT INTO products (sku, name, slug, price, stock, status, attributes, category_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
            &[
                &new.sku,
                &new.name,
                &slug,
                &new.price,
                &new.stock,
                &new.status,
                &new.attributes,
                &new.category_id,
            ],
        )
        .await?;
    tags::replace(&mut transaction, id, new.tags).await?;
    let product = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(product)))
}

async fn find(
    State(database): State<Database>,
    Query(filter): Query<Filter>,
) -> Result<Json<Vec<Product>>> {
    let mut transaction = database.read().await?;
    Ok(Json(select(&mut transaction, None, &filter).await?))
}

async fn read(State(database): State<Database>, Path(id): Path<i32>) -> Result<Json<Product>> {
    let mut transaction = database.read().await?;
    Ok(Json(load(&mut transaction, id).await?))
}

async fn change(
    State(database): State<Database>,
    Path(id): Path<i32>,
    Body(change): Body<Change>,
) -> Result<Json<Product>> {
    let mut transaction = database.write().await?;
    let before = load(&mut transaction, id).await?;
    let slug = change
        .name
        .as_ref()
        .map(|name| slug_of(name.as_ref(), &before.sku));
    transaction
        .execute(
            "UPDATE products SET name = COALESCE($2, name), slug = COALESCE($3, slug), price = COALESCE($4, price), \
             stock = COALESCE($5, stock), status = COALESCE($6, status), attributes = COALESCE($7, attributes), \
             category_id = CASE WHEN $8 THEN $9 ELSE category_id END WHERE id = $1",
            &[
                &id,
                &change.name,
                &slug,
                &change.price,
                &change.stock,
                &change.status,
                &change.attributes,
                &change.category_id.is_some(),
                &change.category_id.flatten(),
            ],
        )
        .await?;
    if let Some(tags) = change.tags {
        tags::replace(&mut transaction, id, tags).await?;
    }
    let product = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(Json(product))
}

async fn delete(State(database): State<Database>, Path(id): Path<i32>) -> Result<StatusCode> {
    let mut transaction = database.write().await?;
    let gone = transaction
        .execute("DELETE FROM products WHERE id = $1", &[&id])
        .await?;
    if gone == 0 {
        return Err(Error::NotFound("product"));
    }
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns a readable part of an address. The SKU makes it unique.
fn slug_of(name: &str, sku: &str) -> String {
    let text = format!("{name} {sku}").to_lowercase();
    let is_other = |c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit();
    let words: Vec<&str> = text
        .split(is_other)
        .filter(|word| !word.is_empty())
        .collect();
    words.join("-")
}
