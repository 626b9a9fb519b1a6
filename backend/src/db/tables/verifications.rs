//! The last verification of each reviews database, stored in `default`.

use diesel::prelude::*;
use jiff::Timestamp;
use ostrakon_shared::Verification;

use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::error::QueryError;
use crate::db::schema::verification;

/// A finished verification.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = verification, primary_key(database))]
pub struct VerificationRow {
    pub database: String,
    /// Milliseconds since the Unix epoch.
    pub started_at: i64,
    /// Milliseconds since the Unix epoch.
    pub finished_at: i64,
    pub reviews: i64,
    /// The number of problems.
    pub problem_count: i64,
    /// The first problems, as a JSON array of lines.
    pub problems: String,
}

impl TryFrom<VerificationRow> for Verification {
    type Error = QueryError;

    fn try_from(row: VerificationRow) -> Result<Verification, QueryError> {
        let broken = || QueryError::CorruptData(format!("the verification of {}", row.database));
        let time = |ms| Timestamp::from_millisecond(ms).map_err(|_| broken());
        Ok(Verification {
            started_at: time(row.started_at)?,
            finished_at: Some(time(row.finished_at)?),
            reviews: row.reviews.unsigned_abs(),
            problem_count: row.problem_count.unsigned_abs(),
            problems: serde_json::from_str(&row.problems).map_err(|_| broken())?,
        })
    }
}

/// Stores a verification in place of the previous one.
pub fn keep(connection: &mut Connection, row: &VerificationRow) -> Result<(), QueryError> {
    on_each_engine!(connection, c => {
        diesel::insert_into(verification::table)
            .values(row)
            .on_conflict(verification::database)
            .do_update()
            .set(row)
            .execute(c)
    })?;
    Ok(())
}

/// The last verification of each database that has one.
pub fn all(connection: &mut Connection) -> Result<Vec<VerificationRow>, QueryError> {
    Ok(verification::table.select(VerificationRow::as_select()).load(connection)?)
}
