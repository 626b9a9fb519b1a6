//! What makes several databases one cluster: the pins, the list of databases, the shard map.
//!
//! The list and the map are in `default`, the pins in every database. `store/cluster` decides when
//! they change.

use diesel::prelude::*;

use crate::db::dialect::engine::Connection;
use crate::db::dialect::storage::has_table;
use crate::db::error::QueryError;
use crate::db::schema::{cluster, database, map_version, shard_map};
use crate::db::tables::owner::{self, OwnerRow, OwnerState};
use crate::shard::{BUCKETS, Bucket, even_owner};

pub use crate::db::dialect::storage::touch;

/// What every database of a cluster must agree about, and which of them it is.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = cluster)]
pub struct Pins {
    /// The cluster's own id, drawn when it was created.
    pub id: String,
    /// The name of the database that holds these pins.
    pub database: String,
    /// The bucket function.
    pub hash: String,
    /// The moment that review ids count from.
    pub epoch: String,
    pub buckets: i32,
    /// How many home buckets a product has.
    pub spread: i32,
}

/// The pins of a database; `None` when it belongs to no cluster yet.
pub fn pins(connection: &mut Connection) -> Result<Option<Pins>, QueryError> {
    Ok(cluster::table.select(Pins::as_select()).first(connection).optional()?)
}

pub(in crate::db) fn insert_pins(
    connection: &mut Connection,
    pins: &Pins,
) -> Result<(), QueryError> {
    diesel::insert_into(cluster::table)
        .values((cluster::singleton.eq(1), pins))
        .execute(connection)?;
    Ok(())
}

/// A reviews database, as `default` knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `reviews-1` to `reviews-N`.
    pub name: String,
    /// Whether its own pins and owner rows are written.
    pub ready: bool,
    /// Whether the cluster has done without it since it was removed.
    pub retired: bool,
}

/// Makes `default` the root of a new cluster: its pins, its members, and an even shard map.
pub fn create(
    connection: &mut Connection,
    pins: &Pins,
    members: &[String],
) -> Result<(), QueryError> {
    insert_pins(connection, pins)?;
    for name in members {
        add_member(connection, name)?;
    }
    for bucket in Bucket::all() {
        diesel::insert_into(shard_map::table)
            .values((
                shard_map::bucket.eq(bucket.number()),
                shard_map::database.eq(&members[even_owner(bucket, members.len())]),
                shard_map::epoch.eq(1_i64),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Adds a reviews database without buckets, which is not ready yet, after all others.
pub fn add_member(connection: &mut Connection, name: &str) -> Result<(), QueryError> {
    let last: Option<i32> =
        database::table.select(diesel::dsl::max(database::position)).first(connection)?;
    diesel::insert_into(database::table)
        .values((
            database::name.eq(name),
            database::position.eq(last.map_or(0, |last| last + 1)),
            database::state.eq("new"),
        ))
        .execute(connection)?;
    bump_map_version(connection)
}

/// Makes a reviews database a member: its pins, and an owner row for each of its buckets.
pub fn join(
    connection: &mut Connection,
    pins: &Pins,
    owned: impl Iterator<Item = (Bucket, i64)>,
) -> Result<(), QueryError> {
    insert_pins(connection, pins)?;
    for (bucket, epoch) in owned {
        let row = OwnerRow { state: OwnerState::Owned, epoch, move_id: None };
        owner::insert(connection, bucket, row)?;
    }
    Ok(())
}

/// Notes in `default` that a member's own pins and owner rows are written.
pub fn set_ready(connection: &mut Connection, member: &str) -> Result<(), QueryError> {
    diesel::update(database::table.find(member))
        .set(database::state.eq("ready"))
        .execute(connection)?;
    bump_map_version(connection)
}

/// Notes that the cluster does without a member from now on.
pub fn retire(connection: &mut Connection, member: &str) -> Result<(), QueryError> {
    diesel::update(database::table.find(member))
        .set(database::retired.eq(true))
        .execute(connection)?;
    bump_map_version(connection)
}

/// The names of the reviews databases, in order, without retired ones; also before the migrations.
/// Empty if the database is not the root of a cluster.
pub fn member_names(connection: &mut Connection) -> Result<Vec<String>, QueryError> {
    let names = database::table.order(database::position).select(database::name);
    if !has_table(connection, "database")? {
        return Ok(Vec::new());
    }
    // Only later migrations know of retired ones.
    if !has_table(connection, "map_version")? {
        return Ok(names.load(connection)?);
    }
    Ok(names.filter(database::retired.eq(false)).load(connection)?)
}

/// All reviews databases that the cluster has or had, in order.
pub fn members(connection: &mut Connection) -> Result<Vec<Member>, QueryError> {
    let rows: Vec<(String, String, bool)> = database::table
        .order(database::position)
        .select((database::name, database::state, database::retired))
        .load(connection)?;
    let member = |(name, state, retired)| Member { name, ready: state == "ready", retired };
    Ok(rows.into_iter().map(member).collect())
}

/// The shard map, with databases by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMap {
    /// Counts the changes of the map and of the list of members.
    pub version: i64,
    /// All members, in order.
    pub members: Vec<Member>,
    /// The owner of each bucket, in order, and its epoch.
    pub owners: Vec<(String, i64)>,
}

impl StoredMap {
    /// The members that the cluster has.
    pub fn active(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !member.retired)
    }

    /// The buckets that a database owns, in order, with their epochs.
    pub fn buckets_of(&self, database: &str) -> impl Iterator<Item = (Bucket, i64)> {
        let owned = Bucket::all().zip(&self.owners);
        owned.filter(move |(_, (owner, _))| owner == database).map(|(b, (_, epoch))| (b, *epoch))
    }
}

/// The shard map. Read in one snapshot.
pub fn shard_map(connection: &mut Connection) -> Result<StoredMap, QueryError> {
    let owners: Vec<(String, i64)> = shard_map::table
        .order(shard_map::bucket)
        .select((shard_map::database, shard_map::epoch))
        .load(connection)?;
    if owners.len() != usize::from(BUCKETS) {
        return Err(QueryError::CorruptData("the shard map lacks buckets".to_owned()));
    }
    let members = members(connection)?;
    Ok(StoredMap { version: map_version(connection)?, members, owners })
}

/// Makes another database the owner of a bucket; false, and nothing happens, unless it is owned as
/// given.
pub fn change_owner(
    connection: &mut Connection,
    bucket: Bucket,
    (from, epoch): (&str, i64),
    to: &str,
) -> Result<bool, QueryError> {
    let row = shard_map::table
        .find(bucket.number())
        .filter(shard_map::database.eq(from))
        .filter(shard_map::epoch.eq(epoch));
    let changed = diesel::update(row)
        .set((shard_map::database.eq(to), shard_map::epoch.eq(epoch + 1)))
        .execute(connection)?;
    bump_map_version(connection)?;
    Ok(changed == 1)
}

/// The version of the map and of the list of members.
pub fn map_version(connection: &mut Connection) -> Result<i64, QueryError> {
    Ok(map_version::table.select(map_version::version).first(connection)?)
}

/// Makes the version of a copied map that of its original.
pub fn set_map_version(connection: &mut Connection, version: i64) -> Result<(), QueryError> {
    diesel::update(map_version::table).set(map_version::version.eq(version)).execute(connection)?;
    Ok(())
}

fn bump_map_version(connection: &mut Connection) -> Result<(), QueryError> {
    diesel::update(map_version::table)
        .set(map_version::version.eq(map_version::version + 1))
        .execute(connection)?;
    Ok(())
}
