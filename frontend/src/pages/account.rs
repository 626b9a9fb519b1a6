//! The account's pages: reviews, password, sessions and API tokens.

mod browser;
mod password;
mod reviews;
pub mod sessions;
pub mod tokens;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use ostrakon_shared::Role;

use crate::components::sub_nav;
use crate::dom::title::set_title;
use crate::pages::NotFound;
use crate::pages::guard::Guarded;
use crate::state::session::current_session;

/// The account page for the address.
#[component]
pub fn AccountRoute() -> impl IntoView {
    let params = use_params_map();
    let page = Memo::new(move |_| params.read().get("page").unwrap_or_default());
    move || match page.read().as_str() {
        "" => view! { <Guarded role=Role::Member page=account_page /> }.into_any(),
        "reviews" => {
            view! { <Guarded role=Role::Member page=reviews::own_reviews_page /> }.into_any()
        }
        _ => view! { <NotFound /> }.into_any(),
    }
}

/// The navigation between the account's pages.
fn account_nav() -> AnyView {
    sub_nav("Account", &[("/account", "Account"), ("/account/reviews", "My reviews")])
}

fn account_page() -> AnyView {
    set_title("Account");
    let name = current_session().account().map(|account| account.name);
    let tokens = tokens::token_list(None);
    let on_tokens_revoked = Callback::new(move |()| tokens.items.set(Vec::new()));
    view! {
        <div class="page-head">
            <h1>"Account " <bdi>{name}</bdi></h1>
        </div>
        {account_nav()}
        <div class="panels">
            <div class="panel-stack">
                {password::password_panel(on_tokens_revoked)}
                {sessions::sessions_panel(None)}
            </div>
            {tokens::tokens_panel(None, tokens)}
        </div>
    }
    .into_any()
}
