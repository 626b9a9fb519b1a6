//! Passwords: hashed so slowly that a stolen table is of little use.

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

/// Memory of one hash, in KiB (OWASP's recommendation, with the two below).
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many guesses a password withstands, as zxcvbn estimates it. Common ones, names with a year
/// and keys in a row are found much earlier; a limit of ten a minute lets through 5 · 10⁶ a year.
const GUESSES_IF_LONG: f64 = 1e6;
/// The same of one that is short: as many as eight random characters.
const GUESSES_IF_SHORT: f64 = 1e8;

/// A hash of no password, made like all others: whoever signs in by a name that nobody has waits
/// as long as anybody else.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA\
                            $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords, and counts how often.
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

    /// Whether this is the password of `hash`; without one it is not, after the same work.
    pub fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, StoreError> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        // What is no hash at all is nobody's either: an account that can't sign in.
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

    /// How many passwords were hashed or verified since the start.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }
}

/// Refuses a new password that is the account's name, a common one, or easy to guess.
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

/// The bytes of a password, the same ones however a keyboard composes its characters (NIST SP
/// 800-63B).
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
