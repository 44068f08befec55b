//! Categories, which lie in one another.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete as deleting, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::database::{Database, Transaction};
use crate::error::{Error, Result};
use crate::request::{Body, Path};
use crate::values::CategoryName;

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/categories", post(create).get(find))
        .route("/categories/{id}", deleting(delete))
}

#[derive(Deserialize)]
struct NewCategory {
    name: CategoryName,
    parent_id: Option<i32>,
}

#[derive(Clone, FromRow, Serialize)]
pub struct Category {
    pub id: i32,
    name: String,
    parent_id: Option<i32>,
}

impl Category {
    pub async fn all_of(transaction: &mut Transaction, ids: &[i32]) -> Result<Vec<Self>> {
        let before = "SELECT id, name, parent_id FROM categories WHERE id";
        Ok(transaction.all_of(before, ids, "").await?)
    }
}

async fn create(
    State(database): State<Database>,
    Body(new): Body<NewCategory>,
) -> Result<(StatusCode, Json<Category>)> {
    let mut transaction = database.write().await?;
    let id = transaction
        .insert(
            "INSERT INTO categories (name, parent_id) VALUES ($1, $2) RETURNING id",
            &[&new.name, &new.parent_id],
        )
        .await?;
    transaction.commit().await?;
    let category = Category {
        id,
        name: new.name.as_ref().to_owned(),
        parent_id: new.parent_id,
    };
    Ok((StatusCode::CREATED, Json(category)))
}

async fn find(State(database): State<Database>) -> Result<Json<Vec<Category>>> {
    let mut transaction = database.read().await?;
    let sql = "SELECT id, name, parent_id FROM categories ORDER BY name";
    Ok(Json(transaction.all(sql, &[]).await?))
}

async fn delete(State(database): State<Database>, Path(id): Path<i32>) -> Result<StatusCode> {
    let mut transaction = database.write().await?;
    let gone = transaction
        .execute("DELETE FROM categories WHERE id = $1", &[&id])
        .await?;
    if gone == 0 {
        return Err(Error::NotFound("category"));
    }
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
