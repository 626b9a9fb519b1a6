//! Looks up the products and the names of accounts that a batch of new reviews mentions.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel::{PgConnection, SqliteConnection};
use serde::Serialize;

use crate::db::dialect::engine::Connection;
use crate::db::dialect::prepared::KeepPrepared;
use crate::text::NameKeys;

/// A product's id, and whether it is archived.
type ProductState = (i64, bool);

/// The products with these ids, and the names of accounts that share one of the keys or skeletons.
/// On a server this is one query.
pub(in crate::db) fn products_and_names(
    connection: &mut Connection,
    ids: &[i64],
    keys: &[&str],
    skeletons: &[&str],
) -> QueryResult<(Vec<ProductState>, Vec<NameKeys>)> {
    match connection {
        Connection::Sqlite(sqlite) => Ok((products(sqlite, ids)?, names(sqlite, keys, skeletons)?)),
        Connection::Postgres(postgres) => in_one_query(postgres, ids, keys, skeletons),
    }
}

// On SQLite a list in the query would need a statement for each length, and a temporary B-tree for
// each execution, which cost a fifth of the throughput; a JSON array is one bind of one statement.

fn products(sqlite: &mut SqliteConnection, ids: &[i64]) -> QueryResult<Vec<ProductState>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        id: i64,
        #[diesel(sql_type = Bool)]
        archived: bool,
    }
    const PRODUCTS: &str = "SELECT product.id, archived
         FROM json_each(?1) AS wanted CROSS JOIN product ON product.id = wanted.value";
    let query = diesel::sql_query(PRODUCTS).bind::<Text, _>(json(ids));
    let rows: Vec<Row> = KeepPrepared(query).load(sqlite)?;
    Ok(rows.into_iter().map(|row| (row.id, row.archived)).collect())
}

fn names(
    sqlite: &mut SqliteConnection,
    keys: &[&str],
    skeletons: &[&str],
) -> QueryResult<Vec<NameKeys>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name_key: String,
        #[diesel(sql_type = Text)]
        name_skeleton: String,
    }
    const ACCOUNTS: &str = "SELECT name_key, name_skeleton
         FROM json_each(?1) AS wanted CROSS JOIN account ON name_key = wanted.value
         UNION ALL
         SELECT name_key, name_skeleton
         FROM json_each(?2) AS wanted CROSS JOIN account ON name_skeleton = wanted.value";
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let query = diesel::sql_query(ACCOUNTS);
    let query = query.bind::<Text, _>(json(keys)).bind::<Text, _>(json(skeletons));
    let rows: Vec<Row> = KeepPrepared(query).load(sqlite)?;
    let keys = |row: Row| NameKeys { key: row.name_key, skeleton: row.name_skeleton };
    Ok(rows.into_iter().map(keys).collect())
}

fn json(values: &[impl Serialize]) -> String {
    serde_json::to_string(values).expect("numbers and texts are JSON")
}

fn in_one_query(
    postgres: &mut PgConnection,
    ids: &[i64],
    keys: &[&str],
    skeletons: &[&str],
) -> QueryResult<(Vec<ProductState>, Vec<NameKeys>)> {
    /// A product, or the name of an account if the names are set.
    #[derive(QueryableByName)]
    struct ProductOrName {
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
    let query = diesel::sql_query(if keys.is_empty() { PRODUCTS } else { AND_NAMES }).into_boxed();
    let mut query = query.bind::<Array<BigInt>, _>(ids);
    if !keys.is_empty() {
        query = query.bind::<Array<Text>, _>(keys).bind::<Array<Text>, _>(skeletons);
    }
    let (mut products, mut accounts) = (Vec::new(), Vec::new());
    for row in KeepPrepared(query).load::<ProductOrName>(postgres)? {
        match (row.name_key, row.name_skeleton) {
            (Some(key), Some(skeleton)) => accounts.push(NameKeys { key, skeleton }),
            _ => products.push((row.id, row.archived)),
        }
    }
    Ok((products, accounts))
}
