//! The administration: pages for moderators and admins.

mod account;
mod accounts;
mod audit;
mod chart;
mod databases;
mod decision_dialog;
mod drawer;
mod filter;
mod overview;
mod product_form;
mod products;
mod queue;
mod rebalance;
mod review_history;
mod reviews;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use ostrakon_shared::Role;

use crate::components::sub_nav;
use crate::dom::title::set_title;
use crate::pages::NotFound;
use crate::pages::guard::Guarded;
use crate::state::session::current_session;

/// The administration page for the address.
#[component]
pub fn AdminRoute() -> impl IntoView {
    let params = use_params_map();
    let page = Memo::new(move |_| params.read().get("page").unwrap_or_default());
    move || {
        let page = page.read();
        if let Some(id) = page.strip_prefix("accounts/") {
            return match id.parse() {
                Ok(id) => framed(Role::Admin, "Account", move || account::account_page(id)),
                Err(_) => view! { <NotFound /> }.into_any(),
            };
        }
        let (role, heading, page): (_, _, fn() -> AnyView) = match page.as_str() {
            "" => (Role::Admin, "Overview", overview::overview_page),
            "queue" => (Role::Moderator, "Queue", queue::queue_page),
            "reviews" => (Role::Admin, "Reviews", reviews::reviews_page),
            "products" => (Role::Admin, "Products", products::products_page),
            "accounts" => (Role::Admin, "Accounts", accounts::accounts_page),
            "audit" => (Role::Admin, "Audit trail", audit::audit_page),
            "databases" => (Role::Admin, "Databases", databases::databases_page),
            "rebalance" => (Role::Admin, "Rebalance", rebalance::rebalance_page),
            _ => return view! { <NotFound /> }.into_any(),
        };
        framed(role, heading, page)
    }
}

/// A page with its heading and navigation, for users with this role.
fn framed(
    role: Role,
    heading: &'static str,
    page: impl Fn() -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let page = move || {
        set_title(heading);
        view! {
            <div class="admin">
                {admin_nav()}
                <h1>{heading}</h1>
                {page()}
            </div>
        }
    };
    view! { <Guarded role page /> }.into_any()
}

/// The navigation between the pages that the user may see.
fn admin_nav() -> AnyView {
    const LINKS: &[(&str, &str)] = &[
        ("/admin/queue", "Queue"),
        ("/admin", "Overview"),
        ("/admin/reviews", "Reviews"),
        ("/admin/products", "Products"),
        ("/admin/accounts", "Accounts"),
        ("/admin/databases", "Databases"),
        ("/admin/rebalance", "Rebalance"),
        ("/admin/audit", "Audit trail"),
    ];
    let is_admin = untrack(|| current_session().may(Role::Admin));
    sub_nav("Administration", if is_admin { LINKS } else { &LINKS[..1] })
}
