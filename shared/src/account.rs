//! Accounts: their roles, and the names and passwords to sign in with.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json::{RequestBody, max_bytes, present};
use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams};
use crate::string_enum::string_enum;
use crate::text::{self, is_invisible, line_error};
use crate::{AccountId, Page};

/// Characters of an account's name at least.
pub const MIN_NAME_CHARS: usize = 3;
/// Characters of an account's name at most.
pub const MAX_NAME_CHARS: usize = 40;
/// Characters of a password at least, if it is hard to guess (NIST SP 800-63B).
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Characters from which on a password only must not be easy to guess.
pub const LONG_PASSWORD_CHARS: usize = 10;
/// Characters of a password at most.
pub const MAX_PASSWORD_CHARS: usize = 128;

string_enum! {
    /// The role of an account. Each role may do everything that the previous ones may.
    open Role {
        /// Write, edit and delete own reviews.
        Member => "member",
        /// Decide about pending and reported reviews, without seeing their ratings.
        Moderator => "moderator",
        /// Everything: all reviews, products, accounts, databases.
        Admin => "admin",
    }
}

/// An account, as its owner and admins see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// The name to sign in with, and to sign reviews with.
    #[cfg_attr(feature = "openapi", schema(example = "aspasia"))]
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Whether the account is disabled: it can't sign in, and its tokens are refused.
    pub disabled: bool,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
}

/// A page of accounts.
pub type AccountPage = Page<Account>;

/// A change of an account by an admin. Omitted fields stay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountEdit {
    /// The new role.
    #[serde(default, deserialize_with = "known_role", skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether the account is disabled; disabling ends its sessions.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

impl RequestBody for AccountEdit {
    const MAX_BYTES: usize = max_bytes(0);
}

fn known_role<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Role>, D::Error> {
    Role::known(deserializer).map(Some)
}

/// A name and a password: to register with, or to sign in with.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The account's name. A new one has 3 to 40 letters, digits, dots, dashes and underscores;
    /// names that differ only in case, or look alike, are the same.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 40, example = "aspasia"))]
    pub name: String,
    /// The password. A new one has 10 to 128 characters, or 8 that are hard to guess; it is neither
    /// the name nor a common password.
    #[cfg_attr(
        feature = "openapi",
        schema(format = Password, min_length = 1, max_length = 128, example = "a long sentence")
    )]
    pub password: String,
}

impl RequestBody for Credentials {
    const MAX_BYTES: usize = max_bytes(MAX_NAME_CHARS + MAX_PASSWORD_CHARS);
}

impl Credentials {
    /// The name of a new account, composed (NFC).
    pub fn account_name(&self) -> String {
        text::composed(&self.name)
    }

    /// The errors of these credentials for a new account, at most one per field.
    pub fn validate(&self) -> Vec<FieldError> {
        let name = name_error(&self.account_name());
        name.into_iter().chain(password_error("password", &self.password)).collect()
    }
}

// A password in a log would be a password lost.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

fn name_error(name: &str) -> Option<FieldError> {
    let chars = name.chars().count();
    // Some fillers count as letters.
    let odd = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')) || is_invisible(c);
    if chars < MIN_NAME_CHARS {
        let detail = format!("A name has at least {MIN_NAME_CHARS} characters.");
        let error = FieldError::at_field("name", FieldErrorCode::TooShort, detail);
        Some(error.with(FieldErrorParams::limit(MIN_NAME_CHARS, chars)))
    } else if let Some(found) = name.chars().find(|&c| odd(c)) {
        let detail = format!(
            "A name has letters, digits, dots, dashes and underscores, not {:?}.",
            found.to_string()
        );
        let error = FieldError::at_field("name", FieldErrorCode::InvalidValue, detail);
        Some(error.with(FieldErrorParams::character(found)))
    } else {
        line_error("name", Some(name), MAX_NAME_CHARS)
    }
}

fn password_error(field: &str, password: &str) -> Option<FieldError> {
    let chars = password.chars().count();
    if chars < MIN_PASSWORD_CHARS {
        let detail = format!(
            "A password has at least {LONG_PASSWORD_CHARS} characters, or {MIN_PASSWORD_CHARS} that are \
             hard to guess."
        );
        let error = FieldError::at_field(field, FieldErrorCode::TooShort, detail);
        return Some(error.with(FieldErrorParams::limit(MIN_PASSWORD_CHARS, chars)));
    }
    (chars > MAX_PASSWORD_CHARS).then(|| {
        let detail = format!("A password has at most {MAX_PASSWORD_CHARS} characters.");
        let error = FieldError::at_field(field, FieldErrorCode::TooLong, detail);
        error.with(FieldErrorParams::limit(MAX_PASSWORD_CHARS, chars))
    })
}

/// A change of your password.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The current password.
    #[cfg_attr(feature = "openapi", schema(format = Password, max_length = 128, example = "a long sentence"))]
    pub current_password: String,
    /// The new password: 10 to 128 characters, or 8 that are hard to guess; neither the name nor a
    /// common password.
    #[cfg_attr(
        feature = "openapi",
        schema(format = Password, min_length = 8, max_length = 128, example = "a longer sentence")
    )]
    pub new_password: String,
    /// Whether the account's API tokens are revoked too. Its other sessions end in any case.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, default = false))]
    pub revoke_tokens: bool,
}

impl RequestBody for PasswordChange {
    const MAX_BYTES: usize = max_bytes(2 * MAX_PASSWORD_CHARS);
}

impl PasswordChange {
    /// The errors of the new password.
    pub fn validate(&self) -> Vec<FieldError> {
        password_error("new_password", &self.new_password).into_iter().collect()
    }
}

impl std::fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordChange").finish_non_exhaustive()
    }
}

/// The password, entered again.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordProof {
    /// The account's password.
    #[cfg_attr(feature = "openapi", schema(format = Password, max_length = 128, example = "a long sentence"))]
    pub password: String,
}

impl RequestBody for PasswordProof {
    const MAX_BYTES: usize = max_bytes(MAX_PASSWORD_CHARS);
}

impl std::fmt::Debug for PasswordProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordProof").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(name: &str, password: &str) -> Vec<(String, FieldErrorCode)> {
        let errors = Credentials { name: name.into(), password: password.into() }.validate();
        errors.into_iter().map(|e| (e.pointer.unwrap_or_default(), e.code)).collect()
    }

    #[test]
    fn new_accounts_have_sensible_names_and_passwords() {
        assert_eq!(codes("aspasia", "12345678"), []);
        assert_eq!(codes("Ασπασία.2-b_", "πάσσωορδ"), []);
        assert_eq!(codes("Jose\u{301}", "12345678"), []);
        let name = |code| vec![("/name".to_owned(), code)];
        assert_eq!(codes("ab", "12345678"), name(FieldErrorCode::TooShort));
        assert_eq!(codes(&"a".repeat(41), "12345678"), name(FieldErrorCode::TooLong));
        for odd in ["a b", "a\tb", "<b>", "a@b.example", "\u{202e}abc", "abc\u{3164}", "a\u{ad}bc"]
        {
            assert_eq!(codes(odd, "12345678"), name(FieldErrorCode::InvalidValue), "{odd:?}");
        }
        let password = |code| vec![("/password".to_owned(), code)];
        assert_eq!(codes("aspasia", "1234567"), password(FieldErrorCode::TooShort));
        assert_eq!(codes("aspasia", &"🏺".repeat(128)), []);
        assert_eq!(codes("aspasia", &"🏺".repeat(129)), password(FieldErrorCode::TooLong));
    }

    #[test]
    fn secrets_stay_out_of_logs() {
        let credentials = Credentials { name: "aspasia".into(), password: "hunter22".into() };
        assert!(!format!("{credentials:?}").contains("hunter22"));
    }

    #[test]
    fn edits_refuse_unknown_roles() {
        let edit = |role: &str| serde_json::json!({ "role": role });
        let edit = |role| serde_json::from_value::<AccountEdit>(edit(role));
        assert_eq!(edit("admin").unwrap().role, Some(Role::Admin));
        assert!(edit("oracle").is_err() && edit("unknown").is_err());
    }

    #[test]
    fn roles_are_in_order() {
        assert!(Role::Member < Role::Moderator && Role::Moderator < Role::Admin);
    }
}
