//! Sessions as rows. Their secrets are stored as hashes.

use diesel::prelude::*;
use ostrakon_shared::{AccountId, CredentialId, SessionInfo};

use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;
use crate::db::schema::{account, session};
use crate::db::tables::accounts::{AccountRow, timestamp};

/// A session that was found by its secret; it may have expired.
#[derive(Clone, Debug)]
pub struct FoundSession {
    pub id: CredentialId,
    /// When it began. All times are milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it expires.
    pub expires_at: i64,
    /// When it was last used, to the hour; `None` if unknown.
    pub last_used_at: Option<i64>,
    /// When the password was last entered in it.
    pub proved_at: i64,
    pub account: AccountRow,
}

pub struct NewSession<'a> {
    pub account_id: i64,
    pub secret_hash: &'a [u8],
    /// The User-Agent of the browser.
    pub user_agent: Option<&'a str>,
    /// Now, in milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it expires.
    pub expires_at: i64,
}

pub fn insert(connection: &mut Connection, new: &NewSession) -> Result<(), QueryError> {
    diesel::insert_into(session::table)
        .values((
            session::account_id.eq(new.account_id),
            session::secret_hash.eq(new.secret_hash),
            session::user_agent.eq(new.user_agent),
            session::created_at.eq(new.created_at),
            session::expires_at.eq(new.expires_at),
            session::last_used_at.eq(new.created_at),
            session::proved_at.eq(new.created_at),
        ))
        .execute(connection)?;
    Ok(())
}

/// The session with this hash, and its account.
pub fn find(
    connection: &mut Connection,
    secret_hash: &[u8],
) -> Result<Option<FoundSession>, QueryError> {
    let found: Option<(i64, i64, i64, Option<i64>, i64, AccountRow)> = session::table
        .inner_join(account::table.on(account::id.eq(session::account_id)))
        .filter(session::secret_hash.eq(secret_hash))
        .select((
            session::id,
            session::created_at,
            session::expires_at,
            session::last_used_at,
            session::proved_at,
            AccountRow::as_select(),
        ))
        .first(connection)
        .optional()?;
    let found = found.map(|(id, created_at, expires_at, last_used_at, proved_at, account)| {
        let id = credential_id(id)?;
        Ok(FoundSession { id, created_at, expires_at, last_used_at, proved_at, account })
    });
    found.transpose()
}

/// Records the use of a session, which extends it, unless a later use is recorded.
pub fn set_used(
    connection: &mut Connection,
    id: CredentialId,
    used_at: i64,
    expires_at: i64,
) -> Result<(), QueryError> {
    let earlier = session::table
        .find(id.get())
        .filter(session::last_used_at.lt(used_at).or(session::last_used_at.is_null()));
    diesel::update(earlier)
        .set((session::last_used_at.eq(used_at), session::expires_at.eq(expires_at)))
        .execute(connection)?;
    Ok(())
}

/// Records that the password was entered in a session; returns whether the session exists.
pub fn set_proved(
    connection: &mut Connection,
    id: CredentialId,
    proved_at: i64,
) -> Result<bool, QueryError> {
    let changed = diesel::update(session::table.find(id.get()))
        .set(session::proved_at.eq(proved_at))
        .execute(connection)?;
    Ok(changed == 1)
}

/// An account's sessions that haven't ended at `now`, the newest first.
pub fn list(
    connection: &mut Connection,
    account: AccountId,
    current: Option<CredentialId>,
    now_ms: i64,
) -> Result<Vec<SessionInfo>, QueryError> {
    type Shown = (i64, Option<String>, i64, Option<i64>, i64);
    let rows: Vec<Shown> = session::table
        .filter(session::account_id.eq(account.get()))
        .filter(session::expires_at.gt(now_ms))
        .order(session::id.desc())
        .select((
            session::id,
            session::user_agent,
            session::created_at,
            session::last_used_at,
            session::expires_at,
        ))
        .load(connection)?;
    let info =
        |(id, user_agent, created_at, last_used_at, expires_at): (_, _, _, Option<i64>, _)| {
            let id = credential_id(id)?;
            Ok(SessionInfo {
                id,
                current: Some(id) == current,
                user_agent,
                created_at: timestamp(created_at)?,
                last_used_at: last_used_at.map(timestamp).transpose()?,
                expires_at: timestamp(expires_at)?,
            })
        };
    rows.into_iter().map(info).collect()
}

/// Ends the session with this hash; says whether there was one.
pub fn remove(connection: &mut Connection, secret_hash: &[u8]) -> Result<bool, QueryError> {
    let found = session::table.filter(session::secret_hash.eq(secret_hash));
    Ok(diesel::delete(found).execute(connection)? == 1)
}

/// Ends one of an account's sessions; says whether there was one.
pub fn remove_of(
    connection: &mut Connection,
    account: AccountId,
    id: CredentialId,
) -> Result<bool, QueryError> {
    let own = session::table.find(id.get()).filter(session::account_id.eq(account.get()));
    Ok(diesel::delete(own).execute(connection)? == 1)
}

/// Ends all of an account's sessions but this one; returns how many.
pub fn remove_all(
    connection: &mut Connection,
    account: i64,
    except: Option<CredentialId>,
) -> Result<usize, QueryError> {
    // No session has the id 0.
    let except = except.map_or(0, CredentialId::get);
    let others =
        session::table.filter(session::account_id.eq(account)).filter(session::id.ne(except));
    Ok(diesel::delete(others).execute(connection)?)
}

/// Whether there are expired sessions.
pub fn any_expired(connection: &mut Connection, now_ms: i64) -> Result<bool, QueryError> {
    let expired = session::table.filter(session::expires_at.le(now_ms));
    Ok(diesel::select(diesel::dsl::exists(expired)).get_result(connection)?)
}

/// Removes all expired sessions; returns how many.
pub fn remove_expired(connection: &mut Connection, now_ms: i64) -> Result<usize, QueryError> {
    let expired = session::table.filter(session::expires_at.le(now_ms));
    Ok(diesel::delete(expired).execute(connection)?)
}

/// Ends all of an account's sessions but the `count` newest ones.
pub fn keep_newest(
    connection: &mut Connection,
    account: i64,
    count: i64,
) -> Result<(), QueryError> {
    let of_account = session::table.filter(session::account_id.eq(account));
    let newest: Option<i64> = of_account
        .order(session::id.desc())
        .offset(count)
        .select(session::id)
        .first(connection)
        .optional()?;
    if let Some(newest_too_many) = newest {
        diesel::delete(of_account.filter(session::id.le(newest_too_many))).execute(connection)?;
    }
    Ok(())
}

pub(in crate::db) fn credential_id(number: i64) -> Result<CredentialId, QueryError> {
    let broken =
        || QueryError::CorruptData(format!("a credential with the impossible id {number}"));
    CredentialId::new(number).ok_or_else(broken)
}
