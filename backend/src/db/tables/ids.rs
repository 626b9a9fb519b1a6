//! Ids of products and accounts: those that `default` has given, and those that the reviews
//! databases mention. If reviews mention ids that were not given, as after a restore of an older
//! `default`, the next product or account would get the reviews of a lost one.

use std::collections::BTreeSet;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use crate::db::dialect::engine::Connection;
use crate::db::dialect::sequences::{last_id, set_sequence};
use crate::db::dialect::transaction::without_time_limit;
use crate::db::error::QueryError;
use crate::db::schema::{account, product, review};

/// The highest ids of products and accounts; 0 without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HighestIds {
    pub product: i64,
    pub account: i64,
}

impl HighestIds {
    /// The higher of both, for each kind.
    pub fn max(self, other: HighestIds) -> HighestIds {
        HighestIds {
            product: self.product.max(other.product),
            account: self.account.max(other.account),
        }
    }
}

/// The highest ids that `default` has given, even if their rows have been deleted since.
pub fn given(connection: &mut Connection) -> Result<HighestIds, QueryError> {
    Ok(HighestIds {
        product: last_id(connection, "product")?,
        account: last_id(connection, "account")?,
    })
}

/// The highest ids of existing products and accounts.
pub fn stored(connection: &mut Connection) -> Result<HighestIds, QueryError> {
    let product: Option<i64> =
        product::table.select(diesel::dsl::max(product::id)).first(connection)?;
    let account: Option<i64> =
        account::table.select(diesel::dsl::max(account::id)).first(connection)?;
    Ok(HighestIds { product: product.unwrap_or_default(), account: account.unwrap_or_default() })
}

/// The highest ids that the reviews of a database mention: two lookups in indexes.
pub fn named_by_reviews(connection: &mut Connection) -> Result<HighestIds, QueryError> {
    let product: Option<i64> = review::table
        .order(review::product_id.desc())
        .select(review::product_id)
        .first(connection)
        .optional()?;
    let account: Option<Option<i64>> = review::table
        .filter(review::author_id.is_not_null())
        .order(review::author_id.desc())
        .select(review::author_id)
        .first(connection)
        .optional()?;
    Ok(HighestIds {
        product: product.unwrap_or_default(),
        account: account.flatten().unwrap_or_default(),
    })
}

/// The highest ids that any row of a reviews database mentions; reads all its events and reports.
pub fn named(connection: &mut Connection) -> Result<HighestIds, QueryError> {
    without_time_limit(connection)?;
    let mut named = named_by_reviews(connection)?;
    for accounts in [
        "(SELECT max(actor_id) FROM review_event)",
        // A reader is `account 7`, or the hash of an address.
        "(SELECT max(CAST(substr(reader, 9) AS BIGINT)) FROM report
          WHERE reader LIKE 'account %')",
    ] {
        let highest: Option<i64> =
            diesel::select(sql::<Nullable<BigInt>>(accounts)).get_result(connection)?;
        named.account = named.account.max(highest.unwrap_or_default());
    }
    Ok(named)
}

/// The products and authors of a database's reviews whose ids are higher than these.
pub fn named_above(
    connection: &mut Connection,
    given: HighestIds,
) -> Result<(BTreeSet<i64>, BTreeSet<i64>), QueryError> {
    without_time_limit(connection)?;
    let products: Vec<i64> = review::table
        .filter(review::product_id.gt(given.product))
        .select(review::product_id)
        .distinct()
        .load(connection)?;
    let authors: Vec<Option<i64>> = review::table
        .filter(review::author_id.gt(given.account))
        .select(review::author_id)
        .distinct()
        .load(connection)?;
    Ok((products.into_iter().collect(), authors.into_iter().flatten().collect()))
}

/// Lets the next product and the next account get ids above these.
pub fn raise_sequences(connection: &mut Connection, above: HighestIds) -> Result<(), QueryError> {
    let given = given(connection)?;
    for (table, given, above) in
        [("product", given.product, above.product), ("account", given.account, above.account)]
    {
        if given < above {
            set_sequence(connection, table, above)?;
        }
    }
    Ok(())
}
