//! The signature of a review: the name under it.
//!
//! A member's review has the account's name and is marked as a member's, or has a pen name without
//! the mark. The names of other accounts are refused. Reviews that are already signed with the name
//! of a later account don't change; they lack the mark.

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
    /// The shown name; None if unsigned.
    pub name: Option<String>,
    /// Whether an account signed with a pen name.
    pub is_pen_name: bool,
    /// The name that must not belong to an account.
    pub claim: Option<NameKeys>,
}

impl Signature {
    /// The signature of an author (None: a guest) with this name.
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

/// The error of a signature with the name of another account.
pub(in crate::store) fn taken() -> StoreError {
    let detail = "This is the name of an account, or looks like one.".to_owned();
    StoreError::Invalid(vec![FieldError::at_field("author_name", FieldErrorCode::Taken, detail)])
}

impl Reviews<'_> {
    /// Fails if an account has the claimed name.
    pub(super) fn require_free(&self, signature: &Signature) -> Result<(), StoreError> {
        let Some(keys) = &signature.claim else { return Ok(()) };
        let is_taken =
            self.routing().default().read(|connection| accounts::is_taken(connection, keys))?;
        if is_taken { Err(taken()) } else { Ok(()) }
    }
}
