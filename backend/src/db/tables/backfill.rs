//! Computes columns that a migration has added, where only the program can compute the values.
//!
//! A migration adds such a task to the table `backfill`. `migrate` performs it, some rows per
//! transaction, and removes the task; until then no server opens the database. A task can be
//! repeated at any time: it changes only rows that are wrong.

use std::collections::HashMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;
use crate::db::schema::{account, backfill, product, review};
use crate::text::{NameKeys, fold};

/// Rows per transaction.
const BATCH: i64 = 1_000;

/// The unfinished tasks.
pub fn pending(connection: &mut Connection) -> Result<Vec<String>, QueryError> {
    Ok(backfill::table.select(backfill::name).order(backfill::name).load(connection)?)
}

/// Removes a finished task.
pub fn finish(connection: &mut Connection, task: &str) -> Result<(), QueryError> {
    diesel::delete(backfill::table.find(task)).execute(connection)?;
    Ok(())
}

/// Where a task continues, and how many rows it has read; `None` after the last row.
pub type Step<P> = (Option<P>, usize);

fn step<P>(next: Option<P>, rows: usize) -> Step<P> {
    (next.filter(|_| rows as i64 == BATCH), rows)
}

/// Computes the columns by which accounts' names are compared and searched, from ids above `after`.
pub fn account_names(connection: &mut Connection, after: i64) -> Result<Step<i64>, QueryError> {
    let rows: Vec<(i64, String, String, String)> = account::table
        .filter(account::id.gt(after))
        .order(account::id)
        .limit(BATCH)
        .select((account::id, account::name, account::name_skeleton, account::search_text))
        .load(connection)?;
    for (id, name, skeleton, search_text) in &rows {
        let (now, folded) = (NameKeys::of(name).skeleton, fold(name));
        if (skeleton, search_text) != (&now, &folded) {
            diesel::update(account::table.find(id))
                .set((account::name_skeleton.eq(now), account::search_text.eq(folded)))
                .execute(connection)?;
        }
    }
    Ok(step(rows.last().map(|row| row.0), rows.len()))
}

/// Folds the search texts of products with ids above `after` again.
pub fn product_search(connection: &mut Connection, after: i64) -> Result<Step<i64>, QueryError> {
    let rows: Vec<(i64, i32, String, Option<String>, String)> = product::table
        .filter(product::id.gt(after))
        .order(product::id)
        .limit(BATCH)
        .select((product::id, product::version, product::name, product::sku, product::search_text))
        .load(connection)?;
    for (id, version, name, sku, search_text) in &rows {
        let folded = crate::db::tables::products::search_text(name, sku.as_deref());
        if *search_text != folded {
            // A running server may have changed it meanwhile, and has folded it.
            diesel::update(product::table.find(id))
                .filter(product::version.eq(version))
                .set(product::search_text.eq(folded))
                .execute(connection)?;
        }
    }
    Ok(step(rows.last().map(|row| row.0), rows.len()))
}

/// A review by an account that may be signed with another name.
#[derive(Debug, Queryable)]
pub struct Signed {
    bucket: i16,
    id: i64,
    author_id: Option<i64>,
    author_name: Option<String>,
}

/// Reviews by accounts after (author, id), in that order, up to `BATCH`.
pub fn signed(
    connection: &mut Connection,
    (author, id): (i64, i64),
) -> Result<Vec<Signed>, QueryError> {
    let after = sql::<Bool>("(author_id, id) > (")
        .bind::<BigInt, _>(author)
        .sql(", ")
        .bind::<BigInt, _>(id)
        .sql(")");
    Ok(review::table
        .filter(review::author_id.is_not_null())
        .filter(after)
        .order((review::author_id, review::id))
        .limit(BATCH)
        .select((review::bucket, review::id, review::author_id, review::author_name))
        .load(connection)?)
}

/// The accounts that have written these reviews.
pub fn authors(reviews: &[Signed]) -> Vec<i64> {
    let mut authors: Vec<i64> = reviews.iter().filter_map(|review| review.author_id).collect();
    authors.dedup();
    authors
}

/// Marks the reviews that are signed with a pen name; the others get the name exactly as the
/// account writes it.
pub fn pen_names(
    connection: &mut Connection,
    reviews: &[Signed],
    names: &HashMap<i64, String>,
) -> Result<Step<(i64, i64)>, QueryError> {
    let keys: HashMap<i64, NameKeys> =
        names.iter().map(|(id, name)| (*id, NameKeys::of(name))).collect();
    for review in reviews {
        let Some(author) = review.author_id else { continue };
        let signed = review.author_name.as_deref().map(NameKeys::of);
        let is_own = signed.zip(keys.get(&author)).is_some_and(|(signed, own)| signed.is_like(own));
        let own = names.get(&author).filter(|_| is_own);
        if own.is_some_and(|own| review.author_name.as_ref() == Some(own)) {
            continue;
        }
        let row =
            review::table.filter(review::bucket.eq(review.bucket)).filter(review::id.eq(review.id));
        match own {
            Some(own) => diesel::update(row.filter(review::author_name.eq(&review.author_name)))
                .set(review::author_name.eq(own))
                .execute(connection)?,
            None => diesel::update(row).set(review::pen_name.eq(true)).execute(connection)?,
        };
    }
    let last = reviews.last().and_then(|last| Some((last.author_id?, last.id)));
    Ok(step(last, reviews.len()))
}
