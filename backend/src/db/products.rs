//! Products as rows.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use ostrakon_shared::ProductId;

use super::connection::Connection;
use super::error::QueryError;
use super::schema::product;

/// A product as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = product)]
pub struct ProductRow {
    /// The product's id.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// A sentence or two about it.
    pub description: Option<String>,
    /// The shop's own number for it.
    pub sku: Option<String>,
    /// Where its picture is.
    pub picture_url: Option<String>,
    /// Name and SKU as searches find them.
    pub search_text: String,
    /// Whether it has left the catalogue.
    pub archived: bool,
    /// Counts its changes, from 1.
    pub version: i32,
}

/// The product with this id.
pub fn find(connection: &mut Connection, id: ProductId) -> Result<Option<ProductRow>, QueryError> {
    let query = product::table.find(id.get()).select(ProductRow::as_select());
    Ok(query.first(connection).optional()?)
}

/// Those of `ids` that are products.
pub fn existing(
    connection: &mut Connection,
    ids: &[ProductId],
) -> Result<Vec<ProductId>, QueryError> {
    let found: Vec<i64> = product::table
        .filter(product::id.eq_any(ids.iter().map(|id| id.get())))
        .select(product::id)
        .load(connection)?;
    Ok(found.into_iter().filter_map(ProductId::new).collect())
}

/// Up to `limit` products with ids above `after` whose search text holds every one of `words`.
pub fn list(
    connection: &mut Connection,
    words: &[String],
    after: i64,
    limit: usize,
) -> Result<Vec<ProductRow>, QueryError> {
    let mut query = product::table
        .filter(product::id.gt(after))
        .order(product::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ProductRow::as_select())
        .into_boxed::<Sqlite>();
    for word in words {
        let literal = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        query = query.filter(product::search_text.like(format!("%{literal}%")).escape('\\'));
    }
    Ok(query.load(connection)?)
}

/// Adds a product, or leaves the one with this id as it is.
pub fn insert_if_new(connection: &mut Connection, row: &ProductRow) -> Result<(), QueryError> {
    diesel::insert_into(product::table)
        .values(row)
        .on_conflict(product::id)
        .do_nothing()
        .execute(connection)?;
    Ok(())
}

/// The ids of all products.
pub fn all_ids(connection: &mut Connection) -> Result<Vec<i64>, QueryError> {
    Ok(product::table.select(product::id).order(product::id).load(connection)?)
}
