//! API tokens and their scopes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::json::{RequestBody, max_bytes, optional_integer};
use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams};
use crate::string_enum::string_enum;
use crate::text;
use crate::{CredentialId, Role};

/// Characters of an API token's name at most.
pub const MAX_TOKEN_NAME_CHARS: usize = 60;
/// Days that an API token is valid for at most, unless it never expires.
pub const MAX_TOKEN_DAYS: i32 = 366;
/// Days that an API token is valid for when its creator names neither a number nor `never_expires`.
pub const DEFAULT_TOKEN_DAYS: i32 = 90;

string_enum! {
    /// A scope of an API token, within what its account may do. No scope includes another.
    open TokenScope {
        /// Read the account's own reviews.
        Read => "read",
        /// Write, edit, delete and report reviews.
        Write => "write",
        /// Read the moderators' queue, and decide on it.
        Moderate => "moderate",
        /// Everything that admins may do without a session: all reviews, products, databases, lists
        /// of accounts.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_tokens_refuse_unknown_scopes() {
        let token = |scope: &str| serde_json::json!({ "name": "x", "scopes": ["read", scope] });
        let token = |scope| serde_json::from_value::<NewToken>(token(scope));
        assert_eq!(token("admin").unwrap().scopes, [TokenScope::Read, TokenScope::Admin]);
        assert!(token("dream").is_err() && token("unknown").is_err());
    }
}
