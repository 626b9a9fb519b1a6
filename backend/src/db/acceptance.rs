//! What `default` is asked before new reviews are written.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel::{PgConnection, SqliteConnection};
use ostrakon_shared::ProductId;

use super::cached::Cached;
use super::engine::Connection;
use super::error::QueryError;
use super::schema::{account, product};
use crate::text::NameKeys;

/// Those of `products` that are there, with whether each is archived; and those of `names` that can
/// be taken for an account's.
pub fn check<'n>(
    connection: &mut Connection,
    products: &[ProductId],
    names: &[&'n NameKeys],
) -> Result<(HashMap<ProductId, bool>, HashSet<&'n NameKeys>), QueryError> {
    match connection {
        Connection::Sqlite(sqlite) => {
            let archived = archived(sqlite, products)?;
            let mut taken = HashSet::new();
            for keys in names {
                let alike =
                    account::name_key.eq(&keys.key).or(account::name_skeleton.eq(&keys.skeleton));
                let found = account::table.filter(alike).select(account::id).limit(1);
                if found.first::<i64>(sqlite).optional()?.is_some() {
                    taken.insert(*keys);
                }
            }
            Ok((archived, taken))
        }
        Connection::Postgres(postgres) => in_one_query(postgres, products, names),
    }
}

fn archived(
    sqlite: &mut SqliteConnection,
    products: &[ProductId],
) -> QueryResult<HashMap<ProductId, bool>> {
    let ids = products.iter().map(|id| id.get());
    let query = product::table.filter(product::id.eq_any(ids));
    let found: Vec<(i64, bool)> =
        Cached(query.select((product::id, product::archived))).load(sqlite)?;
    let found = found.into_iter();
    Ok(found.filter_map(|(id, archived)| Some((ProductId::new(id)?, archived))).collect())
}

fn in_one_query<'n>(
    postgres: &mut PgConnection,
    products: &[ProductId],
    names: &[&'n NameKeys],
) -> Result<(HashMap<ProductId, bool>, HashSet<&'n NameKeys>), QueryError> {
    /// A product, or an account with one of the names.
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        id: i64,
        #[diesel(sql_type = Bool)]
        archived: bool,
        #[diesel(sql_type = Nullable<Text>)]
        name_key: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        name_skeleton: Option<String>,
    }
    const PRODUCTS: &str = "SELECT id, archived, NULL AS name_key, NULL AS name_skeleton
         FROM product WHERE id = ANY($1)";
    const AND_NAMES: &str = "SELECT id, archived, NULL AS name_key, NULL AS name_skeleton
         FROM product WHERE id = ANY($1)
         UNION ALL
         SELECT id, FALSE, name_key, name_skeleton
         FROM account WHERE name_key = ANY($2) OR name_skeleton = ANY($3)";
    let ids: Vec<i64> = products.iter().map(|id| id.get()).collect();
    let query = diesel::sql_query(if names.is_empty() { PRODUCTS } else { AND_NAMES }).into_boxed();
    let mut query = query.bind::<Array<BigInt>, _>(ids);
    if !names.is_empty() {
        let columns = names.iter().map(|keys| (keys.key.as_str(), keys.skeleton.as_str()));
        let (keys, skeletons): (Vec<&str>, Vec<&str>) = columns.unzip();
        query = query.bind::<Array<Text>, _>(keys).bind::<Array<Text>, _>(skeletons);
    }
    let found: Vec<Found> = Cached(query).load(postgres)?;
    let (mut archived, mut taken) = (HashMap::new(), HashSet::new());
    for row in found {
        match (row.name_key, row.name_skeleton) {
            (Some(key), Some(skeleton)) => {
                let account = NameKeys { key, skeleton };
                taken.extend(names.iter().copied().filter(|keys| keys.is_like(&account)));
            }
            _ => archived.extend(ProductId::new(row.id).map(|id| (id, row.archived))),
        }
    }
    Ok((archived, taken))
}
