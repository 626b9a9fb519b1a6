//! Pages of lists.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::problem::{FieldErrorCode, FieldErrorParams, ValueError};

/// The default number of items on a page.
pub const DEFAULT_PAGE_LIMIT: u32 = 20;
/// The maximum number of items on a page.
pub const MAX_PAGE_LIMIT: u32 = 100;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
    /// Only in a partial response: databases that were down, whose items are missing.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub missing_databases: Vec<String>,
}

impl<T> Page<T> {
    /// A page of a list in one database.
    pub fn new(items: Vec<T>, next_cursor: Option<String>) -> Page<T> {
        Page { items, next_cursor, missing_databases: Vec::new() }
    }
}

/// The maximum number of items of a page: 1 to [`MAX_PAGE_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageLimit(u32);

impl PageLimit {
    /// The limit closest to this number of items.
    pub fn nearest(items: usize) -> PageLimit {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        PageLimit(items.clamp(1, MAX_PAGE_LIMIT))
    }

    /// The limit as a count of items.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl Default for PageLimit {
    fn default() -> PageLimit {
        PageLimit(DEFAULT_PAGE_LIMIT)
    }
}

impl TryFrom<i64> for PageLimit {
    type Error = ValueError;

    fn try_from(items: i64) -> Result<PageLimit, ValueError> {
        let limit = u32::try_from(items).ok().filter(|limit| (1..=MAX_PAGE_LIMIT).contains(limit));
        limit.map(PageLimit).ok_or_else(|| out_of_range(Some(items)))
    }
}

impl FromStr for PageLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<PageLimit, ValueError> {
        text.parse::<i64>().map_err(|_| out_of_range(None)).and_then(PageLimit::try_from)
    }
}

fn out_of_range(actual: Option<i64>) -> ValueError {
    let detail = format!("a page holds 1 to {MAX_PAGE_LIMIT} items");
    let params = FieldErrorParams::range(1, MAX_PAGE_LIMIT.into(), actual);
    ValueError::new(FieldErrorCode::OutOfRange, detail).with(params)
}

#[cfg(feature = "openapi")]
mod schema {
    use std::borrow::Cow;

    use utoipa::openapi::{RefOr, Schema};
    use utoipa::{PartialSchema, ToSchema};

    use super::Page;
    use crate::{Account, AdminProduct, AdminReview, AuditEntry, Product, Review};

    /// The OpenAPI description of the pages of a list.
    pub trait Listed: ToSchema {
        /// The name of the schema.
        const PAGE: &'static str;
        /// The items and their order.
        const DESCRIPTION: &'static str;
        /// Whether several databases have the list, so that it may be partial.
        const SHARDED: bool;
    }

    macro_rules! listed {
        ($($item:ident: $page:literal, $description:literal, $sharded:literal;)*) => {$(
            impl Listed for $item {
                const PAGE: &'static str = $page;
                const DESCRIPTION: &'static str = $description;
                const SHARDED: bool = $sharded;
            }
        )*};
    }

    listed! {
        Account: "AccountPage", "A page of accounts, by id.", false;
        AdminProduct: "AdminProductPage", "A page of products as admins edit them, by id.", false;
        AdminReview: "AdminReviewPage", "A page of reviews, the newest first.", true;
        AuditEntry: "AuditPage", "A page of the audit trail, the newest entries first.", false;
        Product: "ProductPage", "A page of products, by id.", true;
        Review: "ReviewPage", "A page of reviews, in the order that was asked for.", true;
    }

    /// The fields of [`Page`]: the macro would make up a name for a generic schema.
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "the macro reads the fields")]
    struct Fields<T: ToSchema> {
        /// The items.
        items: Vec<T>,
        /// The cursor of the next page; null on the last page.
        #[schema(example = "AAxT1zcsVkTQAAAAAAAAABQAtSOi")]
        next_cursor: Option<String>,
        /// Only in a partial response: databases that were down, whose items are missing.
        #[schema(required = false, example = json!([]))]
        missing_databases: Vec<String>,
    }

    impl<T: Listed> PartialSchema for Page<T> {
        fn schema() -> RefOr<Schema> {
            let mut schema = Fields::<T>::schema();
            if let RefOr::T(Schema::Object(page)) = &mut schema {
                page.description = Some(T::DESCRIPTION.to_owned());
                if !T::SHARDED {
                    page.properties.remove("missing_databases");
                }
            }
            schema
        }
    }

    impl<T: Listed> ToSchema for Page<T> {
        fn name() -> Cow<'static, str> {
            Cow::Borrowed(T::PAGE)
        }

        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(schemas);
        }
    }
}
