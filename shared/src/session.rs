//! Sessions: the signed-in account, and the browsers that an account is signed in with.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Account, CredentialId};

/// The request header by which a client says as which account it acts: the account's id, or
/// [`GUEST`]. The server refuses the request if it is made by another one.
pub const ACCOUNT_HEADER: &str = "Ostrakon-Account";
/// The value of [`ACCOUNT_HEADER`] for a client that is not signed in.
pub const GUEST: &str = "guest";

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
    /// When the session expires unless it is used: 14 days after its last use, at most 30 days
    /// after signing in.
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
