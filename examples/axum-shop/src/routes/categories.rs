//! Routes of categories, which can be nested.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete as deleting, post};
use axum::{Json, Router};
use serde::Deserialize;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::request::{Body, Path};
use crate::rows::categories::{self, Category};
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
    Ok(Json(categories::all(&mut transaction).await?))
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
