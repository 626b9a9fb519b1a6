//! Accounts as rows.

use diesel::prelude::*;
use jiff::Timestamp;
use ostrakon_shared::{Account, AccountId, Role};

use crate::db::dialect::conditions::escape_like;
use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::error::QueryError;
use crate::db::schema::account;
use crate::text::{NameKeys, fold};

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = account)]
pub struct AccountRow {
    pub id: i64,
    /// Its name, as it is shown.
    pub name: String,
    /// The hash of its password, as a PHC string.
    pub password_hash: String,
    /// A [`ostrakon_shared::Role`].
    pub role: String,
    pub disabled: bool,
    /// Whether its password is the demo's, which is public.
    pub demo_password: bool,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_at: i64,
}

// A hash in a log could be cracked at leisure.
impl std::fmt::Debug for AccountRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountRow").field("id", &self.id).finish_non_exhaustive()
    }
}

impl TryFrom<AccountRow> for Account {
    type Error = QueryError;

    fn try_from(row: AccountRow) -> Result<Account, QueryError> {
        let broken =
            |what: &str| QueryError::CorruptData(format!("account {} with {what}", row.id));
        Ok(Account {
            id: AccountId::new(row.id).ok_or_else(|| broken("an impossible id"))?,
            role: row.role.parse().map_err(|_| broken("an unknown role"))?,
            created_at: timestamp(row.created_at)?,
            name: row.name,
            disabled: row.disabled,
        })
    }
}

/// The time at these milliseconds since the Unix epoch.
pub(in crate::db) fn timestamp(unix_ms: i64) -> Result<Timestamp, QueryError> {
    let broken = |_| QueryError::CorruptData(format!("{unix_ms} ms are no date"));
    Timestamp::from_millisecond(unix_ms).map_err(broken)
}

pub struct NewAccount<'a> {
    pub name: &'a str,
    pub keys: &'a NameKeys,
    /// The hash of its password, as a PHC string.
    pub password_hash: &'a str,
    pub role: Role,
    pub demo_password: bool,
    /// Now, in milliseconds since the Unix epoch.
    pub created_at: i64,
}

/// Fails with [`crate::db::DbError::Conflict`] if the name is taken.
pub fn insert(connection: &mut Connection, new: &NewAccount) -> Result<AccountRow, QueryError> {
    let insert = diesel::insert_into(account::table).values((
        account::name.eq(new.name),
        account::name_key.eq(&new.keys.key),
        account::name_skeleton.eq(&new.keys.skeleton),
        account::search_text.eq(fold(new.name)),
        account::password_hash.eq(new.password_hash),
        account::role.eq(new.role.as_str()),
        account::demo_password.eq(new.demo_password),
        account::created_at.eq(new.created_at),
    ));
    Ok(on_each_engine!(connection, c => {
        insert.returning(AccountRow::as_returning()).get_result(c)
    })?)
}

pub fn find(connection: &mut Connection, id: AccountId) -> Result<Option<AccountRow>, QueryError> {
    let query = account::table.find(id.get()).select(AccountRow::as_select());
    Ok(query.first(connection).optional()?)
}

/// The account with this name, as names are compared.
pub fn find_by_key(
    connection: &mut Connection,
    name_key: &str,
) -> Result<Option<AccountRow>, QueryError> {
    let query = account::table.filter(account::name_key.eq(name_key));
    Ok(query.select(AccountRow::as_select()).first(connection).optional()?)
}

/// Whether an account's name equals or looks like this one.
pub fn is_taken(connection: &mut Connection, keys: &NameKeys) -> Result<bool, QueryError> {
    let alike = account::name_key.eq(&keys.key).or(account::name_skeleton.eq(&keys.skeleton));
    let found = account::table.filter(alike).select(account::id).limit(1);
    Ok(found.first::<i64>(connection).optional()?.is_some())
}

/// Up to `limit` accounts with ids above `after` whose folded names contain `part`.
pub fn list(
    connection: &mut Connection,
    part: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<AccountRow>, QueryError> {
    let query = account::table
        .filter(account::id.gt(after))
        .filter(account::search_text.like(format!("%{}%", escape_like(part))).escape('\\'))
        .order(account::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX));
    Ok(query.select(AccountRow::as_select()).load(connection)?)
}

/// Replaces an account's password hash if it still is `old_hash`; returns whether it was.
pub fn replace_password(
    connection: &mut Connection,
    id: i64,
    old_hash: &str,
    new_hash: &str,
) -> Result<bool, QueryError> {
    let changed = diesel::update(account::table.find(id))
        .filter(account::password_hash.eq(old_hash))
        .set((account::password_hash.eq(new_hash), account::demo_password.eq(false)))
        .execute(connection)?;
    Ok(changed == 1)
}

/// Changes the role of an account, and whether it is disabled.
pub fn update(
    connection: &mut Connection,
    id: i64,
    role: Role,
    disabled: bool,
) -> Result<AccountRow, QueryError> {
    let update = diesel::update(account::table.find(id))
        .set((account::role.eq(role.as_str()), account::disabled.eq(disabled)));
    Ok(on_each_engine!(connection, c => {
        update.returning(AccountRow::as_returning()).get_result(c)
    })?)
}

/// Whether another enabled account is an admin without the demo's password, which works only
/// locally.
pub fn has_other_admin(connection: &mut Connection, id: i64) -> Result<bool, QueryError> {
    let others = account::table
        .filter(account::role.eq(Role::Admin.as_str()))
        .filter(account::disabled.eq(false))
        .filter(account::demo_password.eq(false))
        .filter(account::id.ne(id));
    Ok(diesel::select(diesel::dsl::exists(others)).get_result(connection)?)
}

/// Names of the accounts that can sign in with the demo's password.
pub fn with_demo_password(connection: &mut Connection) -> Result<Vec<String>, QueryError> {
    let query = account::table
        .filter(account::demo_password.eq(true))
        .filter(account::disabled.eq(false))
        .order(account::id);
    Ok(query.select(account::name).load(connection)?)
}

pub fn names(connection: &mut Connection, ids: &[i64]) -> Result<Vec<(i64, String)>, QueryError> {
    Ok(account::table
        .filter(account::id.eq_any(ids))
        .select((account::id, account::name))
        .load(connection)?)
}
