//! Checking at start-up that every database is the one that the cluster means.

use std::collections::HashSet;
use std::sync::{Arc, RwLock};

use arc_swap::ArcSwap;

use super::{
    Databases, SetupError, check_pins, emptied, existing_pins, exists, missing, not_migrated,
    refuse_newer,
};
use crate::db::cluster::{self, Pins};
use crate::db::migrate::{self, Kind};
use crate::db::{Context, Database, backfill, files, reviews, sqlite_version_problem};
use crate::store::passwords::Passwords;
use crate::store::revisions::Revisions;
use crate::store::usage::Usage;
use crate::store::writers::Writers;
use crate::store::{Cluster, Policy, Store, mint, verification};

impl Databases {
    /// The store of these databases, after checking that they are one migrated cluster; all
    /// problems at once.
    pub fn open(self, policy: Policy) -> Result<Store, SetupError> {
        if let Some(problem) = sqlite_version_problem() {
            return Err(problem.into());
        }
        require_migrated(&self.default, Kind::Default)?;
        let root = existing_pins(&self.default, Kind::Default)?
            .ok_or_else(|| not_migrated(&self.default))?;
        let spread = self.check_default_pins(&root)?;
        self.check_members(&self.default.read_latest(&Context::default(), cluster::members)?)?;
        let map = self.default.read_latest(&Context::default(), cluster::shard_map)?;
        let mut problems = Vec::new();
        for (index, database) in self.reviews.iter().enumerate() {
            let checked = self.check_reviews(database, &root, map.buckets_of(index).count());
            problems.extend(checked.err().into_iter().flat_map(|SetupError(lines)| lines));
        }
        if !problems.is_empty() {
            return Err(SetupError(problems));
        }
        for (database, _) in self.all() {
            files::use_write_ahead_log(database)?;
        }
        let last_ids: Result<Vec<i64>, _> = self
            .reviews
            .iter()
            .map(|database| database.read_latest(&Context::default(), reviews::last_id))
            .collect();
        let last_id = last_ids?.into_iter().max().unwrap_or_default();
        std::iter::once(&self.default).chain(&self.reviews).for_each(|database| database.watch());
        let databases = self.reviews.len();
        let cluster = Cluster {
            default: self.default,
            reviews: self.reviews,
            spread,
            policy,
            passwords: Passwords::default(),
            usage: Usage::default(),
            map: ArcSwap::from_pointee(map),
            mint: mint::Mint::above(last_id),
            running: verification::Running::default(),
            revisions: Revisions::new(),
            writers: Writers::new(databases),
            known_products: RwLock::new(HashSet::new()),
        };
        Ok(Store { cluster: Arc::new(cluster), context: Context::default() })
    }

    fn check_reviews(
        &self,
        database: &Database,
        root: &Pins,
        buckets: usize,
    ) -> Result<(), SetupError> {
        let members = self.default.read_latest(&Context::default(), cluster::members)?;
        let (_, member) = self.member(&members, database)?;
        if !exists(database) && member.ready {
            return Err(missing(database, buckets).into());
        }
        require_migrated(database, Kind::Reviews)?;
        match existing_pins(database, Kind::Reviews)? {
            Some(found) => {
                let expected = Pins { database: database.name().to_owned(), ..root.clone() };
                check_pins(database, &found, &expected)
            }
            None if member.ready => Err(emptied(database).into()),
            None => Err(not_migrated(database).into()),
        }
    }
}

fn require_migrated(database: &Database, kind: Kind) -> Result<(), SetupError> {
    if !exists(database) {
        return Err(not_migrated(database).into());
    }
    let progress = migrate::progress(database, kind)?;
    refuse_newer(database, &progress)?;
    let is_complete = progress.pending.is_empty()
        && database.read_latest(&Context::default(), backfill::pending)?.is_empty();
    if is_complete { Ok(()) } else { Err(not_migrated(database).into()) }
}
