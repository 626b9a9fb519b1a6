//! Accounts as rows.

use diesel::prelude::*;
use jiff::Timestamp;
use ostrakon_shared::{Account, AccountId};

use super::connection::Connection;
use super::error::QueryError;
use super::schema::account;

/// An account as it is stored.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = account)]
pub struct AccountRow {
    /// The account's id.
    pub id: i64,
    /// Its name, as it is shown.
    pub name: String,
    /// The hash of its password, as a PHC string.
    pub password_hash: String,
    /// A [`ostrakon_shared::Role`].
    pub role: String,
    /// Whether it is shut.
    pub disabled: bool,
    /// Whether its password is the demo's, which everybody knows.
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
        let broken = |what: &str| QueryError::Broken(format!("account {} with {what}", row.id));
        Ok(Account {
            id: AccountId::new(row.id).ok_or_else(|| broken("an impossible id"))?,
            role: row.role.parse().map_err(|_| broken("an unknown role"))?,
            created_at: timestamp(row.created_at).ok_or_else(|| broken("an impossible date"))?,
            name: row.name,
            disabled: row.disabled,
        })
    }
}

/// A moment, from its milliseconds since the Unix epoch.
pub fn timestamp(unix_ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(unix_ms).ok()
}

/// The names of these accounts, by id.
pub fn names(connection: &mut Connection, ids: &[i64]) -> Result<Vec<(i64, String)>, QueryError> {
    Ok(account::table
        .filter(account::id.eq_any(ids))
        .select((account::id, account::name))
        .load(connection)?)
}
