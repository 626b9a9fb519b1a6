//! Lists that are loaded page by page.

use ostrakon_shared::{
    Account, AccountPage, AdminProduct, AdminProductPage, AdminReview, AdminReviewPage, AuditEntry,
    AuditPage, Product, ProductPage, QueuePage, QueuedReview, Review, ReviewPage, SessionInfo,
    TokenInfo,
};

/// The pages of a list that are loaded so far.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedPages<T> {
    /// The items, none twice.
    pub items: Vec<T>,
    /// Where the next page starts; `None` when all are here.
    pub next_cursor: Option<String>,
    /// Databases whose part is missing, none twice.
    pub missing_databases: Vec<String>,
}

/// What tells an item from the others, and one state of it from the next.
pub type Key = (i64, i32);

/// An item of a list.
pub trait Item: Clone + Send + Sync + 'static {
    /// Its id and its version.
    fn key(&self) -> Key;
}

/// How lists of each kind come from the API.
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

/// Lists from `default` are there or not: no database can be missing.
fn missing(databases: Vec<Vec<String>>) -> Vec<String> {
    databases.into_iter().flatten().collect()
}

/// A list that comes all at once.
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
