//! The audit trail, for admins.

use actix_web::get;
use ostrakon_shared::{AccountId, AuditAction, AuditPage};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::blocking::{RequestStore, run_blocking};
use crate::http::extract::auth::Admin;
use crate::http::extract::list_params::{ListParams, PageParams};
use crate::http::extract::query::from_optional_text;
use crate::http::openapi::{InvalidParameter, NotAllowed, Unavailable};
use crate::http::response::json::NoStoreJson;
use crate::http::response::problem::ApiError;
use crate::store::AuditQuery;

#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListAudit {
    /// Only entries with this action.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<AuditAction>)]
    action: Option<AuditAction>,
    /// Only entries by or about this account.
    #[serde(default, deserialize_with = "from_optional_text")]
    #[param(value_type = Option<AccountId>)]
    account_id: Option<AccountId>,
}

/// List the audit trail
///
/// For admins: sign-ins (also failed ones), sign-outs, and changes to accounts, API tokens,
/// products and settings. The newest entry comes first. Entries are kept for `audit_days`, by
/// default a year.
#[utoipa::path(
    tag = "admin",
    security(("session" = []), ("token" = [])),
    params(ListAudit, PageParams),
    responses(
        (status = 200, description = "A page of the audit trail.", body = AuditPage,
            headers(("Link" = String, description = "The next page, as `rel=\"next\"` (RFC 8288)."))),
        InvalidParameter, NotAllowed, Unavailable
    )
)]
#[get("/api/admin/audit")]
pub async fn list_audit(
    _admin: Admin,
    store: RequestStore,
    params: ListParams<ListAudit>,
) -> Result<NoStoreJson<AuditPage>, ApiError> {
    let ListAudit { action, account_id } = params.list;
    let PageParams { limit, cursor } = params.page;
    let query = AuditQuery { action, account: account_id, limit, cursor };
    let page = run_blocking(store, move |store| store.audit().list(&query)).await?;
    Ok(NoStoreJson::from(page))
}
