//! API tokens as rows. Their secrets are stored as hashes.

use diesel::prelude::*;
use ostrakon_shared::{AccountId, CredentialId, TokenInfo, TokenScope};

use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::error::QueryError;
use crate::db::schema::{account, api_token};
use crate::db::tables::accounts::{AccountRow, timestamp};
use crate::db::tables::sessions::credential_id;

/// An API token that was found by its secret; it may have expired.
#[derive(Clone, Debug)]
pub struct FoundToken {
    pub id: CredentialId,
    /// When it expires; None: never. All times are milliseconds since the Unix epoch.
    pub expires_at: Option<i64>,
    /// When it was last used, to the hour; None: not yet.
    pub last_used_at: Option<i64>,
    /// Its scopes.
    pub scopes: Vec<TokenScope>,
    pub account: AccountRow,
}

/// A new API token.
pub struct NewTokenRow<'a> {
    pub account: AccountId,
    pub secret_hash: &'a [u8],
    pub name: &'a str,
    /// Its scopes.
    pub scopes: &'a [TokenScope],
    /// Now, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it expires; `None`: never.
    pub expires_at: Option<i64>,
}

/// The columns of a token that its owner sees.
#[derive(Queryable, Selectable)]
#[diesel(table_name = api_token)]
struct TokenRow {
    id: i64,
    name: String,
    scopes: String,
    created_at: i64,
    last_used_at: Option<i64>,
    expires_at: Option<i64>,
}

impl TryFrom<TokenRow> for TokenInfo {
    type Error = QueryError;

    fn try_from(row: TokenRow) -> Result<TokenInfo, QueryError> {
        Ok(TokenInfo {
            id: credential_id(row.id)?,
            name: row.name,
            scopes: scopes(&row.scopes)?,
            created_at: timestamp(row.created_at)?,
            last_used_at: row.last_used_at.map(timestamp).transpose()?,
            expires_at: row.expires_at.map(timestamp).transpose()?,
        })
    }
}

fn scopes(words: &str) -> Result<Vec<TokenScope>, QueryError> {
    let broken = |_| QueryError::CorruptData(format!("a token with the scopes {words:?}"));
    words.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(broken)
}

pub fn insert(connection: &mut Connection, new: &NewTokenRow) -> Result<TokenInfo, QueryError> {
    let scopes: Vec<_> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    let insert = diesel::insert_into(api_token::table).values((
        api_token::account_id.eq(new.account.get()),
        api_token::secret_hash.eq(new.secret_hash),
        api_token::name.eq(new.name),
        api_token::scopes.eq(scopes.join(" ")),
        api_token::created_at.eq(new.created_at),
        api_token::expires_at.eq(new.expires_at),
    ));
    on_each_engine!(connection, c => insert.returning(TokenRow::as_returning()).get_result(c))?
        .try_into()
}

/// The API token with this hash, and its account.
pub fn find(
    connection: &mut Connection,
    secret_hash: &[u8],
) -> Result<Option<FoundToken>, QueryError> {
    type Row = (i64, Option<i64>, Option<i64>, String, AccountRow);
    let found: Option<Row> = api_token::table
        .inner_join(account::table.on(account::id.eq(api_token::account_id)))
        .filter(api_token::secret_hash.eq(secret_hash))
        .select((
            api_token::id,
            api_token::expires_at,
            api_token::last_used_at,
            api_token::scopes,
            AccountRow::as_select(),
        ))
        .first(connection)
        .optional()?;
    let found = found.map(|(id, expires_at, last_used_at, words, account)| {
        let (id, scopes) = (credential_id(id)?, scopes(&words)?);
        Ok(FoundToken { id, expires_at, last_used_at, scopes, account })
    });
    found.transpose()
}

/// Records the use of a token, unless a later use is recorded.
pub fn set_used(
    connection: &mut Connection,
    id: CredentialId,
    used_at: i64,
) -> Result<(), QueryError> {
    let earlier = api_token::table
        .find(id.get())
        .filter(api_token::last_used_at.lt(used_at).or(api_token::last_used_at.is_null()));
    diesel::update(earlier).set(api_token::last_used_at.eq(used_at)).execute(connection)?;
    Ok(())
}

/// An account's API tokens, the newest first.
pub fn list(connection: &mut Connection, account: AccountId) -> Result<Vec<TokenInfo>, QueryError> {
    let rows: Vec<TokenRow> = api_token::table
        .filter(api_token::account_id.eq(account.get()))
        .order(api_token::id.desc())
        .select(TokenRow::as_select())
        .load(connection)?;
    rows.into_iter().map(TokenInfo::try_from).collect()
}

pub fn count(connection: &mut Connection, account: AccountId) -> Result<i64, QueryError> {
    let own = api_token::table.filter(api_token::account_id.eq(account.get()));
    Ok(own.count().get_result(connection)?)
}

/// One of an account's API tokens.
pub fn find_of(
    connection: &mut Connection,
    account: AccountId,
    id: CredentialId,
) -> Result<Option<TokenInfo>, QueryError> {
    let own = api_token::table.find(id.get()).filter(api_token::account_id.eq(account.get()));
    let row: Option<TokenRow> = own.select(TokenRow::as_select()).first(connection).optional()?;
    row.map(TokenInfo::try_from).transpose()
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

/// Revokes all of an account's API tokens; returns how many.
pub fn remove_all(connection: &mut Connection, account: i64) -> Result<usize, QueryError> {
    let own = api_token::table.filter(api_token::account_id.eq(account));
    Ok(diesel::delete(own).execute(connection)?)
}
