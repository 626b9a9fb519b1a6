//! Sign-in, sessions, and authentication of requests.

use std::net::IpAddr;

use jiff::Timestamp;
use ostrakon_shared::{
    Account, AccountId, AuditAction, CredentialId, Credentials, SessionList, TokenScope,
};

use crate::db::accounts::{self, AccountRow};
use crate::db::sessions::{self, FoundSession, NewSession};
use crate::db::tokens::{self, FoundToken};
use crate::db::{Connection, Lock, QueryError, lock};
use crate::store::accounts::Accounts;
use crate::store::accounts::secret;
use crate::store::accounts::session_lifetime::expires_at;
use crate::store::accounts::usage::UsedCredential;
use crate::store::audit::{AuditTarget, Source, audit_change, record};
use crate::store::error::StoreError;
use crate::text::name_key;

/// How long a password confirmation is valid, in milliseconds.
const PROOF_MS: i64 = 15 * 60 * 1_000;
/// The maximum number of sessions per account; a new one ends the oldest.
const MAX_SESSIONS: i64 = 50;
/// The stored length of a User-Agent.
const MAX_USER_AGENT_CHARS: usize = 200;

/// The credential of a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The secret of a session, from its cookie.
    Session(String),
    /// The secret of an API token.
    Token(String),
}

/// An authenticated account.
#[derive(Clone, Debug, PartialEq)]
pub struct Authenticated {
    pub account: Account,
    pub method: AuthMethod,
}

/// How an account was authenticated.
#[derive(Clone, Debug, PartialEq)]
pub enum AuthMethod {
    Session {
        id: CredentialId,
        /// Whether the password was entered within the last 15 minutes.
        has_fresh_proof: bool,
    },
    Token {
        scopes: Vec<TokenScope>,
    },
}

/// The client of a sign-in.
#[derive(Clone, Debug, Default)]
pub struct ClientInfo {
    /// Its User-Agent.
    pub user_agent: Option<String>,
    /// The secret of its current session, which the new one replaces.
    pub session: Option<String>,
    /// Whether it is a process of the server's own user on this machine.
    pub local: bool,
    /// Its network; see [`crate::store::audit::Source`].
    pub network: Option<IpAddr>,
}

/// A new session.
#[derive(Clone, PartialEq)]
pub struct StartedSession {
    pub account: Account,
    /// The secret for the cookie.
    pub secret: String,
}

impl ClientInfo {
    /// The source of a sign-in: the account itself.
    pub(in crate::store) fn source(&self, account: &AccountRow) -> Result<Source, QueryError> {
        Source::session_of(account, self.network)
    }
}

impl Accounts<'_> {
    /// Authenticates a credential; `None` if it is unknown or expired, or its account is disabled.
    pub fn authenticate(
        &self,
        credential: &Credential,
    ) -> Result<Option<Authenticated>, StoreError> {
        let now_ms = Timestamp::now().as_millisecond();
        match credential {
            Credential::Session(secret) => self.authenticate_session(&secret::hash(secret), now_ms),
            Credential::Token(secret) => self.authenticate_token(&secret::hash(secret), now_ms),
        }
    }

    fn authenticate_session(
        &self,
        hash: &[u8],
        now_ms: i64,
    ) -> Result<Option<Authenticated>, StoreError> {
        let found = self.default().read_latest(|connection| sessions::find(connection, hash))?;
        let is_valid = |it: &FoundSession| !it.account.disabled && it.expires_at > now_ms;
        let Some(found) = found.filter(is_valid) else { return Ok(None) };
        let FoundSession { id, created_at, last_used_at, proved_at, account, .. } = found;
        self.shared.usage.record(
            &self.shared.default,
            UsedCredential::Session { id, created_at },
            last_used_at,
            now_ms,
        );
        let method =
            AuthMethod::Session { id, has_fresh_proof: (now_ms - proved_at).abs() < PROOF_MS };
        Ok(Some(Authenticated { account: account.try_into()?, method }))
    }

    fn authenticate_token(
        &self,
        hash: &[u8],
        now_ms: i64,
    ) -> Result<Option<Authenticated>, StoreError> {
        let found = self.default().read_latest(|connection| tokens::find(connection, hash))?;
        let is_valid =
            |it: &FoundToken| !it.account.disabled && it.expires_at.is_none_or(|end| end > now_ms);
        let Some(found) = found.filter(is_valid) else { return Ok(None) };
        let FoundToken { id, last_used_at, scopes, account, .. } = found;
        self.shared.usage.record(
            &self.shared.default,
            UsedCredential::Token { id },
            last_used_at,
            now_ms,
        );
        Ok(Some(Authenticated {
            account: account.try_into()?,
            method: AuthMethod::Token { scopes },
        }))
    }

    /// Starts a session. Unknown names, wrong passwords and disabled accounts take the same time
    /// and give the same error.
    pub fn sign_in(
        &self,
        credentials: &Credentials,
        client: &ClientInfo,
    ) -> Result<StartedSession, StoreError> {
        let key = name_key(&credentials.name);
        let row =
            self.default().read_latest(|connection| accounts::find_by_key(connection, &key))?;
        let hash = row.as_ref().map(|row| row.password_hash.as_str());
        let is_right = self.shared.passwords.verify(&credentials.password, hash)?;
        // The demo's password is public, so it only works locally.
        let may_sign_in = |row: &AccountRow| !row.disabled && (client.local || !row.demo_password);
        if !is_right || !row.as_ref().is_some_and(may_sign_in) {
            self.shared.failed_sign_ins.record(
                AuditAction::SignInFailed,
                row.as_ref(),
                client.network,
            );
        }
        if is_right && row.as_ref().is_some_and(|row| !row.disabled && !may_sign_in(row)) {
            tracing::warn!("the demo's password was refused: it only works on this machine");
        }
        let row =
            row.filter(|row| is_right && may_sign_in(row)).ok_or(StoreError::CredentialsWrong)?;
        let secret = secret::new_session()?;
        let account = self.default().write(|connection| {
            lock(connection, Lock::Account(row.id))?;
            let Some(now) = accounts::find_by_key(connection, &key)? else { return Ok(None) };
            // The account may have been disabled, or its password changed, since it was read.
            if now.disabled || now.password_hash != row.password_hash {
                return Ok(None);
            }
            insert_session(connection, now.id, &secret, client)?;
            let source = client.source(&now)?;
            record(connection, &source, AuditAction::SignedIn, AuditTarget::Account(&now), &[])?;
            Account::try_from(now).map(Some)
        })?;
        Ok(StartedSession { account: account.ok_or(StoreError::CredentialsWrong)?, secret })
    }

    /// Ends the session with this secret, if there is one.
    pub fn sign_out(&self, secret: &str, network: IpAddr) -> Result<(), StoreError> {
        let hash = secret::hash(secret);
        let signed_out = self.default().write(|connection| {
            let Some(session) = sessions::find(connection, &hash)? else { return Ok(()) };
            // Of two concurrent requests, only one ends the session.
            if sessions::remove(connection, &hash)? {
                let source = Source::session_of(&session.account, Some(network))?;
                let about = AuditTarget::Account(&session.account);
                record(connection, &source, AuditAction::SignedOut, about, &[])?;
            }
            Ok(())
        });
        Ok(signed_out?)
    }

    /// All sessions of an account; `current` is the session of the request.
    pub fn sessions(
        &self,
        account: AccountId,
        current: Option<CredentialId>,
    ) -> Result<SessionList, StoreError> {
        let now_ms = Timestamp::now().as_millisecond();
        let list =
            |connection: &mut Connection| sessions::list(connection, account, current, now_ms);
        Ok(SessionList { items: self.default().read_latest(list)? })
    }

    /// Ends one of an account's sessions.
    pub fn end_session(
        &self,
        source: &Source,
        account: AccountId,
        id: CredentialId,
    ) -> Result<(), StoreError> {
        let ended = self.default().write(|connection| {
            let Some(row) = accounts::find(connection, account)? else { return Ok(false) };
            let ended = sessions::remove_of(connection, account, id)?;
            if ended {
                let changes = [audit_change("session", Some(&id.to_string()), None)];
                let about = AuditTarget::Account(&row);
                record(connection, source, AuditAction::SessionEnded, about, &changes)?;
            }
            Ok(ended)
        })?;
        if ended { Ok(()) } else { Err(StoreError::CredentialNotFound(id)) }
    }
}

/// Stores a session in place of the client's current one.
pub(in crate::store) fn insert_session(
    connection: &mut Connection,
    account_id: i64,
    secret: &str,
    client: &ClientInfo,
) -> Result<(), QueryError> {
    let now = Timestamp::now();
    if let Some(previous) = &client.session {
        sessions::remove(connection, &secret::hash(previous))?;
    }
    let user_agent = client.user_agent.as_ref();
    let user_agent =
        user_agent.map(|name| name.chars().take(MAX_USER_AGENT_CHARS).collect::<String>());
    let session = NewSession {
        account_id,
        secret_hash: &secret::hash(secret),
        user_agent: user_agent.as_deref(),
        created_at: now.as_millisecond(),
        expires_at: expires_at(now.as_millisecond(), now.as_millisecond()),
    };
    sessions::insert(connection, &session)?;
    sessions::keep_newest(connection, account_id, MAX_SESSIONS)
}
