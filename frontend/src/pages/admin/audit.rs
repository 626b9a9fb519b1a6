//! The audit trail: who did what, when and from where.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::{AuditAction, AuditChange, AuditEntry, AuditVia};

use crate::components::Ago;
use crate::components::paginated_list::{List, PaginatedList};
use crate::format::counted;
use crate::net::api;
use crate::routing::url::{address, page_query};
use crate::state::loaded_pages::LoadedPages;

const PATH: &str = "/admin/audit";

/// The page.
pub fn audit_page() -> AnyView {
    let query = page_query();
    let asked =
        move |name: &'static str| Memo::new(move |_| query.read().get(name).unwrap_or_default());
    let (action, account) = (asked("action"), asked("account_id"));
    let entries = PaginatedList::new(move |cursor| {
        let (action, account) = (action.get(), account.get());
        Box::pin(async move {
            api::audit(&action, &account, cursor.as_deref()).await.map(LoadedPages::from)
        })
    });
    let navigate = use_navigate();
    let choose = move |chosen: String| {
        let options = NavigateOptions { scroll: false, ..Default::default() };
        navigate(&href(&chosen, &account.read_untracked()), options);
    };
    let option = move |value: &AuditAction| {
        let value = *value;
        view! { <option value=value.as_str()>{action_label(value)}</option> }
    };
    let of_account = move || {
        (!account.read().is_empty()).then(|| {
            view! {
                <span>
                    {format!("Showing account {} only. ", account.get())}
                    <a href=move || href(&action.read(), "")>"All accounts"</a>
                </span>
            }
        })
    };
    view! {
        <div class="toolbar">
            <span class="field">
                <select
                    aria-label="Action"
                    prop:value=move || action.get()
                    on:change:target=move |event| choose(event.target().value())
                >
                    <option value="">"All actions"</option>
                    {AuditAction::ALL.iter().map(option).collect_view()}
                </select>
            </span>
            {of_account}
        </div>
        <List
            list=entries.state
            thing="event"
            empty=|| view! { <p class="muted">"No matching events."</p> }
        >
            <ul class="rows panel" role="list" aria-label="Audit trail">
                {entries.rows(row)}
            </ul>
        </List>
    }
    .into_any()
}

fn href(action: &str, account: &str) -> String {
    let parts = [("action", action), ("account_id", account)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", crate::net::http::escape(value)));
    address(PATH, &parts.collect::<Vec<_>>().join("&"))
}

fn row(entry: AuditEntry) -> AnyView {
    let times = (entry.count > 1).then(|| {
        view! { " " <span class="chip">{counted(entry.count.unsigned_abs().into(), "time")}</span> }
    });
    let account = entry.account.map(|name| {
        let href = href("", &entry.account_id.map(|id| id.to_string()).unwrap_or_default());
        view! {
            ": "
            <a href=href>
                <bdi>{name}</bdi>
            </a>
        }
    });
    let product = entry.product_id.map(|id| {
        view! {
            ": "
            <a href=format!("/products/{id}")>{format!("product {id}")}</a>
        }
    });
    let actor = entry.actor.map(|name| view! { "by " <bdi>{name}</bdi> " · " });
    let via = entry.via.map(|via| format!("{} · ", via_label(via)));
    let network = entry.network.map(|network| format!("{network} · "));
    view! {
        <li>
            <div class="row-text">
                <p>{action_label(entry.action)} {account} {product} {times}</p>
                {entry.changes.iter().map(change).collect_view()}
                <p class="muted small">{actor} {via} {network} <Ago at=entry.last_at /></p>
            </div>
        </li>
    }
    .into_any()
}

fn change(change: &AuditChange) -> AnyView {
    let value = |value: &Option<String>| match value.as_deref() {
        None | Some("") => "–".to_owned(),
        Some(value) => value.to_owned(),
    };
    view! {
        <p class="small">
            {change.field.clone()} ": " <bdi>{value(&change.from)}</bdi> " → "
            <bdi>{value(&change.to)}</bdi>
        </p>
    }
    .into_any()
}

fn via_label(via: AuditVia) -> &'static str {
    match via {
        AuditVia::Session => "signed in",
        AuditVia::Token => "by API token",
        AuditVia::Operator => "by an operator",
        AuditVia::Unknown => "by other means",
    }
}

fn action_label(action: AuditAction) -> &'static str {
    match action {
        AuditAction::SignedIn => "Signed in",
        AuditAction::SignedOut => "Signed out",
        AuditAction::SignInFailed => "Sign-in failed",
        AuditAction::ProofFailed => "Wrong password while signed in",
        AuditAction::AccountCreated => "Account created",
        AuditAction::RoleChanged => "Role changed",
        AuditAction::AccountDisabled => "Account disabled",
        AuditAction::AccountEnabled => "Account enabled",
        AuditAction::PasswordChanged => "Password changed",
        AuditAction::PasswordReset => "Password reset",
        AuditAction::SessionEnded => "Session ended",
        AuditAction::CredentialsRevoked => "All sessions and tokens ended",
        AuditAction::TokenCreated => "API token created",
        AuditAction::TokenRevoked => "API token revoked",
        AuditAction::ProductCreated => "Product created",
        AuditAction::ProductEdited => "Product edited",
        AuditAction::DatabaseAdded => "Database added",
        AuditAction::DatabaseRetired => "Database retired",
        AuditAction::RebalanceChanged => "Rebalance changed",
        AuditAction::SettingsChanged => "Settings changed",
        AuditAction::Unknown => "Other",
    }
}
