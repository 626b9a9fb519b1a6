//! Checks at start-up that all databases belong to the cluster, and opens those that join it later.
//!
//! Look here when a server refuses to start because of a database, or does not open a new one.

use std::collections::BTreeSet;
use std::sync::Arc;

use ostrakon_shared::ReviewId;

use crate::db::cluster::{self, Member, Pins};
use crate::db::migrate::{self, Kind};
use crate::db::{Context, Database, DbError, clock_ms, now_ms, sqlite_version_problem};
use crate::db::{backfill, rebalances, reviews};
use crate::store::clock::{self, Clock};
use crate::store::cluster::setup::{
    Databases, Places, SetupError, all_of, check_pins, emptied, existing_pins, exists, missing,
    not_migrated, refuse_newer, require_place, require_utf8,
};
use crate::store::routing::id_generator::IdGenerator;
use crate::store::routing::{KNOWN_AFTER, Shard, Shards};

impl Databases {
    /// Opens these databases, after checking that they are one migrated cluster; all problems at
    /// once. `clock` dates reviews in files.
    pub(in crate::store) fn open(mut self, clock: &Clock) -> Result<Shards, SetupError> {
        if let Some(problem) = sqlite_version_problem() {
            return Err(problem.into());
        }
        require_migrated(&self.default, Kind::Default)?;
        let root = existing_pins(&self.default, Kind::Default)?
            .ok_or_else(|| not_migrated(&self.default))?;
        let spread = self.check_default_pins(&root)?;
        let map = self.default.read_latest(&Context::default(), cluster::shard_map)?;
        let mut unneeded = BTreeSet::new();
        all_of(map.active().map(|member| {
            let buckets = map.buckets_of(&member.name).count();
            let database = self.reviews_database(&member.name)?;
            let checked = require_place(&*self.places, database);
            let checked = checked.and_then(|()| check_reviews(database, member, &root, buckets));
            checked.or_else(|problem| {
                // One that owns nothing must not stop the cluster: it can be away, lost, or begun
                // by an interrupted `databases add`.
                if buckets > 0 {
                    return Err(problem);
                }
                unneeded.insert(member.name.clone());
                Ok(())
            })
        }))?;
        self.reviews.retain(|database| !unneeded.contains(database.name()));
        for (database, _) in self.all() {
            database.use_write_ahead_log()?;
        }
        let shards = self.shards(clock)?;
        std::iter::once(&self.default).chain(&self.reviews).for_each(|database| database.watch());
        let Databases { default, places, .. } = self;
        let (root, clock) = (Arc::clone(&default), clock.clone());
        let open_shard = move |name: &str| open_shard(&root, &*places, name, &clock);
        let shards = Shards::new(default, spread, shards, &map, Box::new(open_shard))
            .map_err(|error| SetupError::from(error.to_string()))?;
        // Other processes may not have noticed a move that ended before this one started.
        let moved_since = |connection: &mut _| {
            let since_ms = now_ms(connection)? - KNOWN_AFTER.as_millis() as i64;
            rebalances::has_moved_since(connection, since_ms)
        };
        if shards.default.read_latest(&Context::default(), moved_since)? {
            shards.note_map_change();
        }
        Ok(shards)
    }

    /// Opens `default` only, for what it alone knows. The reviews databases need not answer.
    pub(in crate::store) fn open_default(self, clock: &Clock) -> Result<Shards, SetupError> {
        require_migrated(&self.default, Kind::Default)?;
        let root = existing_pins(&self.default, Kind::Default)?
            .ok_or_else(|| not_migrated(&self.default))?;
        let spread = self.check_default_pins(&root)?;
        let map = self.default.read_latest(&Context::default(), cluster::shard_map)?;
        let Databases { default, places, .. } = self;
        let clock = clock.clone();
        let unopened = move |name: &str| {
            let id_generator = IdGenerator::above(name, 0, clock.clone());
            Shard { database: places.connect(name), id_generator, is_open: false }
        };
        Shards::new(default, spread, Vec::new(), &map, Box::new(unopened))
            .map_err(|error| error.to_string().into())
    }

    /// The reviews databases with their id generators. Reviews that are dated ahead of the clock
    /// are logged and left as they are: the next reviews must not be dated after them.
    fn shards(&self, clock: &Clock) -> Result<Vec<Shard>, SetupError> {
        let mut problems = BTreeSet::new();
        for database in &self.reviews {
            problems.extend(clock_problem(database, clock)?);
        }
        if !problems.is_empty() {
            return Err(SetupError(problems.into_iter().collect()));
        }
        let shard = |database: &Arc<Database>| {
            let id_generator = id_generator(database, clock)?;
            Ok(Shard { database: Arc::clone(database), id_generator, is_open: true })
        };
        self.reviews.iter().map(shard).collect()
    }
}

/// Opens a reviews database that the cluster has got since this process started. If it can't be
/// used, it is unavailable, and the log says why.
fn open_shard(default: &Database, places: &dyn Places, name: &str, clock: &Clock) -> Shard {
    let database = places.connect(name);
    let opened = require_place(places, &database)
        .and_then(|()| require_member(default, &database))
        .and_then(|()| Ok(id_generator(&database, clock)?));
    match opened {
        Ok(id_generator) => {
            tracing::info!(database = name, "joined the cluster: opened");
            database.watch();
            Shard { database, id_generator, is_open: true }
        }
        Err(error) => {
            tracing::error!(%error, database = name, "a database of the cluster can't be opened");
            let id_generator = IdGenerator::above(name, 0, clock.clone());
            Shard { database, id_generator, is_open: false }
        }
    }
}

/// Fails unless the database is a migrated member of the cluster.
fn require_member(default: &Database, database: &Database) -> Result<(), SetupError> {
    let root = existing_pins(default, Kind::Default)?.ok_or_else(|| not_migrated(default))?;
    let map = default.read_latest(&Context::default(), cluster::shard_map)?;
    let name = database.name();
    let member = map.active().find(|member| member.name == name);
    let member = member.ok_or_else(|| format!("{name} is not part of this cluster"))?;
    check_reviews(database, member, &root, map.buckets_of(name).count())?;
    Ok(database.use_write_ahead_log()?)
}

/// The clock that dates the reviews of a database, by name: its server or this machine; and that
/// clock's time in milliseconds since the Unix epoch.
fn time<'a>(database: &'a Database, clock: &Clock) -> Result<(&'a str, i64), DbError> {
    let by_server = database.read_latest(&Context::default(), clock_ms)?;
    let whose = by_server.map_or("this machine", |_| database.name());
    Ok((whose, by_server.unwrap_or_else(|| clock.now_ms())))
}

fn clock_problem(database: &Database, clock: &Clock) -> Result<Option<String>, DbError> {
    let (whose, now_ms) = time(database, clock)?;
    Ok(clock::problem(whose, now_ms))
}

fn id_generator(database: &Database, clock: &Clock) -> Result<IdGenerator, DbError> {
    let (_, now_ms) = time(database, clock)?;
    let bound = clock::first_ahead(now_ms);
    let last = |connection: &mut _| reviews::last_ids(connection, bound);
    let last = database.read_latest(&Context::default(), last)?;
    if let Some(latest) = last.above.and_then(ReviewId::new) {
        let (latest, now) = (clock::format(latest.unix_ms()), clock::format(now_ms));
        let (database, number) = (database.name(), last.number_above);
        let problem = "reviews are dated ahead of the clock: it is wrong, or was";
        tracing::warn!(database, number, latest, now, "{problem}");
    }
    Ok(IdGenerator::above(database.name(), last.below, clock.clone()))
}

fn check_reviews(
    database: &Database,
    member: &Member,
    root: &Pins,
    buckets: usize,
) -> Result<(), SetupError> {
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

pub(super) fn require_migrated(database: &Database, kind: Kind) -> Result<(), SetupError> {
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
