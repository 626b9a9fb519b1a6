//! Products as rows.

use diesel::prelude::*;
use ostrakon_shared::ProductId;

use crate::db::dialect::conditions::escape_like;
use crate::db::dialect::engine::{Connection, MultiBackend, on_each_engine};
use crate::db::dialect::sequences;
use crate::db::error::QueryError;
use crate::db::schema::product;
use crate::text::fold;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = product, treat_none_as_null = true)]
pub struct ProductRow {
    pub id: i64,
    pub name: String,
    /// A sentence or two about it.
    pub description: Option<String>,
    /// The shop's number for it (stock keeping unit).
    pub sku: Option<String>,
    pub picture_url: Option<String>,
    /// Name and SKU, folded for searches.
    pub search_text: String,
    /// Whether it has left the catalogue.
    pub archived: bool,
    /// Counts its changes, from 1.
    pub version: i32,
}

/// A product that has no id yet.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = product)]
pub struct NewProductRow {
    pub name: String,
    pub description: Option<String>,
    pub sku: Option<String>,
    pub picture_url: Option<String>,
    pub search_text: String,
}

/// The folded text in which searches look for a product.
pub fn search_text(name: &str, sku: Option<&str>) -> String {
    fold(&format!("{name} {}", sku.unwrap_or_default()))
}

pub fn find(connection: &mut Connection, id: ProductId) -> Result<Option<ProductRow>, QueryError> {
    let query = product::table.find(id.get()).select(ProductRow::as_select());
    Ok(query.first(connection).optional()?)
}

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

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The search text contains each of these words.
    pub words: Vec<String>,
    /// Only those that are archived, or only those that aren't.
    pub archived: Option<bool>,
}

/// Up to `limit` products with ids above `after`, by id.
pub fn list(
    connection: &mut Connection,
    filter: &Filter,
    after: i64,
    limit: usize,
) -> Result<Vec<ProductRow>, QueryError> {
    let mut query = product::table
        .filter(product::id.gt(after))
        .order(product::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ProductRow::as_select())
        .into_boxed::<MultiBackend>();
    for word in &filter.words {
        let pattern = format!("%{}%", escape_like(word));
        query = query.filter(product::search_text.like(pattern).escape('\\'));
    }
    if let Some(archived) = filter.archived {
        query = query.filter(product::archived.eq(archived));
    }
    Ok(query.load(connection)?)
}

/// Inserts a product under the next id.
pub fn insert(connection: &mut Connection, row: &NewProductRow) -> Result<ProductRow, QueryError> {
    let insert = diesel::insert_into(product::table).values(row);
    Ok(on_each_engine!(connection, c => {
        insert.returning(ProductRow::as_returning()).get_result(c)
    })?)
}

/// Writes all columns of a product.
pub fn update(connection: &mut Connection, row: &ProductRow) -> Result<(), QueryError> {
    diesel::update(product::table.find(row.id)).set(row).execute(connection)?;
    Ok(())
}

pub fn names(connection: &mut Connection, ids: &[i64]) -> Result<Vec<(i64, String)>, QueryError> {
    Ok(product::table
        .filter(product::id.eq_any(ids))
        .select((product::id, product::name))
        .load(connection)?)
}

/// Inserts a product unless its id exists.
pub fn insert_if_new(connection: &mut Connection, row: &ProductRow) -> Result<(), QueryError> {
    on_each_engine!(connection, c => {
        diesel::insert_into(product::table)
            .values(row)
            .on_conflict(product::id)
            .do_nothing()
            .execute(c)
    })?;
    Ok(())
}

/// Moves the next id behind the ids of all products, after some were inserted with explicit ids.
pub fn reset_sequence(connection: &mut Connection) -> Result<(), QueryError> {
    Ok(sequences::reset_sequence(connection, "product")?)
}

/// The ids of up to `limit` products of the catalogue, from `start` on.
pub fn catalogue_ids(
    connection: &mut Connection,
    start: i64,
    limit: usize,
) -> Result<Vec<i64>, QueryError> {
    Ok(product::table
        .filter(product::id.ge(start).and(product::archived.eq(false)))
        .order(product::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(product::id)
        .load(connection)?)
}

/// The first ids of the parts of the catalogue, of `size` products each.
pub fn catalogue_parts(connection: &mut Connection, size: usize) -> Result<Vec<i64>, QueryError> {
    #[derive(QueryableByName)]
    struct Part {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        id: i64,
    }
    let parts: Vec<Part> = diesel::sql_query(format!(
        "SELECT id FROM (
             SELECT id, row_number() OVER (ORDER BY id) - 1 AS place
             FROM product WHERE NOT archived
         ) AS placed WHERE place % {size} = 0 ORDER BY id"
    ))
    .load(connection)?;
    Ok(parts.into_iter().map(|part| part.id).collect())
}
