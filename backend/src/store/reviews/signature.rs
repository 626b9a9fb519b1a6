//! With which name a review is signed.
//!
//! A member's review carries the account's name and the mark that a member wrote it; or a pen name,
//! without the mark. Nobody signs with the name of an account that is not theirs. An account that
//! takes a name later changes nothing about reviews that are signed with it already: they lack the
//! mark.

use ostrakon_shared::{FieldError, FieldErrorCode};

use crate::db::accounts;
use crate::store::accounts::directory::reserved;
use crate::store::actor::Actor;
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;
use crate::text::NameKeys;

/// The name under a review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Signature {
    /// As it is shown; None: nobody signed.
    pub name: Option<String>,
    /// Whether an account signed with another name than its own.
    pub is_pen_name: bool,
    /// What no account may be called if this is to be allowed.
    pub claim: Option<NameKeys>,
}

impl Signature {
    /// The signature of an author, a guest if there is none, who gave this name.
    pub fn of(name: Option<&str>, author: Option<&Actor>) -> Result<Signature, StoreError> {
        let own = author.map(|author| author.name.clone());
        let Some(name) = name else { return Ok(Signature { name: own, ..Signature::default() }) };
        let keys = NameKeys::of(name);
        if own.as_ref().is_some_and(|own| own == name || NameKeys::of(own).is_like(&keys)) {
            return Ok(Signature { name: own, ..Signature::default() });
        }
        if keys.is_reserved() {
            return Err(StoreError::Invalid(vec![reserved("author_name")]));
        }
        let (name, is_pen_name) = (Some(name.to_owned()), author.is_some());
        Ok(Signature { name, is_pen_name, claim: Some(keys) })
    }
}

/// That a review is signed with the name of somebody else's account.
pub(in crate::store) fn taken() -> StoreError {
    let detail = "This is the name of an account, or looks like one.".to_owned();
    StoreError::Invalid(vec![FieldError::at_field("author_name", FieldErrorCode::Taken, detail)])
}

impl Reviews<'_> {
    /// Fails if an account has the name that is claimed.
    pub(super) fn require_free(&self, signature: &Signature) -> Result<(), StoreError> {
        let Some(keys) = &signature.claim else { return Ok(()) };
        let is_taken =
            self.routing().default().read(|connection| accounts::is_taken(connection, keys))?;
        if is_taken { Err(taken()) } else { Ok(()) }
    }
}
