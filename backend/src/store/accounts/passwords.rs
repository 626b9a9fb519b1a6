//! Password hashing, slow enough to protect a stolen table.

use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use ostrakon_shared::{FieldError, FieldErrorCode, LONG_PASSWORD_CHARS};
use unicode_normalization::UnicodeNormalization;
use zxcvbn::feedback::Feedback;
use zxcvbn::zxcvbn;

use crate::store::error::StoreError;
use crate::text::name_key;

/// The memory of one hash in KiB. OWASP recommends this and the next two values.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The minimum number of guesses for long passwords, as zxcvbn estimates it. Common passwords,
/// names with a year and rows of keys need far fewer. A rate limit of ten sign-ins per minute
/// allows 5 · 10⁶ guesses per year.
const GUESSES_IF_LONG: f64 = 1e6;
/// The minimum for short passwords, which eight random characters reach.
const GUESSES_IF_SHORT: f64 = 1e8;

/// A hash with the same parameters and no known password, so that signing in with an unknown name
/// takes as long.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
                            $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords, and counts the operations.
#[derive(Default)]
pub(in crate::store) struct Passwords {
    hashed: AtomicU64,
}

impl Passwords {
    /// The hash of a new password, as a PHC string.
    pub fn hash(&self, password: &str) -> Result<String, StoreError> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let hash: PasswordHash = argon2()?.hash_password(&canonical(password)).map_err(internal)?;
        Ok(hash.to_string())
    }

    /// Whether this is the password of `hash`. Without a hash it does the same work and returns
    /// false.
    pub fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, StoreError> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        // An account with an invalid hash can't sign in.
        let known = hash.and_then(|hash| PasswordHash::new(hash).ok());
        let dummy = || PasswordHash::new(DUMMY_HASH).map_err(|error| internal(error.into()));
        let is_known = known.is_some();
        let hash = known.map_or_else(dummy, Ok)?;
        match argon2()?.verify_password(&canonical(password), &hash) {
            Ok(()) => Ok(is_known),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(internal(error)),
        }
    }

    /// The number of hashed or verified passwords since the start.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }
}

/// Refuses a new password that is the account's name, common, or easy to guess.
pub(in crate::store) fn require_strong(
    field: &str,
    name: &str,
    password: &str,
) -> Result<(), StoreError> {
    let refused = |detail: String| {
        let error = FieldError::at_field(field, FieldErrorCode::Guessable, detail);
        Err(StoreError::Invalid(vec![error]))
    };
    if name_key(password) == name_key(name) {
        return refused("The password must not be the name.".to_owned());
    }
    let is_long = password.chars().count() >= LONG_PASSWORD_CHARS;
    let needed = if is_long { GUESSES_IF_LONG } else { GUESSES_IF_SHORT };
    let estimate = zxcvbn(password, &[name, "ostrakon"]);
    if estimate.guesses_log10() >= needed.log10() {
        return Ok(());
    }
    let why = estimate.feedback().and_then(Feedback::warning);
    let why = why.map_or(String::new(), |why| format!(" {why}"));
    refused(format!("This password is too easy to guess.{why} Try a sentence."))
}

fn argon2() -> Result<Argon2<'static>, StoreError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|error| StoreError::Internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The normalized bytes of a password (NFKC; NIST SP 800-63B).
fn canonical(password: &str) -> Vec<u8> {
    password.nfkc().collect::<String>().into_bytes()
}

fn internal(error: Error) -> StoreError {
    StoreError::Internal(format!("a password can't be hashed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_salted_and_slow() {
        let passwords = Passwords::default();
        let hash = passwords.hash("pässword").unwrap();
        let parameters = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(hash.starts_with(parameters) && DUMMY_HASH.starts_with(parameters), "{hash}");
        assert_eq!(hash.len(), DUMMY_HASH.len());
        assert_ne!(passwords.hash("pässword").unwrap(), hash);
        assert!(passwords.verify("pässword", Some(&hash)).unwrap());
        assert!(passwords.verify("pa\u{308}ssword", Some(&hash)).unwrap());
        assert!(!passwords.verify("password", Some(&hash)).unwrap());
        for dummy in [None, Some(DUMMY_HASH), Some("!")] {
            let before = passwords.hashed();
            assert!(!passwords.verify("pässword", dummy).unwrap());
            assert_eq!(passwords.hashed(), before + 1);
        }
    }
}
