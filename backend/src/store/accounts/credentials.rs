//! Changing passwords, and ending sessions and API tokens.

use jiff::Timestamp;
use ostrakon_shared::{
    Account, AccountId, AuditAction, CredentialId, PasswordChange, SessionList, TokenList,
};

use crate::db::accounts::{self, AccountRow};
use crate::db::{Connection, Lock, QueryError, lock};
use crate::db::{sessions, tokens};
use crate::store::accounts::Accounts;
use crate::store::accounts::passwords::require_strong;
use crate::store::audit::{AuditTarget, Source, audit_change, record};
use crate::store::error::StoreError;

/// The numbers of ended sessions and API tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedCredentials {
    pub sessions: usize,
    pub tokens: usize,
}

impl Accounts<'_> {
    /// Changes the password of the session's account. Ends its other sessions and, on request,
    /// revokes its API tokens.
    pub fn change_password(
        &self,
        source: &Source,
        account: AccountId,
        session: CredentialId,
        new: &PasswordChange,
    ) -> Result<(), StoreError> {
        let errors = new.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        let row = self.require_password(source, account, &new.current_password)?;
        require_strong("new_password", &row.name, &new.new_password)?;
        let end = |connection: &mut Connection| {
            sessions::set_proved(connection, session, now_ms())?;
            let sessions = sessions::remove_all(connection, row.id, Some(session))?;
            let all_tokens = new.revoke_tokens;
            let tokens = if all_tokens { tokens::remove_all(connection, row.id)? } else { 0 };
            let ended = EndedCredentials { sessions, tokens };
            record_ended(connection, source, AuditAction::PasswordChanged, &row, ended)?;
            Ok(ended)
        };
        self.replace_password(&row, &new.new_password, end).map(drop)
    }

    /// Sets the password of an account for an operator, when it is lost or compromised. Ends all
    /// its sessions and API tokens.
    pub fn reset_password(
        &self,
        name: &str,
        password: &str,
    ) -> Result<EndedCredentials, StoreError> {
        let row = self.row_named(name)?;
        let change = PasswordChange {
            current_password: String::new(),
            new_password: password.to_owned(),
            revoke_tokens: true,
        };
        let errors = change.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        require_strong("new_password", &row.name, password)?;
        self.replace_password(&row, password, |connection| {
            end_all(connection, &Source::operator(), AuditAction::PasswordReset, &row)
        })
    }

    fn replace_password(
        &self,
        row: &AccountRow,
        password: &str,
        end: impl FnOnce(&mut Connection) -> Result<EndedCredentials, QueryError>,
    ) -> Result<EndedCredentials, StoreError> {
        let hash = self.shared.passwords.hash(password)?;
        let ended = self.default().write(|connection| {
            lock(connection, Lock::Account(row.id))?;
            let replaced =
                accounts::replace_password(connection, row.id, &row.password_hash, &hash)?;
            if replaced { end(connection).map(Some) } else { Ok(None) }
        })?;
        // Another request has changed the password since it was verified.
        ended.ok_or(StoreError::PasswordWrong)
    }

    /// Confirms the password in a session.
    pub fn prove(
        &self,
        source: &Source,
        account: AccountId,
        session: CredentialId,
        password: &str,
    ) -> Result<(), StoreError> {
        let row = self.require_password(source, account, password)?;
        let recorded = self.default().write(|connection| {
            lock(connection, Lock::Account(row.id))?;
            let now = accounts::find(connection, account)?;
            let is_same = now.is_some_and(|now| now.password_hash == row.password_hash);
            if is_same { sessions::set_proved(connection, session, now_ms()) } else { Ok(false) }
        })?;
        if recorded { Ok(()) } else { Err(StoreError::PasswordWrong) }
    }

    /// Returns the account if this is its password; otherwise counts a failed sign-in.
    fn require_password(
        &self,
        source: &Source,
        account: AccountId,
        password: &str,
    ) -> Result<AccountRow, StoreError> {
        let row = self.default().read_latest(|connection| accounts::find(connection, account))?;
        let row = row.ok_or(StoreError::AccountNotFound(account))?;
        let is_right = self.shared.passwords.verify(password, Some(&row.password_hash))?;
        if is_right {
            return Ok(row);
        }
        self.shared.failed_sign_ins.record(AuditAction::ProofFailed, Some(&row), source.network);
        Err(StoreError::PasswordWrong)
    }

    /// The account with this id.
    pub fn get(&self, id: AccountId) -> Result<Account, StoreError> {
        let row = self.default().read_latest(|connection| accounts::find(connection, id))?;
        Ok(row.ok_or(StoreError::AccountNotFound(id))?.try_into()?)
    }

    /// All sessions of an account, for admins.
    pub fn sessions_of(&self, id: AccountId) -> Result<SessionList, StoreError> {
        self.sessions(self.get(id)?.id, None)
    }

    /// All API tokens of an account, for admins.
    pub fn tokens_of(&self, id: AccountId) -> Result<TokenList, StoreError> {
        self.tokens(self.get(id)?.id)
    }

    /// Ends all sessions and API tokens of an account.
    pub fn revoke_all(
        &self,
        source: &Source,
        account: AccountId,
    ) -> Result<EndedCredentials, StoreError> {
        let ended = self.default().write(|connection| {
            lock(connection, Lock::Account(account.get()))?;
            let Some(row) = accounts::find(connection, account)? else { return Ok(None) };
            end_all(connection, source, AuditAction::CredentialsRevoked, &row).map(Some)
        })?;
        ended.ok_or(StoreError::AccountNotFound(account))
    }
}

fn end_all(
    connection: &mut Connection,
    source: &Source,
    action: AuditAction,
    account: &AccountRow,
) -> Result<EndedCredentials, QueryError> {
    let sessions = sessions::remove_all(connection, account.id, None)?;
    let tokens = tokens::remove_all(connection, account.id)?;
    let ended = EndedCredentials { sessions, tokens };
    record_ended(connection, source, action, account, ended)?;
    Ok(ended)
}

fn record_ended(
    connection: &mut Connection,
    source: &Source,
    action: AuditAction,
    account: &AccountRow,
    EndedCredentials { sessions, tokens }: EndedCredentials,
) -> Result<(), QueryError> {
    let changes = [("ended sessions", sessions), ("revoked tokens", tokens)];
    let changes: Vec<_> = changes
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(field, count)| audit_change(field, None, Some(&count.to_string())))
        .collect();
    record(connection, source, action, AuditTarget::Account(account), &changes)
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
