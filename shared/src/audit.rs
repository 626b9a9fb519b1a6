//! The audit trail: who did what, when and from where.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;
use crate::{AccountId, AuditId, Page, ProductId};

string_enum! {
    /// What was done.
    open AuditAction {
        /// Signed in.
        SignedIn => "signed_in",
        /// Tried to sign in, and was refused.
        SignInFailed => "sign_in_failed",
        /// Typed a wrong password while signed in.
        ProofFailed => "proof_failed",
        /// Registered, or was created by an operator.
        AccountCreated => "account_created",
        /// Got another role.
        RoleChanged => "role_changed",
        /// Was disabled.
        AccountDisabled => "account_disabled",
        /// Was enabled again.
        AccountEnabled => "account_enabled",
        /// Changed its own password.
        PasswordChanged => "password_changed",
        /// Got a new password from an operator.
        PasswordReset => "password_reset",
        /// A session was ended from elsewhere.
        SessionEnded => "session_ended",
        /// All sessions and API tokens were ended.
        CredentialsRevoked => "credentials_revoked",
        /// An API token was created.
        TokenCreated => "token_created",
        /// An API token was revoked.
        TokenRevoked => "token_revoked",
        /// A product was created.
        ProductCreated => "product_created",
        /// A product was edited, archived or brought back.
        ProductEdited => "product_edited",
        /// The server was started with other settings than before.
        SettingsChanged => "settings_changed",
    }
}

string_enum! {
    /// By what means something was done.
    open AuditVia {
        /// Signed in.
        Session => "session",
        /// With an API token.
        Token => "token",
        /// At the command line, or by the configuration.
        Operator => "operator",
    }
}

/// A value that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditChange {
    /// What it is called.
    #[cfg_attr(feature = "openapi", schema(example = "role"))]
    pub field: String,
    /// What it was, at most 200 characters; null: nothing, or not known.
    #[cfg_attr(feature = "openapi", schema(example = "member"))]
    pub from: Option<String>,
    /// What it is now, at most 200 characters; null: nothing.
    #[cfg_attr(feature = "openapi", schema(example = "moderator"))]
    pub to: Option<String>,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The entry's id: later entries have higher ones.
    pub id: AuditId,
    /// What was done.
    pub action: AuditAction,
    /// When; of several times, the first.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub at: Timestamp,
    /// The last time: failed sign-ins to one account from one network share an entry for an hour.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub last_at: Timestamp,
    /// How many times.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, example = 1))]
    pub count: i32,
    /// Who did it; null: a guest or an operator.
    pub actor_id: Option<AccountId>,
    /// Their name then.
    #[cfg_attr(feature = "openapi", schema(example = "admin"))]
    pub actor: Option<String>,
    /// By what means; null: by somebody who was not signed in.
    pub via: Option<AuditVia>,
    /// From which network: an IPv4 address, or the /64 of an IPv6 address; null: not over the
    /// network, or from many.
    #[cfg_attr(feature = "openapi", schema(example = "2001:db8:0:1::/64"))]
    pub network: Option<String>,
    /// The account that it is about.
    pub account_id: Option<AccountId>,
    /// Its name then.
    #[cfg_attr(feature = "openapi", schema(example = "aspasia"))]
    pub account: Option<String>,
    /// The product that it is about.
    pub product_id: Option<ProductId>,
    /// What was changed.
    pub changes: Vec<AuditChange>,
}

/// A page of the audit trail.
pub type AuditPage = Page<AuditEntry>;
