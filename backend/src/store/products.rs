//! Products, and searching them.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use ostrakon_shared::{PageLimit, Product, ProductId, ProductPage, ProductRating};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::cursor::{self, ListScope, Position};
use super::{Store, StoreError};
use crate::db::products::{self, Filter, ProductRow};

/// A page of products, as it is asked for.
#[derive(Clone, Debug, Default)]
pub struct ProductQuery {
    /// Only products whose name or SKU holds each of these words, in any case and any accents.
    pub search: String,
    /// Products on the page at most.
    pub limit: PageLimit,
    /// Where the page starts.
    pub cursor: Option<String>,
    /// Whether an answer that lacks some ratings is better than none.
    pub allow_partial: bool,
}

impl Store {
    /// A page of products, by id, each with its rating.
    pub fn list_products(&self, query: &ProductQuery) -> Result<ProductPage, StoreError> {
        let folded = fold(&query.search);
        let words: Vec<String> = folded.split_whitespace().map(str::to_owned).collect();
        let scope = ListScope::of(&["products", &words.join(" ")]);
        let start = match &query.cursor {
            Some(cursor) => cursor::decode(scope, cursor)?,
            None => Position { group: 0, id: 0 },
        };
        let limit = query.limit.get();
        let filter = Filter { words, archived: Some(false) };
        let mut rows = self
            .default()
            .read(|connection| products::list(connection, &filter, start.id, limit + 1))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().map(|row| Position { group: 0, id: row.id });
        let ids: Vec<_> = rows.iter().filter_map(|row| ProductId::new(row.id)).collect();
        let mut ratings = self.ratings_of(&ids, query.allow_partial)?;
        let with_rating = |(row, id)| product(row, id, ratings.by_product.remove(&id));
        Ok(ProductPage {
            items: rows.into_iter().zip(ids).map(with_rating).collect(),
            next_cursor: last.filter(|_| more).map(|last| cursor::encode(scope, last)),
            missing_databases: ratings.missing_databases,
        })
    }

    /// The product with this id, and its rating; `allow_partial` as in [`ProductQuery`].
    pub fn product(&self, id: ProductId, allow_partial: bool) -> Result<Product, StoreError> {
        let row = self.default().read(|connection| products::find(connection, id))?;
        let row = row.ok_or(StoreError::ProductNotFound(id))?;
        let mut ratings = self.ratings_of(&[id], allow_partial)?;
        Ok(product(row, id, ratings.by_product.remove(&id)))
    }

    /// The ids of up to `limit` products of the catalogue, from the id `start` on.
    pub fn catalogue_ids(&self, start: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
        Ok(self.default().read(|connection| products::catalogue_ids(connection, start, limit))?)
    }

    /// The catalogue in parts of `size` products: the id to read each from. The first is 0.
    pub fn catalogue_parts(&self, size: usize) -> Result<Vec<i64>, StoreError> {
        let mut starts =
            self.default().read(|connection| products::catalogue_parts(connection, size))?;
        if let Some(first) = starts.first_mut() {
            *first = 0;
        }
        Ok(starts)
    }

    /// Whether each of these products may be reviewed: whether there is one, and it is in the
    /// catalogue. One question, however many they are.
    pub(super) fn are_open(
        &self,
        ids: impl Iterator<Item = ProductId>,
    ) -> Result<impl Fn(ProductId) -> Result<(), StoreError>, StoreError> {
        let ids: Vec<ProductId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
        let archived = self.default().read(|connection| products::archived(connection, &ids))?;
        Ok(move |id| match archived.get(&id) {
            None => Err(StoreError::ProductNotFound(id)),
            Some(true) => Err(StoreError::ProductArchived(id)),
            Some(false) => Ok(()),
        })
    }

    /// Fails with [`StoreError::ProductNotFound`] unless there is such a product.
    pub(super) fn require_product(&self, id: ProductId) -> Result<(), StoreError> {
        if self.known_products.read().unwrap_or_else(PoisonError::into_inner).contains(&id) {
            return Ok(());
        }
        if self.default().read(|connection| products::existing(connection, &[id]))?.is_empty() {
            return Err(StoreError::ProductNotFound(id));
        }
        self.known_products.write().unwrap_or_else(PoisonError::into_inner).insert(id);
        Ok(())
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

/// Text as searches compare it: lower case, without accents, compatible forms made one.
pub(super) fn fold(text: &str) -> String {
    text.nfkd().filter(|&c| !is_combining_mark(c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn searches_ignore_case_and_accents() {
        assert_eq!(fold("Crème BRÛLÉE"), "creme brulee");
        assert_eq!(fold("ﬁne Ⅷ"), "fine viii");
        assert_eq!(fold("Кружка ΑΘΉΝΑ"), "кружка αθηνα");
    }
}
