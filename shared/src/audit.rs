//! The audit trail: who did what, when and from where.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;
use crate::{AccountId, AuditId, Page, ProductId};

string_enum! {
    /// An audited action.
    open AuditAction {
        /// Signed in.
        SignedIn => "signed_in",
        /// Signed out.
        SignedOut => "signed_out",
        /// Failed to sign in.
        SignInFailed => "sign_in_failed",
        /// Entered a wrong password while signed in.
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
        /// A reviews database was added to the cluster.
        DatabaseAdded => "database_added",
        /// A reviews database was retired.
        DatabaseRetired => "database_retired",
        /// A rebalance was started, paused, resumed, throttled or aborted, or a plan was discarded.
        RebalanceChanged => "rebalance_changed",
        /// The server was started with other settings than before.
        SettingsChanged => "settings_changed",
    }
}

string_enum! {
    /// How an action was authenticated.
    open AuditVia {
        /// By a session.
        Session => "session",
        /// By an API token.
        Token => "token",
        /// By an operator: the command line or the configuration.
        Operator => "operator",
    }
}

/// A changed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditChange {
    /// The name of the field.
    #[cfg_attr(feature = "openapi", schema(example = "role"))]
    pub field: String,
    /// The old value, at most 200 characters; null: none, or unknown.
    #[cfg_attr(feature = "openapi", schema(example = "member"))]
    pub from: Option<String>,
    /// The new value, at most 200 characters; null: none.
    #[cfg_attr(feature = "openapi", schema(example = "moderator"))]
    pub to: Option<String>,
}

/// An entry of the audit trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// The entry's id: later entries have higher ones.
    pub id: AuditId,
    /// An audited action.
    pub action: AuditAction,
    /// The time; of several occurrences, that of the first.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub at: Timestamp,
    /// The time of the last occurrence: failed sign-ins to one account from one network share an
    /// entry for an hour.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub last_at: Timestamp,
    /// The number of occurrences.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, example = 1))]
    pub count: i32,
    /// The acting account; null: a guest or an operator.
    pub actor_id: Option<AccountId>,
    /// Its name at that time.
    #[cfg_attr(feature = "openapi", schema(example = "admin"))]
    pub actor: Option<String>,
    /// How the action was authenticated; null: not at all.
    pub via: Option<AuditVia>,
    /// The client's network: an IPv4 address, or the /64 of an IPv6 address; null: local, or
    /// several networks.
    #[cfg_attr(feature = "openapi", schema(example = "2001:db8:0:1::/64"))]
    pub network: Option<String>,
    /// The affected account.
    pub account_id: Option<AccountId>,
    /// Its name at that time.
    #[cfg_attr(feature = "openapi", schema(example = "aspasia"))]
    pub account: Option<String>,
    /// The affected product.
    pub product_id: Option<ProductId>,
    /// The changed values.
    pub changes: Vec<AuditChange>,
}

/// A page of the audit trail.
pub type AuditPage = Page<AuditEntry>;
