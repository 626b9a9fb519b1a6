//! Lists that are loaded page by page.

use ostrakon_shared::{
    Account, AdminProduct, AdminReview, AuditEntry, Page, Product, QueuePage, QueuedReview, Review,
    SessionInfo, TokenInfo,
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

impl<T> From<Page<T>> for LoadedPages<T> {
    fn from(page: Page<T>) -> LoadedPages<T> {
        let Page { items, next_cursor, missing_databases } = page;
        LoadedPages { items, next_cursor, missing_databases }
    }
}

impl From<QueuePage> for LoadedPages<QueuedReview> {
    fn from(page: QueuePage) -> LoadedPages<QueuedReview> {
        let QueuePage { items, next_cursor, missing_databases, .. } = page;
        LoadedPages { items, next_cursor, missing_databases }
    }
}

/// A list without pages.
impl<T> From<Vec<T>> for LoadedPages<T> {
    fn from(items: Vec<T>) -> LoadedPages<T> {
        LoadedPages { items, next_cursor: None, missing_databases: Vec::new() }
    }
}

macro_rules! items {
    ($($item:ty: $key:expr;)*) => {$(
        impl Item for $item {
            fn key(&self) -> Key {
                let key: fn(&$item) -> Key = $key;
                key(self)
            }
        }
    )*};
}

items! {
    Product: |product| (product.id.get(), 0);
    Review: |review| (review.id.get(), review.version);
    QueuedReview: |review| (review.id.get(), review.version);
    AdminReview: |row| (row.review.id.get(), row.review.version);
    AdminProduct: |product| (product.id.get(), product.version);
    AuditEntry: |entry| (entry.id.get(), entry.count);
    Account: |account| (account.id.get(), 2 * account.role as i32 + i32::from(account.disabled));
    SessionInfo: |session| (session.id.get(), 0);
    TokenInfo: |token| (token.id.get(), 0);
}
