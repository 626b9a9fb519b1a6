//! Accounts, with their roles, sessions and API tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json::{RequestBody, max_bytes, optional_integer, present};
use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams};
use crate::string_enum::string_enum;
use crate::text::{self, is_invisible, line_error};
use crate::{AccountId, CredentialId, Page};

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
/// Characters of an API token's name at most.
pub const MAX_TOKEN_NAME_CHARS: usize = 60;
/// Days that an API token is valid for at most, unless it never expires.
pub const MAX_TOKEN_DAYS: i32 = 366;
/// Days that an API token is valid for when its creator names neither a number nor `never_expires`.
pub const DEFAULT_TOKEN_DAYS: i32 = 90;

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

string_enum! {
    /// A scope of an API token, within what its account may do. No scope includes another.
    open TokenScope {
        /// Read the account's own reviews.
        Read => "read",
        /// Write, edit, delete and report reviews.
        Write => "write",
        /// Read the moderators' queue, and decide about it.
        Moderate => "moderate",
        /// Everything that admins may do without a session: all reviews, products, databases, lists of
        /// accounts.
        Admin => "admin",
    }
}

impl TokenScope {
    /// The scopes of a token whose creator names none.
    pub const DEFAULT: [TokenScope; 2] = [TokenScope::Read, TokenScope::Write];

    /// The lowest role whose accounts can use the scope.
    pub const fn needs(self) -> Role {
        match self {
            TokenScope::Read | TokenScope::Write => Role::Member,
            TokenScope::Moderate => Role::Moderator,
            TokenScope::Admin | TokenScope::Unknown => Role::Admin,
        }
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

/// The signed-in account, and what this service allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// The signed-in account; null for a guest.
    pub account: Option<Account>,
    /// Whether guests may review products.
    pub guest_reviews: bool,
    /// Whether a moderator approves reviews before they are published.
    pub pre_moderation: bool,
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

/// A session of an account in a browser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionInfo {
    /// The session's id.
    pub id: CredentialId,
    /// Whether this request belongs to the session.
    pub current: bool,
    /// The browser's User-Agent, at most 200 characters.
    #[cfg_attr(feature = "openapi", schema(example = "Mozilla/5.0 (X11; Linux x86_64)"))]
    pub user_agent: Option<String>,
    /// When the session started.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
    /// The last use, to the hour; null if unknown.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-02T08:00:00Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub last_used_at: Option<Timestamp>,
    /// When the session expires unless it is used: 14 days after its last use, at most 30 days after
    /// signing in.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-31T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub expires_at: Timestamp,
}

/// All sessions of an account, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionList {
    /// The sessions.
    pub items: Vec<SessionInfo>,
}

/// An API token to be created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// A name that says what the token is for.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 60, example = "import script")
    )]
    pub name: String,
    /// Its scopes; `read` and `write` by default.
    #[serde(default = "default_scopes", deserialize_with = "known_scopes")]
    #[cfg_attr(
        feature = "openapi",
        schema(required = false, min_items = 1, default = json!(["read", "write"]), example = json!(["read", "write"]))
    )]
    pub scopes: Vec<TokenScope>,
    /// Days until it expires; 90 by default.
    #[serde(
        default,
        deserialize_with = "optional_integer::<_, 1, MAX_TOKEN_DAYS>",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 366, example = 90))]
    pub expires_in_days: Option<i32>,
    /// Whether it never expires; excludes `expires_in_days`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, default = false))]
    pub never_expires: bool,
}

fn known_scopes<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<TokenScope>, D::Error> {
    #[derive(Deserialize)]
    struct Known(#[serde(deserialize_with = "TokenScope::known")] TokenScope);
    let scopes = Vec::<Known>::deserialize(deserializer)?;
    Ok(scopes.into_iter().map(|Known(scope)| scope).collect())
}

fn default_scopes() -> Vec<TokenScope> {
    TokenScope::DEFAULT.to_vec()
}

impl RequestBody for NewToken {
    const MAX_BYTES: usize = max_bytes(MAX_TOKEN_NAME_CHARS);
}

impl NewToken {
    /// The errors of this token for an account of this role, at most one per field.
    pub fn validate(&self, role: Role) -> Vec<FieldError> {
        let name = text::name_error("name", Some(&self.name), MAX_TOKEN_NAME_CHARS);
        name.into_iter().chain(self.scopes_error(role)).chain(self.days_error()).collect()
    }

    fn scopes_error(&self, role: Role) -> Option<FieldError> {
        if self.scopes.is_empty() {
            let detail = "A token needs at least one scope.".to_owned();
            let error = FieldError::at_field("scopes", FieldErrorCode::OutOfRange, detail);
            let all = TokenScope::ALL.len() as i64;
            return Some(error.with(FieldErrorParams::range(1, all, Some(0))));
        }
        let beyond = self.scopes.iter().find(|scope| scope.needs() > role)?;
        let detail =
            format!("The scope {beyond} is for accounts with the role {}.", beyond.needs());
        let allowed = TokenScope::ALL.iter().filter(|scope| scope.needs() <= role);
        let params = FieldErrorParams::allowed(allowed.map(|scope| scope.as_str()));
        let error = FieldError::at_field("scopes", FieldErrorCode::InvalidValue, detail);
        Some(error.with(params))
    }

    fn days_error(&self) -> Option<FieldError> {
        let days = self.expires_in_days?;
        if self.never_expires {
            let detail = "A token that never expires has no number of days.".to_owned();
            let code = FieldErrorCode::InvalidValue;
            return Some(FieldError::at_field("expires_in_days", code, detail));
        }
        (!(1..=MAX_TOKEN_DAYS).contains(&days)).then(|| {
            let detail = format!("A token is valid for 1 to {MAX_TOKEN_DAYS} days.");
            let error = FieldError::at_field("expires_in_days", FieldErrorCode::OutOfRange, detail);
            error.with(FieldErrorParams::range(1, MAX_TOKEN_DAYS.into(), Some(days.into())))
        })
    }

    /// Days until it expires; `None`: never.
    pub fn days(&self) -> Option<i32> {
        (!self.never_expires).then(|| self.expires_in_days.unwrap_or(DEFAULT_TOKEN_DAYS))
    }
}

/// An API token, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenInfo {
    /// The token's id.
    pub id: CredentialId,
    /// A name that says what the token is for.
    #[cfg_attr(feature = "openapi", schema(example = "import script"))]
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<TokenScope>,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
    /// The last use, to the hour; null if unused.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-02T08:00:00Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub last_used_at: Option<Timestamp>,
    /// When the token expires; null: never.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-05-30T12:00:00Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub expires_at: Option<Timestamp>,
}

/// All API tokens of an account, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenList {
    /// The tokens.
    pub items: Vec<TokenInfo>,
}

/// A new API token, with its secret: the only response that contains it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    /// The secret; send it as `Authorization: Bearer …`.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "ostk_q3Jx0cV1m2pYt7sKf5uWd8zRb4nGh6aLe9iTo0vXyNA")
    )]
    pub secret: String,
    /// The token.
    pub token: TokenInfo,
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
    fn requests_refuse_unknown_words() {
        let edit = |role: &str| serde_json::json!({ "role": role });
        let edit = |role| serde_json::from_value::<AccountEdit>(edit(role));
        assert_eq!(edit("admin").unwrap().role, Some(Role::Admin));
        assert!(edit("oracle").is_err() && edit("unknown").is_err());
        let token = |scope: &str| serde_json::json!({ "name": "x", "scopes": ["read", scope] });
        let token = |scope| serde_json::from_value::<NewToken>(token(scope));
        assert_eq!(token("admin").unwrap().scopes, [TokenScope::Read, TokenScope::Admin]);
        assert!(token("dream").is_err() && token("unknown").is_err());
    }

    #[test]
    fn roles_are_in_order() {
        assert!(Role::Member < Role::Moderator && Role::Moderator < Role::Admin);
    }
}
