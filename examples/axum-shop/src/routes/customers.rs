//! Routes of customers and their addresses.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use crate::database::{Database, Transaction};
use crate::error::{Error, Result};
use crate::request::{Body, Path, Query};
use crate::rows::customers::{AddressKind, Customer, Filter, Tier, load, select};
use crate::values::{City, Country, Document, Email, PersonName, Street};

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/customers", post(create).get(find))
        .route("/customers/{id}", get(read).patch(change).delete(delete))
        .route("/customers/{id}/addresses", post(add_address))
}

#[derive(Deserialize)]
struct NewAddress {
    kind: AddressKind,
    street: Street,
    city: City,
    country: Country,
}

#[derive(Deserialize)]
struct NewCustomer {
    email: Email,
    full_name: PersonName,
    #[serde(default)]
    tier: Tier,
    #[serde(default)]
    preferences: Document,
    #[serde(default)]
    addresses: Vec<NewAddress>,
}

#[derive(Deserialize)]
struct Change {
    email: Option<Email>,
    full_name: Option<PersonName>,
    tier: Option<Tier>,
    preferences: Option<Document>,
}

async fn create(
    State(database): State<Database>,
    Body(new): Body<NewCustomer>,
) -> Result<(StatusCode, Json<Customer>)> {
    let mut transaction = database.write().await?;
    let id = transaction
        .insert(
            "INSERT INTO customers (email, full_name, tier, preferences) VALUES ($1, $2, $3, $4) RETURNING id",
            &[&new.email, &new.full_name, &new.tier, &new.preferences],
        )
        .await?;
    for address in &new.addresses {
        insert_address(&mut transaction, id, address).await?;
    }
    let customer = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(customer)))
}

async fn find(
    State(database): State<Database>,
    Query(filter): Query<Filter>,
) -> Result<Json<Vec<Customer>>> {
    let mut transaction = database.read().await?;
    Ok(Json(select(&mut transaction, None, &filter).await?))
}

async fn read(State(database): State<Database>, Path(id): Path<i32>) -> Result<Json<Customer>> {
    let mut transaction = database.read().await?;
    Ok(Json(load(&mut transaction, id).await?))
}

async fn change(
    State(database): State<Database>,
    Path(id): Path<i32>,
    Body(change): Body<Change>,
) -> Result<Json<Customer>> {
    let mut transaction = database.write().await?;
    transaction
        .execute(
            "UPDATE customers SET email = COALESCE($2, email), full_name = COALESCE($3, full_name), \
             tier = COALESCE($4, tier), preferences = COALESCE($5, preferences) WHERE id = $1",
            &[&id, &change.email, &change.full_name, &change.tier, &change.preferences],
        )
        .await?;
    let customer = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(Json(customer))
}

async fn add_address(
    State(database): State<Database>,
    Path(id): Path<i32>,
    Body(new): Body<NewAddress>,
) -> Result<(StatusCode, Json<Customer>)> {
    let mut transaction = database.write().await?;
    load(&mut transaction, id).await?;
    insert_address(&mut transaction, id, &new).await?;
    let customer = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(customer)))
}

async fn delete(State(database): State<Database>, Path(id): Path<i32>) -> Result<StatusCode> {
    let mut transaction = database.write().await?;
    let gone = transaction
        .execute("DELETE FROM customers WHERE id = $1", &[&id])
        .await?;
    if gone == 0 {
        return Err(Error::NotFound("customer"));
    }
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn insert_address(
    transaction: &mut Transaction,
    customer_id: i32,
    new: &NewAddress,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO addresses (customer_id, kind, street, city, country) VALUES ($1, $2, $3, $4, $5)",
            &[&customer_id, &new.kind, &new.street, &new.city, &new.country],
        )
        .await?;
    Ok(())
}
