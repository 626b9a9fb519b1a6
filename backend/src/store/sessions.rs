//! Sessions and API tokens: who asks.

use jiff::Timestamp;
use ostrakon_shared::{Account, CredentialId};
use sha2::{Digest, Sha256};

use super::{Store, StoreError};
use crate::db::{QueryError, sessions};

/// What a request proves itself with.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The secret of a session, from its cookie.
    Session(String),
    /// The secret of an API token.
    Token(String),
}

/// An account that has proved itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Authenticated {
    /// The account.
    pub account: Account,
    /// The session that it is signed in with; None: an API token.
    pub session: Option<CredentialId>,
}

impl Store {
    /// Whose credential this is; `None` when it is nobody's, has ended, or its account is shut.
    pub fn authenticate(
        &self,
        credential: &Credential,
    ) -> Result<Option<Authenticated>, StoreError> {
        let now_ms = Timestamp::now().as_millisecond();
        let authenticated = self.default.read(|connection| {
            let (found, is_session) = match credential {
                Credential::Session(secret) => {
                    (sessions::find_session(connection, &secret_hash(secret))?, true)
                }
                Credential::Token(secret) => {
                    (sessions::find_token(connection, &secret_hash(secret))?, false)
                }
            };
            let is_good = |found: &sessions::Found| {
                !found.account.disabled && found.expires_at.is_none_or(|end| end > now_ms)
            };
            let Some(found) = found.filter(is_good) else { return Ok(None) };
            let session = is_session.then(|| credential_id(found.id)).transpose()?;
            Ok(Some(Authenticated { account: found.account.try_into()?, session }))
        });
        Ok(authenticated?)
    }
}

/// How a secret is stored. It has 256 random bits: no salt and no slow hash is needed.
pub(super) fn secret_hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

pub(super) fn credential_id(number: i64) -> Result<CredentialId, QueryError> {
    let broken = || QueryError::Broken(format!("a credential with the impossible id {number}"));
    CredentialId::new(number).ok_or_else(broken)
}
