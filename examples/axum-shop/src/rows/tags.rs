//! Rows of tags.

use sqlx::FromRow;

use crate::database::Transaction;
use crate::error::Result;
use crate::values::Tag;

/// A product's tag.
#[derive(FromRow)]
pub struct Tagged {
    pub product_id: i32,
    pub name: String,
}

pub async fn of_products(transaction: &mut Transaction, products: &[i32]) -> Result<Vec<Tagged>> {
    let before =
        "SELECT product_id, name FROM product_tags JOIN tags ON tags.id = tag_id WHERE product_id";
    Ok(transaction
        .all_of(before, products, "ORDER BY name")
        .await?)
}

/// Replaces the tags of a product. Uses the tag of another request if both create the same one at the same time.
pub async fn replace(
    transaction: &mut Transaction,
    product: i32,
    mut tags: Vec<Tag>,
) -> Result<()> {
    transaction
        .execute(
            "DELETE FROM product_tags WHERE product_id = $1",
            &[&product],
        )
        .await?;
    // Every request inserts tags in the same order, so that two requests don't deadlock.
    tags.sort();
    tags.dedup();
    for tag in &tags {
        transaction
            .execute(
                "INSERT INTO tags (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
                &[tag],
            )
            .await?;
        transaction
            .execute(
                "INSERT INTO product_tags (product_id, tag_id) SELECT $1, id FROM tags WHERE name = $2",
                &[&product, tag],
            )
            .await?;
    }
    Ok(())
}
