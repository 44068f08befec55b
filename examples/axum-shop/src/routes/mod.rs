//! The routes of all requests.

mod categories;
mod customers;
mod health;
mod orders;
mod products;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use crate::database::Database;

/// Returns the router of the whole interface.
pub fn all(database: Database) -> Router {
    Router::new()
        .merge(health::routes())
        .merge(customers::routes())
        .merge(categories::routes())
        .merge(products::routes())
        .merge(orders::routes())
        .with_state(database)
        .layer(from_fn(logged))
}

async fn logged(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = next.run(request).await;
    tracing::debug!("{method} {path} {}", answer.status().as_u16());
    answer
}
