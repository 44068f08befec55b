//! Rows of categories.

use serde::Serialize;
use sqlx::FromRow;

use crate::database::Transaction;
use crate::error::Result;

#[derive(Clone, FromRow, Serialize)]
pub struct Category {
    pub id: i32,
    pub name: String,
    pub parent_id: Option<i32>,
}

pub async fn all(transaction: &mut Transaction) -> Result<Vec<Category>> {
    let sql = "SELECT id, name, parent_id FROM categories ORDER BY name";
    Ok(transaction.all(sql, &[]).await?)
}

pub async fn with_ids(transaction: &mut Transaction, ids: &[i32]) -> Result<Vec<Category>> {
    let before = "SELECT id, name, parent_id FROM categories WHERE id";
    Ok(transaction.all_of(before, ids, "").await?)
}
