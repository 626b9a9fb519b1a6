//! Plans rebalances.
//!
//! Turns an operator's goal into stored moves. `shard/plan.rs` chooses the buckets, `mover` moves
//! them.

use std::collections::BTreeMap;

use crate::db::bucket_copy;
use crate::db::cluster::{self, StoredMap};
use crate::db::rebalances::{self, NewMove};
use crate::db::{Lock, inspect, lock, now_ms};
use crate::shard::{BUCKETS, Bucket, PlannedMove, plan_moves};
use crate::store::cluster::Cluster;
use crate::store::cluster::rebalance::lease::SLOWDOWN;
use crate::store::error::{StoreError, transaction};

/// How many reviews are copied per second, and how many buckets change their owner besides, if
/// nothing else happens.
const REVIEWS_PER_SECOND: f64 = 10_000.0;
const BUCKETS_PER_SECOND: f64 = 80.0;

/// What a rebalance is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// All databases own the same number of buckets, give or take one.
    Even,
    /// The first databases own all buckets, in equal numbers.
    ToDatabases(u32),
    /// This database owns no bucket any more.
    Drain(String),
}

/// A stored plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RebalancePlan {
    /// How many buckets move from one database to another.
    pub moves: BTreeMap<(String, String), PlannedPart>,
    /// The estimated duration without other clients, in seconds.
    pub seconds: u64,
    /// The same while clients use the service.
    pub seconds_beside_clients: u64,
    /// The buckets of each database before and after.
    pub buckets: BTreeMap<String, (u64, u64)>,
}

/// What moves from one database to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlannedPart {
    pub buckets: u64,
    pub reviews: u64,
    /// An estimate from the size of the database.
    pub bytes: u64,
}

impl Cluster<'_> {
    /// Plans which buckets move, and stores the plan in place of one that has not been started.
    pub fn plan_rebalance(&self, goal: &Goal) -> Result<RebalancePlan, StoreError> {
        let routing = self.routing();
        // Databases may have been added a moment ago.
        routing.shards.refresh_map(routing.context, false)?;
        let map = routing.default().read_latest(cluster::shard_map)?;
        let names: Vec<&str> =
            map.active().filter(|member| member.ready).map(|member| member.name.as_str()).collect();
        let keep = kept(goal, &names)?;
        let moves = planned_moves(&map, &names, &keep, routing.shards.spread)?;
        let mut plan = RebalancePlan::default();
        let mut sizes = BTreeMap::new();
        for &name in &names {
            sizes.insert(name, self.sizes(name)?);
            let has = map.buckets_of(name).count() as u64;
            plan.buckets.insert(name.to_owned(), (has, has));
        }
        let mut new = Vec::new();
        for planned in &moves {
            let (source, target) = (names[planned.source], names[planned.target]);
            let (by_bucket, bytes_a_review) = &sizes[source];
            let reviews = by_bucket.get(&planned.bucket.number()).copied().unwrap_or_default();
            let part = plan.moves.entry((source.to_owned(), target.to_owned())).or_default();
            part.buckets += 1;
            part.reviews += reviews;
            part.bytes += (reviews as f64 * bytes_a_review) as u64;
            plan.buckets.entry(source.to_owned()).and_modify(|(_, after)| *after -= 1);
            plan.buckets.entry(target.to_owned()).and_modify(|(_, after)| *after += 1);
            let (_, epoch) = map.owners[usize::from(planned.bucket.get())];
            new.push(NewMove {
                bucket: planned.bucket.number(),
                source: source.to_owned(),
                target: target.to_owned(),
                epoch,
                reviews: i64::try_from(reviews).unwrap_or(i64::MAX),
            });
        }
        let reviews: u64 = plan.moves.values().map(|part| part.reviews).sum();
        let seconds = reviews as f64 / REVIEWS_PER_SECOND + new.len() as f64 / BUCKETS_PER_SECOND;
        plan.seconds = seconds.ceil() as u64;
        plan.seconds_beside_clients = (seconds * SLOWDOWN).ceil() as u64;
        self.store_plan(goal, &map, &new)?;
        Ok(plan)
    }

    /// The reviews of each bucket of a database, and the bytes that one takes.
    fn sizes(&self, name: &str) -> Result<(BTreeMap<i16, u64>, f64), StoreError> {
        let index = self.database_index(name)?;
        if !self.routing().shards.is_open(index) {
            return Err(StoreError::RebalanceState(format!(
                "{name} can't be opened: check that it is up, and that the configuration has its URL"
            )));
        }
        Ok(self.routing().database(index).read(|connection| {
            let by_bucket = bucket_copy::reviews_by_bucket(connection)?;
            let reviews: u64 = by_bucket.values().sum();
            let bytes = inspect::size(connection)? as f64 / reviews.max(1) as f64;
            Ok((by_bucket, bytes))
        })?)
    }

    fn store_plan(&self, goal: &Goal, map: &StoredMap, new: &[NewMove]) -> Result<(), StoreError> {
        let text = match goal {
            Goal::Even => "even".to_owned(),
            Goal::ToDatabases(number) => format!("to {number} databases"),
            Goal::Drain(name) => format!("drain {name}"),
        };
        let default = self.routing().default();
        Ok(transaction(&default, |connection| {
            lock(connection, Lock::Rebalance)?;
            let earlier = rebalances::unfinished(connection)?;
            if let Some(running) = earlier.as_ref().filter(|earlier| earlier.state != "planned") {
                let problem = format!("another rebalance is {}", running.state);
                return Err(StoreError::RebalanceState(problem).into());
            }
            if cluster::map_version(connection)? != map.version {
                return Err(StoreError::BucketMoved.into());
            }
            if let Some(earlier) = earlier {
                rebalances::delete_plan(connection, earlier.id)?;
            }
            let now_ms = now_ms(connection)?;
            if !new.is_empty() {
                rebalances::insert(connection, &text, map.version, new, now_ms)?;
            }
            Ok(())
        })?)
    }
}

/// Which databases are to own buckets.
fn kept(goal: &Goal, names: &[&str]) -> Result<Vec<bool>, StoreError> {
    let refused = |problem: String| Err(StoreError::RebalanceState(problem));
    match goal {
        Goal::Even => Ok(vec![true; names.len()]),
        Goal::ToDatabases(number) => {
            let number = usize::try_from(*number).unwrap_or(usize::MAX);
            if number == 0 {
                return refused("at least one database must own buckets".to_owned());
            }
            if number > usize::from(BUCKETS) {
                return refused(format!("a cluster has {BUCKETS} reviews databases at most"));
            }
            if number > names.len() {
                let has = names.len();
                return refused(format!(
                    "the cluster has {has} databases: `ostrakon databases add --count {}` first",
                    number - has
                ));
            }
            Ok((0..names.len()).map(|place| place < number).collect())
        }
        Goal::Drain(name) => {
            if !names.contains(&name.as_str()) {
                return Err(StoreError::DatabaseNotFound(name.clone()));
            }
            if names.len() == 1 {
                return Err(StoreError::only_database(name));
            }
            Ok(names.iter().map(|kept| kept != name).collect())
        }
    }
}

fn planned_moves(
    map: &StoredMap,
    names: &[&str],
    keep: &[bool],
    spread: crate::shard::Spread,
) -> Result<Vec<PlannedMove>, StoreError> {
    let place = |owner: &String| names.iter().position(|name| name == owner);
    let owners: Option<Vec<usize>> = map.owners.iter().map(|(owner, _)| place(owner)).collect();
    let owners = owners.filter(|owners| owners.len() == usize::from(BUCKETS));
    let owners =
        owners.ok_or_else(|| StoreError::Internal("a bucket of an unknown database".to_owned()))?;
    debug_assert_eq!(Bucket::all().count(), owners.len());
    Ok(plan_moves(&owners, keep, spread))
}
