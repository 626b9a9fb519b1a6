//! Secrets of sessions and API tokens.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::store::error::StoreError;

/// What every API token starts with, so that people and scanners know one when they see it.
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

/// How a secret is stored. It has 256 random bits: it needs no salt, and no slow hash.
pub(in crate::store) fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}
