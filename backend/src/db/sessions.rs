//! Sessions and API tokens: what accounts prove themselves with. Secrets are kept as hashes.

use diesel::prelude::*;

use super::accounts::AccountRow;
use super::connection::Connection;
use super::error::QueryError;
use super::schema::{account, api_token, session};

/// What a secret's hash was found to be: the credential's id, when it ends, and its account.
#[derive(Clone, Debug)]
pub struct Found {
    /// The session's or the token's id.
    pub id: i64,
    /// When it ends by itself, in milliseconds since the Unix epoch; None: never.
    pub expires_at: Option<i64>,
    /// Whose it is.
    pub account: AccountRow,
}

/// The session with this hash, whether or not it is still good.
pub fn find_session(
    connection: &mut Connection,
    secret_hash: &[u8],
) -> Result<Option<Found>, QueryError> {
    let found: Option<(i64, i64, AccountRow)> = session::table
        .inner_join(account::table.on(account::id.eq(session::account_id)))
        .filter(session::secret_hash.eq(secret_hash))
        .select((session::id, session::expires_at, AccountRow::as_select()))
        .first(connection)
        .optional()?;
    Ok(found.map(|(id, expires_at, account)| Found { id, expires_at: Some(expires_at), account }))
}

/// The API token with this hash, whether or not it is still good.
pub fn find_token(
    connection: &mut Connection,
    secret_hash: &[u8],
) -> Result<Option<Found>, QueryError> {
    let found: Option<(i64, Option<i64>, AccountRow)> = api_token::table
        .inner_join(account::table.on(account::id.eq(api_token::account_id)))
        .filter(api_token::secret_hash.eq(secret_hash))
        .select((api_token::id, api_token::expires_at, AccountRow::as_select()))
        .first(connection)
        .optional()?;
    Ok(found.map(|(id, expires_at, account)| Found { id, expires_at, account }))
}
