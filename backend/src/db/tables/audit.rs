//! The audit trail as rows.

use diesel::prelude::*;
use ostrakon_shared::{AccountId, AuditAction, AuditEntry, AuditId, ProductId};

use crate::db::dialect::engine::{Connection, MultiBackend, on_each_engine};
use crate::db::error::QueryError;
use crate::db::schema::audit_entry;
use crate::db::tables::accounts::timestamp;

#[derive(Clone, Debug, Default, Insertable)]
#[diesel(table_name = audit_entry)]
pub struct NewEntry {
    /// A [`AuditAction`].
    pub action: String,
    /// The time of the first occurrence, in milliseconds since the Unix epoch.
    pub at: i64,
    pub last_at: i64,
    pub count: i32,
    pub actor_id: Option<i64>,
    pub actor_name: Option<String>,
    /// A [`ostrakon_shared::AuditVia`].
    pub via: Option<String>,
    pub network: Option<String>,
    pub account_id: Option<i64>,
    pub account_name: Option<String>,
    pub product_id: Option<i64>,
    /// A JSON array of [`ostrakon_shared::AuditChange`].
    pub changes: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_entry)]
struct EntryRow {
    id: i64,
    action: String,
    at: i64,
    last_at: i64,
    count: i32,
    actor_id: Option<i64>,
    actor_name: Option<String>,
    via: Option<String>,
    network: Option<String>,
    account_id: Option<i64>,
    account_name: Option<String>,
    product_id: Option<i64>,
    changes: String,
}

impl TryFrom<EntryRow> for AuditEntry {
    type Error = QueryError;

    fn try_from(row: EntryRow) -> Result<AuditEntry, QueryError> {
        let broken =
            |what: &str| QueryError::CorruptData(format!("audit entry {} with {what}", row.id));
        let account = |id: i64| AccountId::new(id).ok_or_else(|| broken("an impossible account"));
        let product = |id: i64| ProductId::new(id).ok_or_else(|| broken("an impossible product"));
        let via = row.via.as_ref().map(|via| via.parse().map_err(|_| broken("unknown means")));
        Ok(AuditEntry {
            id: AuditId::new(row.id).ok_or_else(|| broken("an impossible id"))?,
            action: row.action.parse().map_err(|_| broken("an unknown action"))?,
            at: timestamp(row.at)?,
            last_at: timestamp(row.last_at)?,
            count: row.count,
            actor_id: row.actor_id.map(account).transpose()?,
            via: via.transpose()?,
            account_id: row.account_id.map(account).transpose()?,
            product_id: row.product_id.map(product).transpose()?,
            changes: serde_json::from_str(&row.changes).map_err(|_| broken("unknown changes"))?,
            actor: row.actor_name,
            network: row.network,
            account: row.account_name,
        })
    }
}

/// Which entries are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only entries with this action.
    pub action: Option<AuditAction>,
    /// Only entries by or about this account.
    pub account: Option<AccountId>,
}

/// Stores an entry; returns its id.
pub fn insert(connection: &mut Connection, new: &NewEntry) -> Result<i64, QueryError> {
    let insert = diesel::insert_into(audit_entry::table).values(new);
    Ok(on_each_engine!(connection, c => insert.returning(audit_entry::id).get_result(c))?)
}

/// Adds occurrences to an entry; returns whether it still exists.
pub fn count_more(
    connection: &mut Connection,
    id: i64,
    more: i32,
    last_at: i64,
) -> Result<bool, QueryError> {
    let changed = diesel::update(audit_entry::table.find(id))
        .set((audit_entry::count.eq(audit_entry::count + more), audit_entry::last_at.eq(last_at)))
        .execute(connection)?;
    Ok(changed == 1)
}

/// Up to `limit` entries with ids below `below`, the newest first.
pub fn list(
    connection: &mut Connection,
    filter: Filter,
    below: i64,
    limit: usize,
) -> Result<Vec<AuditEntry>, QueryError> {
    let mut query = audit_entry::table
        .filter(audit_entry::id.lt(below))
        .order(audit_entry::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(EntryRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(action) = filter.action {
        query = query.filter(audit_entry::action.eq(action.as_str()));
    }
    if let Some(account) = filter.account {
        let id = account.get();
        let concerns = audit_entry::account_id.eq(id).or(audit_entry::actor_id.eq(id));
        query = query.filter(concerns);
    }
    let rows: Vec<EntryRow> = query.load(connection)?;
    rows.into_iter().map(AuditEntry::try_from).collect()
}

/// Whether there is an entry whose last occurrence was before `before`.
pub fn any_before(connection: &mut Connection, before: i64) -> Result<bool, QueryError> {
    any_within(connection, i64::MIN, before)
}

/// Whether there is an entry whose last occurrence was at `from` or later, and before `to`.
pub fn any_within(connection: &mut Connection, from: i64, to: i64) -> Result<bool, QueryError> {
    let within = audit_entry::table
        .filter(audit_entry::last_at.ge(from))
        .filter(audit_entry::last_at.lt(to));
    Ok(diesel::select(diesel::dsl::exists(within)).get_result(connection)?)
}

/// Removes up to `limit` entries whose last occurrence was before `before`; returns how many.
pub fn prune(connection: &mut Connection, before: i64, limit: i64) -> Result<usize, QueryError> {
    let old: Vec<i64> = audit_entry::table
        .filter(audit_entry::last_at.lt(before))
        .order(audit_entry::last_at)
        .limit(limit)
        .select(audit_entry::id)
        .load(connection)?;
    Ok(diesel::delete(audit_entry::table.filter(audit_entry::id.eq_any(old)))
        .execute(connection)?)
}
