//! The rows that make several databases one cluster: the pins, the list of databases, the shard
//! map.

use diesel::prelude::*;

use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;
use crate::db::tables::schema::{bucket_owner, cluster, database, shard_map};
use crate::shard::{Bucket, DatabaseIndex, Owner, ShardMap};

pub use crate::db::dialect::storage::touch;

/// The pins of a cluster, and the name of this database in it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = cluster)]
pub struct Pins {
    /// The cluster's own id, drawn when it was created.
    pub id: String,
    /// The name of the database that holds these pins.
    pub database: String,
    /// The bucket function.
    pub hash: String,
    /// The time from which review ids count.
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
}

/// Makes `default` the root of a new cluster: its pins, its members, and an even shard map.
pub fn create(
    connection: &mut Connection,
    pins: &Pins,
    members: &[String],
) -> Result<(), QueryError> {
    insert_pins(connection, pins)?;
    for (position, name) in (0..).zip(members) {
        diesel::insert_into(database::table)
            .values((
                database::name.eq(name),
                database::position.eq::<i32>(position),
                database::state.eq("new"),
            ))
            .execute(connection)?;
    }
    let map = ShardMap::even(members.len());
    for bucket in Bucket::all() {
        let owner = map.owner(bucket);
        diesel::insert_into(shard_map::table)
            .values((
                shard_map::bucket.eq(bucket.number()),
                shard_map::database.eq(&members[owner.database]),
                shard_map::epoch.eq(owner.epoch),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Makes a reviews database a member: its pins, and an owner row for each of its buckets.
pub fn join(
    connection: &mut Connection,
    pins: &Pins,
    owned: impl Iterator<Item = (Bucket, i64)>,
) -> Result<(), QueryError> {
    insert_pins(connection, pins)?;
    for (bucket, epoch) in owned {
        diesel::insert_into(bucket_owner::table)
            .values((
                bucket_owner::bucket.eq(bucket.number()),
                bucket_owner::state.eq("owned"),
                bucket_owner::epoch.eq(epoch),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// Records in `default` that a member's own pins and owner rows are written.
pub fn set_ready(connection: &mut Connection, member: &str) -> Result<(), QueryError> {
    diesel::update(database::table.find(member))
        .set(database::state.eq("ready"))
        .execute(connection)?;
    Ok(())
}

/// The cluster's reviews databases, in order.
pub fn members(connection: &mut Connection) -> Result<Vec<Member>, QueryError> {
    let rows: Vec<(String, String)> = database::table
        .order(database::position)
        .select((database::name, database::state))
        .load(connection)?;
    Ok(rows.into_iter().map(|(name, state)| Member { name, ready: state == "ready" }).collect())
}

/// The shard map, with databases as indices into [`members`].
pub fn shard_map(connection: &mut Connection) -> Result<ShardMap, QueryError> {
    let members = members(connection)?;
    let rows: Vec<(String, i64)> = shard_map::table
        .order(shard_map::bucket)
        .select((shard_map::database, shard_map::epoch))
        .load(connection)?;
    let place = |name: &str| -> Option<DatabaseIndex> {
        members.iter().position(|member| member.name == name)
    };
    let owners: Option<Vec<Owner>> = rows
        .iter()
        .map(|(name, epoch)| Some(Owner { database: place(name)?, epoch: *epoch }))
        .collect();
    owners
        .and_then(ShardMap::from_owners)
        .ok_or_else(|| QueryError::CorruptData("a shard map that lacks buckets".to_owned()))
}
