//! API tokens as rows. Their secrets are kept as hashes.

use diesel::prelude::*;
use ostrakon_shared::{AccountId, CredentialId, TokenInfo};

use super::accounts::{AccountRow, timestamp};
use super::engine::Connection;
use super::error::QueryError;
use super::schema::{account, api_token};
use super::sessions::{Found, credential_id};

/// An API token to be stored.
pub struct NewTokenRow<'a> {
    /// Whose it is.
    pub account: AccountId,
    /// The hash of its secret.
    pub secret_hash: &'a [u8],
    /// What it is for.
    pub name: &'a str,
    /// Now, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it ends by itself; None: never.
    pub expires_at: Option<i64>,
}

/// A token's columns, as they are shown.
type Shown = (i64, String, i64, Option<i64>);
const SHOWN: (api_token::id, api_token::name, api_token::created_at, api_token::expires_at) =
    (api_token::id, api_token::name, api_token::created_at, api_token::expires_at);

fn info((id, name, created_at, expires_at): Shown) -> Result<TokenInfo, QueryError> {
    Ok(TokenInfo {
        id: credential_id(id)?,
        name,
        created_at: timestamp(created_at)?,
        expires_at: expires_at.map(timestamp).transpose()?,
    })
}

/// Stores an API token.
pub fn insert(connection: &mut Connection, new: &NewTokenRow) -> Result<TokenInfo, QueryError> {
    let inserted: Shown = diesel::insert_into(api_token::table)
        .values((
            api_token::account_id.eq(new.account.get()),
            api_token::secret_hash.eq(new.secret_hash),
            api_token::name.eq(new.name),
            api_token::created_at.eq(new.created_at),
            api_token::expires_at.eq(new.expires_at),
        ))
        .returning(SHOWN)
        .get_result(connection)?;
    info(inserted)
}

/// The API token with this hash, and its account.
pub fn find(connection: &mut Connection, secret_hash: &[u8]) -> Result<Option<Found>, QueryError> {
    let found: Option<(i64, Option<i64>, AccountRow)> = api_token::table
        .inner_join(account::table.on(account::id.eq(api_token::account_id)))
        .filter(api_token::secret_hash.eq(secret_hash))
        .select((api_token::id, api_token::expires_at, AccountRow::as_select()))
        .first(connection)
        .optional()?;
    let found = found
        .map(|(id, expires_at, account)| Ok(Found { id: credential_id(id)?, expires_at, account }));
    found.transpose()
}

/// An account's API tokens, the newest first.
pub fn list(connection: &mut Connection, account: AccountId) -> Result<Vec<TokenInfo>, QueryError> {
    let rows: Vec<Shown> = api_token::table
        .filter(api_token::account_id.eq(account.get()))
        .order(api_token::id.desc())
        .select(SHOWN)
        .load(connection)?;
    rows.into_iter().map(info).collect()
}

/// How many API tokens an account has.
pub fn count(connection: &mut Connection, account: AccountId) -> Result<i64, QueryError> {
    let own = api_token::table.filter(api_token::account_id.eq(account.get()));
    Ok(own.count().get_result(connection)?)
}

/// Revokes one of an account's API tokens; says whether there was one.
pub fn remove_of(
    connection: &mut Connection,
    account: AccountId,
    id: CredentialId,
) -> Result<bool, QueryError> {
    let own = api_token::table.find(id.get()).filter(api_token::account_id.eq(account.get()));
    Ok(diesel::delete(own).execute(connection)? == 1)
}
