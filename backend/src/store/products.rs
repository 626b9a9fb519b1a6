//! Products, and searching them.

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
            .default
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
        let row = self.default.read(|connection| products::find(connection, id))?;
        let row = row.ok_or(StoreError::ProductNotFound(id))?;
        let mut ratings = self.ratings_of(&[id], allow_partial)?;
        Ok(product(row, id, ratings.by_product.remove(&id)))
    }

    /// Fails unless there is such a product, and it is in the catalogue.
    pub(super) fn require_open_product(&self, id: ProductId) -> Result<(), StoreError> {
        let archived = match self.known_products.is_archived(id) {
            Some(archived) => archived,
            None => self.look_at_product(id)?,
        };
        if archived { Err(StoreError::ProductArchived(id)) } else { Ok(()) }
    }

    /// Fails with [`StoreError::ProductNotFound`] unless there is such a product.
    pub(super) fn require_product(&self, id: ProductId) -> Result<(), StoreError> {
        if self.known_products.exists(id) { Ok(()) } else { self.look_at_product(id).map(drop) }
    }

    /// Whether a product is archived.
    fn look_at_product(&self, id: ProductId) -> Result<bool, StoreError> {
        let edits = self.known_products.edits();
        let row = self.default.read(|connection| products::find(connection, id))?;
        let archived = row.ok_or(StoreError::ProductNotFound(id))?.archived;
        self.known_products.note(id, archived, edits);
        Ok(archived)
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
