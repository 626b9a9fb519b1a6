//! API tokens, the credentials of programs.

use jiff::{SignedDuration, Timestamp};
use ostrakon_shared::{
    AccountId, AuditAction, CreatedToken, CredentialId, FieldError, FieldErrorCode,
    FieldErrorParams, NewToken, TokenInfo, TokenList,
};

use crate::db::accounts;
use crate::db::tokens::{self, NewTokenRow};
use crate::db::{Connection, Lock, QueryError, lock};
use crate::store::accounts::Accounts;
use crate::store::accounts::secret;
use crate::store::actor::Actor;
use crate::store::audit::{AuditTarget, Source, audit_change, record};
use crate::store::error::StoreError;

/// The maximum number of API tokens per account.
const MAX_TOKENS: i64 = 100;

impl Accounts<'_> {
    /// All API tokens of an account.
    pub fn tokens(&self, account: AccountId) -> Result<TokenList, StoreError> {
        Ok(TokenList {
            items: self.default().read_latest(|connection| tokens::list(connection, account))?,
        })
    }

    /// Creates an API token. Only the result contains its secret.
    pub fn create_token(
        &self,
        source: &Source,
        account: &Actor,
        new: &NewToken,
    ) -> Result<CreatedToken, StoreError> {
        let errors = new.validate(account.role);
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        let secret = secret::new_token()?;
        let now = Timestamp::now();
        let end = |days: i32| now + SignedDuration::from_hours(24 * i64::from(days));
        let mut scopes = new.scopes.clone();
        scopes.sort();
        scopes.dedup();
        let row = NewTokenRow {
            account: account.id,
            secret_hash: &secret::hash(&secret),
            name: &new.name,
            scopes: &scopes,
            created_at: now.as_millisecond(),
            expires_at: new.days().map(|days| end(days).as_millisecond()),
        };
        let token = self.default().write(|connection| {
            lock(connection, Lock::Account(account.id.get()))?;
            if tokens::count(connection, account.id)? >= MAX_TOKENS {
                return Ok(None);
            }
            let token = tokens::insert(connection, &row)?;
            record_token(connection, source, AuditAction::TokenCreated, account.id, &token)?;
            Ok(Some(token))
        })?;
        let token = token.ok_or_else(|| StoreError::Invalid(vec![too_many()]))?;
        Ok(CreatedToken { secret, token })
    }

    /// Revokes one of an account's API tokens.
    pub fn revoke_token(
        &self,
        source: &Source,
        account: AccountId,
        id: CredentialId,
    ) -> Result<(), StoreError> {
        let revoked = self.default().write(|connection| {
            let Some(token) = tokens::find_of(connection, account, id)? else { return Ok(false) };
            let revoked = tokens::remove_of(connection, account, id)?;
            if revoked {
                record_token(connection, source, AuditAction::TokenRevoked, account, &token)?;
            }
            Ok(revoked)
        })?;
        if revoked { Ok(()) } else { Err(StoreError::CredentialNotFound(id)) }
    }
}

/// Records that a token was created or revoked, with its scopes.
fn record_token(
    connection: &mut Connection,
    source: &Source,
    action: AuditAction,
    account: AccountId,
    token: &TokenInfo,
) -> Result<(), QueryError> {
    let Some(row) = accounts::find(connection, account)? else { return Ok(()) };
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let end = token.expires_at.map_or_else(|| "never".to_owned(), |end| end.to_string());
    let values = [("token", &*token.name), ("scopes", &scopes.join(" ")), ("expires", &end)];
    let changes = values.map(|(field, value)| match action {
        AuditAction::TokenRevoked => audit_change(field, Some(value), None),
        _ => audit_change(field, None, Some(value)),
    });
    record(connection, source, action, AuditTarget::Account(&row), &changes)
}

fn too_many() -> FieldError {
    let detail = format!("An account can have {MAX_TOKENS} API tokens: revoke one first.");
    let error = FieldError::at_pointer(String::new(), FieldErrorCode::OutOfRange, detail);
    let max = MAX_TOKENS;
    error.with(FieldErrorParams::range(0, max, Some(max + 1)))
}
