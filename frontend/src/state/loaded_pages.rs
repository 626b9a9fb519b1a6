//! Lists that are loaded page by page.

use ostrakon_shared::{
    Account, AccountPage, AdminProduct, AdminProductPage, AdminReview, AdminReviewPage, AuditEntry,
    AuditPage, Product, ProductPage, QueuePage, QueuedReview, Review, ReviewPage, SessionInfo,
    TokenInfo,
};

/// The pages of a list that are loaded so far.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedPages<T> {
    /// The items, without duplicates.
    pub items: Vec<T>,
    /// The start of the next page; `None` at the end.
    pub next_cursor: Option<String>,
    /// Databases whose part is missing, without duplicates.
    pub missing_databases: Vec<String>,
}

/// Identifies an item and its state.
pub type Key = (i64, i32);

/// An item of a list.
pub trait Item: Clone + Send + Sync + 'static {
    /// Its id and its version.
    fn key(&self) -> Key;
}

/// Implements `Item`, and the conversion from the API's page type.
macro_rules! lists {
    ($($page:ident of $item:ident, $key:expr $(, $missing:ident)?;)*) => {
        $(
            impl Item for $item {
                fn key(&self) -> Key {
                    let key: fn(&$item) -> Key = $key;
                    key(self)
                }
            }

            impl From<$page> for LoadedPages<$item> {
                fn from(page: $page) -> LoadedPages<$item> {
                    LoadedPages {
                        items: page.items,
                        next_cursor: page.next_cursor,
                        missing_databases: missing(vec![$(page.$missing)?]),
                    }
                }
            }
        )*
    };
}

lists! {
    ProductPage of Product, |product| (product.id.get(), 0), missing_databases;
    ReviewPage of Review, |review| (review.id.get(), review.version), missing_databases;
    QueuePage of QueuedReview, |review| (review.id.get(), review.version), missing_databases;
    AdminReviewPage of AdminReview, |row| (row.review.id.get(), row.review.version), missing_databases;
    AdminProductPage of AdminProduct, |product| (product.id.get(), product.version);
    AuditPage of AuditEntry, |entry| (entry.id.get(), entry.count);
    AccountPage of Account, |account| {
        (account.id.get(), 2 * account.role as i32 + i32::from(account.disabled))
    };
}

/// Pages from the `default` database have no list of missing databases.
fn missing(databases: Vec<Vec<String>>) -> Vec<String> {
    databases.into_iter().flatten().collect()
}

/// A list without pages.
impl<T> From<Vec<T>> for LoadedPages<T> {
    fn from(items: Vec<T>) -> LoadedPages<T> {
        LoadedPages { items, next_cursor: None, missing_databases: Vec::new() }
    }
}

impl Item for SessionInfo {
    fn key(&self) -> Key {
        (self.id.get(), 0)
    }
}

impl Item for TokenInfo {
    fn key(&self) -> Key {
        (self.id.get(), 0)
    }
}
