//! The accounts: found, given a role, disabled.

use leptos::prelude::*;
use ostrakon_shared::{Account, AccountEdit, Role};

use super::products::{search_href, searched};
use crate::api;
use crate::attempt::Attempt;
use crate::components::{Ago, SearchField, failure_line};
use crate::listing::{List, Listing};
use crate::paging::Pages;

/// The page.
pub fn accounts_page() -> AnyView {
    let (typed, search) = searched();
    let accounts = Listing::new(move |cursor| {
        let search = search.get();
        Box::pin(async move { api::accounts(&search, cursor.as_deref()).await.map(Pages::from) })
    });
    view! {
        <div class="toolbar">
            <SearchField
                label="Search accounts"
                typed
                href=|search| search_href("/admin/accounts", search)
            />
        </div>
        <List
            list=accounts.state
            thing="account"
            empty=|| view! { <p class="muted">"No accounts match."</p> }
        >
            <ul class="rows panel" role="list" aria-label="Accounts">
                {accounts.rows(move |account| account_row(account, accounts))}
            </ul>
        </List>
    }
    .into_any()
}

fn account_row(account: Account, accounts: Listing<Account>) -> AnyView {
    let Account { id, role, disabled, name, created_at } = account;
    let attempt = Attempt::new();
    let shown = RwSignal::new(role);
    let change = move |edit: AccountEdit| {
        let work = async move {
            let changed = api::edit_account(id, &edit).await;
            let changed = changed.inspect_err(|_| _ = shown.try_set(role))?;
            accounts.items.update(|items| {
                items.iter_mut().filter(|it| it.id == id).for_each(|it| *it = changed.clone());
            });
            Ok(())
        };
        attempt.start("", Box::pin(work));
    };
    let choose = move |chosen: String| {
        if let Ok(role) = chosen.parse::<Role>() {
            shown.set(role);
            change(AccountEdit { role: Some(role), ..AccountEdit::default() });
        }
    };
    let toggle =
        move |_| change(AccountEdit { disabled: Some(!disabled), ..AccountEdit::default() });
    let label = format!("Role of {name}");
    let option = move |value: &Role| {
        let value = *value;
        view! {
            <option value=value.as_str() selected=value == role>
                {role_label(value)}
            </option>
        }
    };
    view! {
        <li>
            <div class="row-text">
                <p>
                    <bdi>{name.clone()}</bdi>
                    {disabled.then(|| view! { " " <span class="status status-spam">"Disabled"</span> })}
                </p>
                <p class="muted small">{format!("{id} · since ")} <Ago at=created_at /></p>
                {failure_line(attempt)}
            </div>
            <span class="row-end">
                <a class="small" href=format!("/admin/accounts/{id}")>
                    "Access"
                    <span class="visually-hidden">" of "<bdi>{name.clone()}</bdi></span>
                </a>
                <a class="small" href=format!("/admin/reviews?author_id={id}")>
                    "Reviews"
                    <span class="visually-hidden">" of "<bdi>{name.clone()}</bdi></span>
                </a>
                <select
                    aria-label=label
                    prop:value=move || shown.get().as_str()
                    on:change:target=move |event| choose(event.target().value())
                >
                    {Role::ALL.iter().map(option).collect_view()}
                </select>
                <button type="button" class="button button-small" on:click=toggle>
                    {if disabled { "Enable" } else { "Disable" }}
                    <span class="visually-hidden">" "<bdi>{name}</bdi></span>
                </button>
            </span>
        </li>
    }
    .into_any()
}

fn role_label(role: Role) -> &'static str {
    match role {
        Role::Member => "Member",
        Role::Moderator => "Moderator",
        Role::Admin => "Admin",
    }
}
