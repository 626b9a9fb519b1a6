//! Runs the backfill tasks of migrations, which fill in values that only the program can compute:
//! see `db/tables/backfill.rs`.

use std::collections::HashMap;

use crate::db::accounts;
use crate::db::backfill::{self, Step};
use crate::db::{Context, Database, DbError};
use crate::store::cluster::setup::SetupError;

/// The number of rows between two progress messages.
const ROWS_PER_LINE: u64 = 100_000;

/// Runs the pending backfill tasks of `database`. An interrupted task starts again with the next
/// run, which changes only wrong rows.
pub(in crate::store) fn run(
    default: &Database,
    database: &Database,
    say: &mut dyn FnMut(String),
) -> Result<(), SetupError> {
    let (name, context) = (database.name(), Context::default());
    for task in database.read_latest(&context, backfill::pending)? {
        let mut progress = |rows| say(format!("{name}: {task}: {rows} rows so far"));
        let rows = match task.as_str() {
            "account_names" => run_steps(0, &mut progress, |after| {
                database.write(&context, |connection| backfill::account_names(connection, after))
            }),
            "product_search" => run_steps(0, &mut progress, |after| {
                database.write(&context, |connection| backfill::product_search(connection, after))
            }),
            "pen_names" => {
                run_steps((0, 0), &mut progress, |after| pen_names(default, database, after))
            }
            _ => {
                return Err(format!(
                    "{name}: unknown backfill task {task}: use the newer program that added it"
                )
                .into());
            }
        };
        let rows = rows?;
        database.write(&context, |connection| backfill::finish(connection, &task))?;
        if rows > 0 {
            say(format!("{name}: {task}: done, {rows} rows"));
        }
    }
    Ok(())
}

/// Runs all steps of a task; returns the number of rows.
fn run_steps<P>(
    start: P,
    progress: &mut dyn FnMut(u64),
    mut step: impl FnMut(P) -> Result<Step<P>, DbError>,
) -> Result<u64, DbError> {
    let (mut at, mut rows) = (start, 0);
    loop {
        let (next, read) = step(at)?;
        let before = rows / ROWS_PER_LINE;
        rows += read as u64;
        let Some(next) = next else { return Ok(rows) };
        if rows / ROWS_PER_LINE > before {
            progress(rows);
        }
        at = next;
    }
}

fn pen_names(
    default: &Database,
    reviews: &Database,
    after: (i64, i64),
) -> Result<Step<(i64, i64)>, DbError> {
    let context = Context::default();
    let signed = reviews.read_latest(&context, |connection| backfill::signed(connection, after))?;
    let authors = backfill::authors(&signed);
    let names =
        default.read_latest(&context, |connection| accounts::names(connection, &authors))?;
    let names: HashMap<i64, String> = names.into_iter().collect();
    reviews.write(&context, |connection| backfill::pen_names(connection, &signed, &names))
}
