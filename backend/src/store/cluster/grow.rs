//! Adds reviews databases to a cluster, and retires those that no longer own buckets.
//!
//! It moves no reviews: see `rebalance`.

use std::sync::Arc;

use ostrakon_shared::AuditAction;

use crate::db::cluster::{self, Member};
use crate::db::migrate::{self, Kind};
use crate::db::{Address, Context, Database, Lock, inspect, lock, owner, rebalances};
use crate::shard::BUCKETS;
use crate::store::audit::{AuditTarget, Source, audit_change, record};
use crate::store::cluster::Cluster;
use crate::store::cluster::open::require_migrated;
use crate::store::cluster::setup::{
    Databases, SetupError, existing_pins, require_place, require_utf8,
};
use crate::store::error::{StoreError, transaction};

impl Databases {
    /// Adds reviews databases to the cluster; they own no buckets until a rebalance moves some to
    /// them. Passes one line per step to `say`. What an interrupted call has begun, `migrate` and
    /// the next call complete.
    pub fn add(&self, number: u16, say: &mut dyn FnMut(String)) -> Result<(), SetupError> {
        let places = Arc::clone(&self.places);
        let connect = |name: &str| {
            let database = places.connect(name);
            require_place(&*places, &database).map(|()| database)
        };
        self.add_connected(number, connect, say).map(drop)
    }

    /// Adds the database at this address, which the configuration need not have; returns its name.
    pub fn add_at(
        &self,
        address: &Address,
        say: &mut dyn FnMut(String),
    ) -> Result<Option<String>, SetupError> {
        let places = Arc::clone(&self.places);
        let connect = |name: &str| Ok(places.connect_to(name, address.clone()));
        Ok(self.add_connected(1, connect, say)?.pop())
    }

    /// Adds databases one process after another; returns their names.
    fn add_connected(
        &self,
        number: u16,
        connect: impl Fn(&str) -> Result<Arc<Database>, SetupError>,
        say: &mut dyn FnMut(String),
    ) -> Result<Vec<String>, SetupError> {
        let _lock = migrate::lock_existing(&self.default)?;
        let pins = existing_pins(&self.default, Kind::Default)?;
        pins.ok_or_else(|| "there is no cluster yet: run `ostrakon migrate` first".to_owned())?;
        require_migrated(&self.default, Kind::Default)?;
        let members = self.default.read_latest(&Context::default(), cluster::members)?;
        let begun = members.iter().filter(|member| !member.ready && !member.retired);
        let mut names: Vec<String> = begun.map(|member| member.name.clone()).collect();
        let active = members.iter().filter(|member| !member.retired).count();
        let missing = usize::from(number).saturating_sub(names.len());
        if active + missing > usize::from(BUCKETS) {
            return Err(format!("a cluster has {BUCKETS} reviews databases at most").into());
        }
        let last = last_number(&members);
        let new: Vec<String> =
            (last + 1..).take(missing).map(|number| format!("reviews-{number}")).collect();
        for name in &new {
            require_unused(&*connect(name)?)?;
        }
        self.default.write(&Context::default(), |connection| {
            new.iter().try_for_each(|name| {
                cluster::add_member(connection, name)?;
                let changes = [audit_change("database", None, Some(name))];
                let (source, action) = (Source::operator(), AuditAction::DatabaseAdded);
                record(connection, &source, action, AuditTarget::Service, &changes)
            })
        })?;
        names.extend(new);
        let reviews = names.iter().map(|name| connect(name)).collect::<Result<_, _>>()?;
        let (default, places) = (Arc::clone(&self.default), Arc::clone(&self.places));
        let databases = Databases { default, reviews, spread: self.spread, places };
        for database in &databases.reviews {
            require_utf8(database)?;
            databases.migrate_reviews(database, say)?;
        }
        Ok(names)
    }
}

/// The highest number in a name that the cluster has used.
fn last_number(members: &[Member]) -> u32 {
    let used = members.iter().filter_map(|member| member.name.strip_prefix("reviews-"));
    used.filter_map(|number| number.parse().ok()).max().unwrap_or_default()
}

/// Fails unless a database is empty, or a file that does not exist.
fn require_unused(database: &Database) -> Result<(), SetupError> {
    require_utf8(database)?;
    let place = format!("{} ({})", database.name(), database.address());
    if let Some(pins) = existing_pins(database, Kind::Reviews)? {
        return Err(format!("{place} belongs to cluster {} already", pins.id).into());
    }
    let is_empty = match database.address().file() {
        Some(path) => !path.exists(),
        None => !database.read_latest(&Context::default(), inspect::has_tables)?,
    };
    if is_empty { Ok(()) } else { Err(format!("{place} is not empty").into()) }
}

impl Cluster<'_> {
    /// Retires a reviews database for an operator: processes no longer open it, and its name is not
    /// used again.
    /// Refused while it owns buckets, or a rebalance has not ended.
    pub fn retire_database(&self, name: &str) -> Result<(), StoreError> {
        let rows = match self.database_index(name) {
            // One that is lost can be retired, if the shard map has no bucket of it.
            Ok(index) => {
                self.routing().database(index).read_latest(owner::all).map_or(0, |rows| rows.len())
            }
            // One that an interrupted `databases add` has begun is not open.
            Err(error) => {
                let members = self.routing().default().read_latest(cluster::members)?;
                let is_begun =
                    |member: &Member| member.name == name && !member.ready && !member.retired;
                if !members.iter().any(is_begun) {
                    return Err(error);
                }
                0
            }
        };
        let default = self.routing().default();
        Ok(transaction(&default, |connection| {
            lock(connection, Lock::Rebalance)?;
            let refused = |problem: String| Err(StoreError::RebalanceState(problem).into());
            let map = cluster::shard_map(connection)?;
            let owned = map.buckets_of(name).count().max(rows);
            if owned > 0 {
                return refused(format!(
                    "{name} owns {owned} buckets: move them away first (`ostrakon rebalance plan \
                     --drain {name}`, then `ostrakon rebalance start`)"
                ));
            }
            if let Some(running) = rebalances::unfinished(connection)? {
                return refused(format!("a rebalance is {}: end it first", running.state));
            }
            if map.active().count() == 1 {
                return Err(StoreError::only_database(name).into());
            }
            cluster::retire(connection, name)?;
            let changes = [audit_change("database", Some(name), None)];
            let (source, action) = (Source::operator(), AuditAction::DatabaseRetired);
            Ok(record(connection, &source, action, AuditTarget::Service, &changes)?)
        })?)
    }
}
