//! Secrets of sessions and API tokens.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::store::error::StoreError;

/// The prefix of API tokens, by which people and secret scanners recognize them.
const TOKEN_PREFIX: &str = "ostk_";

/// The secret of a new session: 256 random bits.
pub(in crate::store) fn new_session() -> Result<String, StoreError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// The secret of a new API token.
pub(in crate::store) fn new_token() -> Result<String, StoreError> {
    Ok(format!("{TOKEN_PREFIX}{}", new_session()?))
}

/// The stored hash of a secret. With 256 random bits it needs neither salt nor a slow hash.
pub(in crate::store) fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}
