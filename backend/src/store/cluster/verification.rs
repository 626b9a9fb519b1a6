//! Verifies a database of a running service, and stores the result.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ostrakon_shared::Verification;

use crate::db::DbError;
use crate::db::verifications::{self, VerificationRow};
use crate::shard::DatabaseIndex;
use crate::store::cluster::Cluster;
use crate::store::cluster::verify::VerifyReport;
use crate::store::error::StoreError;

/// The maximum number of stored problems.
const MAX_PROBLEMS: usize = 100;

/// The running verifications of this process.
#[derive(Default)]
pub(in crate::store) struct RunningVerifications(Mutex<HashMap<DatabaseIndex, Verification>>);

impl RunningVerifications {
    fn lock(&self) -> MutexGuard<'_, HashMap<DatabaseIndex, Verification>> {
        // Each change is one insertion, removal or sum, so it is whole even after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cluster<'_> {
    /// The index of the reviews database with this name.
    pub fn database_index(&self, name: &str) -> Result<DatabaseIndex, StoreError> {
        self.shared.shards.index_of(name)
    }

    /// Registers a verification; [`Cluster::run_verification`] must follow.
    pub fn begin_verification(&self, index: DatabaseIndex) -> Result<Verification, StoreError> {
        let mut running = self.shared.running.lock();
        if running.contains_key(&index) {
            return Err(StoreError::VerifyRunning(self.shared.shards.name(index).to_owned()));
        }
        let begun = Verification {
            started_at: Timestamp::now(),
            finished_at: None,
            reviews: 0,
            problem_count: 0,
            problems: Vec::new(),
        };
        running.insert(index, begun.clone());
        Ok(begun)
    }

    /// Verifies a database and stores the result. A failed verification counts as a problem.
    pub fn run_verification(&self, index: DatabaseIndex) {
        let checked = self.verify(index, |seen| {
            if let Some(running) = self.shared.running.lock().get_mut(&index) {
                running.reviews += seen;
            }
        });
        let report = checked
            .unwrap_or_else(|error| VerifyReport::of(format!("the verification failed: {error}")));
        let begun = self.shared.running.lock().get(&index).map(|running| running.started_at);
        let kept = self.keep_verification(index, begun.unwrap_or_else(Timestamp::now), &report);
        self.shared.running.lock().remove(&index);
        if let Err(error) = kept {
            let database = self.shared.shards.name(index);
            tracing::error!(%error, database, "the result of a verification could not be stored");
        }
    }

    /// Stores the result of a verification.
    pub fn keep_verification(
        &self,
        index: DatabaseIndex,
        started_at: Timestamp,
        report: &VerifyReport,
    ) -> Result<(), DbError> {
        let first = &report.problems[..report.problems.len().min(MAX_PROBLEMS)];
        let default = self.routing().default();
        let problems = serde_json::to_string(first).map_err(|error| DbError::CorruptData {
            database: default.database.name().to_owned(),
            what: error.to_string(),
        })?;
        let row = VerificationRow {
            database: self.shared.shards.name(index).to_owned(),
            started_at: started_at.as_millisecond(),
            finished_at: Timestamp::now().as_millisecond(),
            reviews: report.reviews.cast_signed(),
            problem_count: report.problem_count.cast_signed(),
            problems,
        };
        default.write(|connection| verifications::keep(connection, &row))
    }

    /// The running or last verification of each database.
    pub(super) fn verifications(&self) -> Result<HashMap<DatabaseIndex, Verification>, StoreError> {
        let rows = self.routing().default().read_latest(verifications::all)?;
        let mut last = HashMap::new();
        for row in rows {
            // Retired databases are left out.
            if let Ok(index) = self.database_index(&row.database) {
                last.insert(index, Verification::try_from(row)?);
            }
        }
        last.extend(
            self.shared.running.lock().iter().map(|(&index, check)| (index, check.clone())),
        );
        Ok(last)
    }
}
