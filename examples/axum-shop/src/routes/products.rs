//! Products, with what each has of its own, a category and tags.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Deserializer, Serialize};
use sqlx::FromRow;

use super::categories::Category;
use super::tags::{Tagged, replace_tags};
use crate::database::{Database, Transaction};
use crate::error::{Error, Result};
use crate::price::Price;
use crate::request::{Body, Path, Query};
use crate::values::{Document, Limit, Offset, ProductName, Sku, Stock, Tag};

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/products", post(create).get(find))
        .route("/products/{id}", get(read).patch(change).delete(delete))
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "product_status", rename_all = "lowercase")]
enum Status {
    Draft,
    #[default]
    Active,
    Retired,
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
    /// Only a category can be taken away: with `null`, which is not the same as nothing.
    #[serde(default, deserialize_with = "given")]
    category_id: Option<Option<i32>>,
    tags: Option<Vec<Tag>>,
}

fn given<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<Option<i32>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[derive(Deserialize)]
struct Filter {
    status: Option<Status>,
    tag: Option<String>,
    slug: Option<String>,
    #[serde(default)]
    limit: Limit,
    #[serde(default)]
    offset: Offset,
}

#[derive(FromRow, Serialize)]
struct Product {
    id: i32,
    sku: String,
    name: String,
    slug: String,
    price: Price,
    stock: i32,
    status: Status,
    attributes: Document,
    #[serde(skip)]
    category_id: Option<i32>,
    #[sqlx(skip)]
    category: Option<Category>,
    #[sqlx(skip)]
    tags: Vec<String>,
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
    replace_tags(&mut transaction, id, new.tags).await?;
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
        replace_tags(&mut transaction, id, tags).await?;
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

/// A readable part of an address; the SKU makes it the only one.
fn slug_of(name: &str, sku: &str) -> String {
    let text = format!("{name} {sku}").to_lowercase();
    let is_other = |c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit();
    let words: Vec<&str> = text
        .split(is_other)
        .filter(|word| !word.is_empty())
        .collect();
    words.join("-")
}

async fn load(transaction: &mut Transaction, id: i32) -> Result<Product> {
    let any = Filter {
        status: None,
        tag: None,
        slug: None,
        limit: Limit(1),
        offset: Offset(0),
    };
    let found = select(transaction, Some(id), &any).await?;
    found.into_iter().next().ok_or(Error::NotFound("product"))
}

async fn select(
    transaction: &mut Transaction,
    id: Option<i32>,
    filter: &Filter,
) -> Result<Vec<Product>> {
    let mut products: Vec<Product> = transaction
        .all(
            "SELECT id, sku, name, slug, price, stock, status, attributes, category_id FROM products \
             WHERE ($1 IS NULL OR id = $1) AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR slug = $3) \
             AND ($4 IS NULL OR id IN (SELECT product_id FROM product_tags JOIN tags ON tags.id = tag_id \
             WHERE tags.name = $4)) ORDER BY id LIMIT $5 OFFSET $6",
            &[&id, &filter.status, &filter.slug, &filter.tag, &filter.limit, &filter.offset],
        )
        .await?;
    let ids: Vec<i32> = products.iter().map(|product| product.id).collect();
    let mut tags = Tagged::all_of(transaction, &ids).await?;
    let ids: Vec<i32> = products
        .iter()
        .filter_map(|product| product.category_id)
        .collect();
    let categories = Category::all_of(transaction, &ids).await?;
    for product in &mut products {
        let category = categories
            .iter()
            .find(|category| Some(category.id) == product.category_id);
        product.category = category.cloned();
        let own = tags.extract_if(.., |tag| tag.product_id == product.id);
        product.tags = own.map(|tag| tag.name).collect();
    }
    Ok(products)
}
