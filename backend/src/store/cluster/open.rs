//! Checks at start-up that all databases belong to the cluster.

use std::collections::BTreeSet;

use arc_swap::ArcSwap;
use ostrakon_shared::ReviewId;

use crate::db::cluster::{self, Pins};
use crate::db::migrate::{self, Kind};
use crate::db::{Context, Database, clock_ms, files, sqlite_version_problem};
use crate::db::{backfill, reviews};
use crate::store::clock::{self, Clock};
use crate::store::cluster::setup::{
    Databases, SetupError, all_of, check_pins, emptied, existing_pins, exists, missing,
    not_migrated, refuse_newer, require_utf8,
};
use crate::store::routing::Shards;
use crate::store::routing::change_counters::ChangeCounters;
use crate::store::routing::id_generator::IdGenerator;

impl Databases {
    /// Opens these databases, after checking that they are one migrated cluster; all problems at
    /// once. `clock` dates reviews in files.
    pub(in crate::store) fn open(self, clock: &Clock) -> Result<Shards, SetupError> {
        if let Some(problem) = sqlite_version_problem() {
            return Err(problem.into());
        }
        require_migrated(&self.default, Kind::Default)?;
        let root = existing_pins(&self.default, Kind::Default)?
            .ok_or_else(|| not_migrated(&self.default))?;
        let spread = self.check_default_pins(&root)?;
        self.check_members(&self.default.read_latest(&Context::default(), cluster::members)?)?;
        let map = self.default.read_latest(&Context::default(), cluster::shard_map)?;
        all_of(self.reviews.iter().enumerate().map(|(index, database)| {
            self.check_reviews(database, &root, map.buckets_of(index).count())
        }))?;
        for (database, _) in self.all() {
            files::use_write_ahead_log(database)?;
        }
        let id_generators = self.id_generators(clock)?;
        std::iter::once(&self.default).chain(&self.reviews).for_each(|database| database.watch());
        Ok(Shards {
            default: self.default,
            reviews: self.reviews,
            spread,
            map: ArcSwap::from_pointee(map),
            id_generators,
            change_counters: ChangeCounters::new(),
        })
    }

    /// A mint for each reviews database. What is dated ahead of its clock is told, and left as it
    /// is: it must not date what comes.
    fn id_generators(&self, clock: &Clock) -> Result<Vec<IdGenerator>, SetupError> {
        let (mut id_generators, mut ahead, mut problems) =
            (Vec::new(), Vec::new(), BTreeSet::new());
        for database in &self.reviews {
            let name = database.name();
            let by_server = database.read_latest(&Context::default(), clock_ms)?;
            let whose = by_server.map_or("this machine", |_| name);
            let now_ms = by_server.unwrap_or_else(|| clock.now_ms());
            problems.extend(clock::problem(whose, now_ms));
            let bound = clock::first_ahead(now_ms);
            let last = |connection: &mut _| reviews::last_ids(connection, bound);
            let last = database.read_latest(&Context::default(), last)?;
            if let Some(id) = last.above.and_then(ReviewId::new) {
                ahead.push((name, last.number_above, id, now_ms));
            }
            id_generators.push(IdGenerator::above(name, last.below, clock.clone()));
        }
        if !problems.is_empty() {
            return Err(SetupError(problems.into_iter().collect()));
        }
        for (database, number, latest, now_ms) in ahead {
            let (latest, now) = (clock::format(latest.unix_ms()), clock::format(now_ms));
            let problem = "reviews are dated ahead of the clock: it is wrong, or was";
            tracing::warn!(database, number, latest, now, "{problem}");
        }
        Ok(id_generators)
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
    require_utf8(database)?;
    let progress = migrate::state(database, kind)?;
    refuse_newer(database, &progress)?;
    let is_complete = progress.pending.is_empty()
        && database.read_latest(&Context::default(), backfill::pending)?.is_empty();
    if is_complete { Ok(()) } else { Err(not_migrated(database).into()) }
}
