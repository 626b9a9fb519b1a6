//! Listing and searching products.

use std::collections::HashMap;
use std::sync::PoisonError;

use ostrakon_shared::{PageLimit, Product, ProductId, ProductPage, ProductRating};

use crate::db::products::{self, Filter, ProductRow};
use crate::store::catalog::Catalog;
use crate::store::error::StoreError;
use crate::store::routing::cursor::{self, ListScope};
use crate::text::words;

/// The parameters of a page of products.
#[derive(Clone, Debug, Default)]
pub struct ProductQuery {
    /// Only products whose name or SKU contains all of these words, ignoring case and accents.
    pub search: String,
    /// The maximum number of products.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
    /// Whether a partial result is allowed, without some ratings.
    pub allow_partial: bool,
}

impl Catalog<'_> {
    /// A page of products, sorted by id, with their ratings.
    pub fn list(&self, query: &ProductQuery) -> Result<ProductPage, StoreError> {
        let words = words(&query.search);
        let scope = ListScope::of(&["products", &words.join(" ")]);
        let after = cursor::start(scope, query.cursor.as_deref(), 0)?;
        let limit = query.limit.get();
        let filter = Filter { words, archived: Some(false) };
        let mut rows = self
            .routing()
            .default()
            .read(|connection| products::list(connection, &filter, after, limit + 1))?;
        let next_cursor = cursor::cut(&mut rows, limit, scope, |row| row.id);
        let ids: Vec<_> = rows.iter().filter_map(|row| ProductId::new(row.id)).collect();
        let mut ratings = self.ratings_of(&ids, query.allow_partial)?;
        let with_rating = |(row, id)| product(row, id, ratings.by_product.remove(&id));
        Ok(ProductPage {
            items: rows.into_iter().zip(ids).map(with_rating).collect(),
            next_cursor,
            missing_databases: ratings.missing_databases,
        })
    }

    /// A product with its rating; `allow_partial` as in [`ProductQuery`].
    pub fn get(&self, id: ProductId, allow_partial: bool) -> Result<Product, StoreError> {
        let row = self.routing().default().read(|connection| products::find(connection, id))?;
        let row = row.ok_or(StoreError::ProductNotFound(id))?;
        let mut ratings = self.ratings_of(&[id], allow_partial)?;
        Ok(product(row, id, ratings.by_product.remove(&id)))
    }

    /// Up to `limit` ids of products in the catalogue, from `start` on.
    pub fn ids(&self, start: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
        Ok(self
            .routing()
            .default()
            .read(|connection| products::catalogue_ids(connection, start, limit))?)
    }

    /// Divides the catalogue into parts of `size` products; returns the first id of each part, 0
    /// for the first part.
    pub fn parts(&self, size: usize) -> Result<Vec<i64>, StoreError> {
        let mut starts = self
            .routing()
            .default()
            .read(|connection| products::catalogue_parts(connection, size))?;
        if let Some(first) = starts.first_mut() {
            *first = 0;
        }
        Ok(starts)
    }

    /// Fails with [`StoreError::ProductNotFound`] if the product does not exist.
    pub(in crate::store) fn require(&self, id: ProductId) -> Result<(), StoreError> {
        if self.shared.known_products.read().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            return Ok(());
        }
        if self
            .routing()
            .default()
            .read(|connection| products::existing(connection, &[id]))?
            .is_empty()
        {
            return Err(StoreError::ProductNotFound(id));
        }
        self.shared.known_products.write().unwrap_or_else(PoisonError::into_inner).insert(id);
        Ok(())
    }

    /// The names of these products.
    pub(in crate::store) fn names(&self, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        let names =
            self.routing().default().read_latest(|connection| products::names(connection, ids))?;
        Ok(names.into_iter().collect())
    }
}

fn product(row: ProductRow, id: ProductId, rating: Option<ProductRating>) -> Product {
    Product {
        id,
        name: row.name,
        description: row.description,
        sku: row.sku,
        picture_url: row.picture_url,
        archived: row.archived,
        rating,
    }
}
