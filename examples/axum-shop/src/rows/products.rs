//! Rows of products.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::categories::{self, Category};
use super::tags;
use crate::database::Transaction;
use crate::error::{Error, Result};
use crate::price::Price;
use crate::values::{Document, Limit, Offset};

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "product_status", rename_all = "lowercase")]
pub enum Status {
    Draft,
    #[default]
    Active,
    Retired,
}

#[derive(Default, Deserialize)]
pub struct Filter {
    status: Option<Status>,
    tag: Option<String>,
    slug: Option<String>,
    #[serde(default)]
    limit: Limit,
    #[serde(default)]
    offset: Offset,
}

#[derive(FromRow, Serialize)]
pub struct Product {
    id: i32,
    pub sku: String,
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

pub async fn load(transaction: &mut Transaction, id: i32) -> Result<Product> {
    let found = select(transaction, Some(id), &Filter::default()).await?;
    found.into_iter().next().ok_or(Error::NotFound("product"))
}

pub async fn select(
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
    let mut tags = tags::of_products(transaction, &ids).await?;
    let ids: Vec<i32> = products
        .iter()
        .filter_map(|product| product.category_id)
        .collect();
    let categories = categories::with_ids(transaction, &ids).await?;
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
