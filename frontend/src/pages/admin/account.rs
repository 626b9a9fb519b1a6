//! One account: its sessions and API tokens, and a button to end all of them.

use leptos::prelude::*;
use ostrakon_shared::{Account, AccountId};

use crate::components::{Ago, CancelButton, Dialog, FormEnd, Loaded, close_dialog};
use crate::net::api;
use crate::net::fetched::Fetched;
use crate::pages::account::{sessions, tokens};
use crate::state::form_state::FormState;

const CONFIRM_ID: &str = "end-all";

/// The page of the account with this id.
pub fn account_page(id: AccountId) -> AnyView {
    let request = Fetched::new(|| (), move |()| api::account(id));
    let skeleton = || view! { <p class="muted">"Loading…"</p> };
    let content = move |account: Option<Account>| match account {
        Some(account) => known(account, request),
        None => view! { <p class="muted">"There is no account with this id."</p> }.into_any(),
    };
    view! {
        <p>
            <a href="/admin/accounts">"All accounts"</a>
        </p>
        <Loaded request skeleton content />
    }
    .into_any()
}

fn known(account: Account, request: Fetched<Option<Account>>) -> AnyView {
    let Account { id, name, role, disabled, created_at } = account;
    let open = RwSignal::new(false);
    let content = move || end_all(id, request);
    view! {
        <div class="page-head">
            <h2>
                <bdi>{name}</bdi>
            </h2>
            <button type="button" class="button" on:click=move |_| open.set(true)>
                "End all sessions and tokens"
            </button>
        </div>
        <p class="muted small">
            {format!("{id} · {role}{} · created ", if disabled { " · disabled" } else { "" })}
            <Ago at=created_at />
            " · "
            <a href=format!("/admin/audit?account_id={id}")>"Audit trail"</a>
        </p>
        <Dialog id=CONFIRM_ID open heading="End all sessions and tokens" content=content.into() />
        <div class="panels">
            {sessions::sessions_panel(Some(id))}
            {tokens::tokens_panel(Some(id), tokens::token_list(Some(id)))}
        </div>
    }
    .into_any()
}

/// Asks for confirmation before all sessions and tokens end.
fn end_all(id: AccountId, request: Fetched<Option<Account>>) -> AnyView {
    let state = FormState::button();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let work = async move {
            api::revoke_all_credentials(id).await?;
            close_dialog(CONFIRM_ID);
            request.retry();
            Ok(())
        };
        state.start("", Box::pin(work));
    };
    view! {
        <form class="form" aria-label="End all sessions and tokens" on:submit=submit>
            <p>
                "The account is signed out everywhere, and its API tokens stop working. Its password stays the same: if someone else knows it, disable the account too."
            </p>
            <FormEnd state button="End all" failure="The sessions and tokens were not ended">
                <CancelButton dialog=CONFIRM_ID />
            </FormEnd>
        </form>
    }
    .into_any()
}
