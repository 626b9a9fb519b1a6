//! Checks new reviews against `default` before they are written.

use std::collections::{HashMap, HashSet};

use ostrakon_shared::ProductId;

use crate::db::dialect::engine::Connection;
use crate::db::dialect::products_and_names::products_and_names;
use crate::db::error::QueryError;
use crate::text::NameKeys;

/// The existing ones of `products`, with whether each is archived; and those of `names` that equal
/// or look like the name of an account.
pub fn check<'n>(
    connection: &mut Connection,
    products: &[ProductId],
    names: &[&'n NameKeys],
) -> Result<(HashMap<ProductId, bool>, HashSet<&'n NameKeys>), QueryError> {
    let ids: Vec<i64> = products.iter().map(|id| id.get()).collect();
    let columns = names.iter().map(|keys| (keys.key.as_str(), keys.skeleton.as_str()));
    let (keys, skeletons): (Vec<&str>, Vec<&str>) = columns.unzip();
    let (products, accounts) = products_and_names(connection, &ids, &keys, &skeletons)?;
    let archived = products.into_iter();
    let archived = archived.filter_map(|(id, archived)| Some((ProductId::new(id)?, archived)));
    let is_taken = |keys: &&NameKeys| accounts.iter().any(|account| keys.is_like(account));
    Ok((archived.collect(), names.iter().copied().filter(is_taken).collect()))
}
