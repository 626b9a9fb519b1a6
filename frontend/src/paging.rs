//! Lists that are loaded page by page.

use ostrakon_shared::{Product, ProductPage, Review, ReviewPage};

/// The pages of a list that are loaded so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Pages<T> {
    /// The items, none twice.
    pub items: Vec<T>,
    /// Where the next page starts; `None` when all are here.
    pub next_cursor: Option<String>,
    /// Databases whose part is missing, none twice.
    pub missing_databases: Vec<String>,
}

/// An item of a list.
pub trait Item: Clone + Send + Sync + 'static {
    /// What tells it from the others.
    type Id: PartialEq;
    /// What tells it from the others.
    fn id(&self) -> Self::Id;
}

impl Item for Product {
    type Id = ostrakon_shared::ProductId;
    fn id(&self) -> Self::Id {
        self.id
    }
}

impl Item for Review {
    type Id = ostrakon_shared::ReviewId;
    fn id(&self) -> Self::Id {
        self.id
    }
}

impl From<ProductPage> for Pages<Product> {
    fn from(page: ProductPage) -> Pages<Product> {
        let ProductPage { items, next_cursor, missing_databases } = page;
        Pages { items, next_cursor, missing_databases }
    }
}

impl From<ReviewPage> for Pages<Review> {
    fn from(page: ReviewPage) -> Pages<Review> {
        let ReviewPage { items, next_cursor, missing_databases } = page;
        Pages { items, next_cursor, missing_databases }
    }
}

impl<T: Item> Pages<T> {
    /// Adds the next page. An item that is here already, because it changed its place meanwhile,
    /// is left out.
    pub fn append(&mut self, next: Pages<T>) {
        for item in next.items {
            if self.items.iter().all(|here| here.id() != item.id()) {
                self.items.push(item);
            }
        }
        for database in next.missing_databases {
            if !self.missing_databases.contains(&database) {
                self.missing_databases.push(database);
            }
        }
        self.next_cursor = next.next_cursor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(ids: &[i64], next_cursor: Option<&str>, missing: &[&str]) -> Pages<Product> {
        let product = |id: &i64| Product {
            id: ostrakon_shared::ProductId::new(*id).expect("positive"),
            name: String::new(),
            description: None,
            sku: None,
            picture_url: None,
            rating: None,
        };
        Pages {
            items: ids.iter().map(product).collect(),
            next_cursor: next_cursor.map(str::to_owned),
            missing_databases: missing.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn nothing_is_listed_twice() {
        let mut pages = page(&[1, 2, 3], Some("a"), &["reviews-1"]);
        pages.append(page(&[3, 4], Some("b"), &["reviews-1", "reviews-2"]));
        assert_eq!(pages, page(&[1, 2, 3, 4], Some("b"), &["reviews-1", "reviews-2"]));
        pages.append(page(&[], None, &[]));
        assert_eq!(pages.next_cursor, None);
    }
}
