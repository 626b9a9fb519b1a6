//! The page to search and disable accounts, and to change their roles.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use ostrakon_shared::{Account, AccountEdit, AccountId, Role};

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{
    Ago, CancelButton, Dialog, FormEnd, SearchField, close_dialog, failure_line,
};
use crate::dom::document::focus_soon;
use crate::net::api;
use crate::net::http::ResponseFuture;
use crate::routing::search::{search_href, search_of_page};
use crate::state::form_state::FormState;
use crate::state::loaded_pages::LoadedPages;

/// The page.
pub fn accounts_page() -> AnyView {
    let (typed, search) = search_of_page();
    let accounts = PaginatedList::new(move |cursor| {
        let search = search.get();
        Box::pin(
            async move { api::accounts(&search, cursor.as_deref()).await.map(LoadedPages::from) },
        )
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
            empty=|| view! { <p class="muted">"No matching accounts."</p> }
        >
            <ul class="rows panel" role="list" aria-label="Accounts">
                {accounts.rows(move |account| account_row(account, accounts))}
            </ul>
        </List>
    }
    .into_any()
}

fn account_row(account: Account, accounts: PaginatedList<Account>) -> AnyView {
    let Account { id, role, disabled, name, created_at } = account;
    let state = FormState::button();
    let disabling = RwSignal::new(false);
    let toggle = move |_| {
        if disabled {
            state.start("", set_disabled(id, false, accounts));
        } else {
            disabling.set(true);
        }
    };
    let disable = {
        let name = name.clone();
        move || disable_question(id, name.clone(), accounts)
    };
    // The menu shows the chosen role while the dialog is open, and the account's role otherwise.
    let shown = RwSignal::new(role);
    let asking = RwSignal::new(false);
    let question = {
        let name = name.clone();
        move || role_question(id, name.clone(), shown.get_untracked(), accounts)
    };
    let on_close = Callback::new(move |()| {
        shown.try_set(role);
        focus_soon(select_id(id));
    });
    view! {
        <li>
            <div class="row-text">
                <p>
                    <bdi>{name.clone()}</bdi>
                    {disabled.then(|| view! { " " <span class="status status-spam">"Disabled"</span> })}
                </p>
                <p class="muted small">{format!("{id} · created ")} <Ago at=created_at /></p>
                {failure_line(state)}
                <Dialog
                    id=QUESTION_ID
                    open=asking
                    heading="Change the role?"
                    content=question.into()
                    on_close
                />
                <Dialog
                    id=DISABLE_ID
                    open=disabling
                    heading="Disable the account?"
                    content=disable.into()
                />
            </div>
            <span class="row-end">
                {link(format!("/admin/accounts/{id}"), "Access", &name)}
                {link(format!("/admin/reviews?author_id={id}"), "Reviews", &name)}
                {role_menu(id, &name, role, shown, asking)}
                <button
                    type="button"
                    class="button button-small"
                    id=toggle_id(id)
                    on:click=toggle
                >
                    {if disabled { "Enable" } else { "Disable" }}
                    <span class="visually-hidden">" "<bdi>{name}</bdi></span>
                </button>
            </span>
        </li>
    }
    .into_any()
}

/// A link to a page about an account.
fn link(href: String, text: &'static str, account: &str) -> AnyView {
    view! {
        <a class="small" href=href>
            {text}
            <span class="visually-hidden">" of "<bdi>{account.to_owned()}</bdi></span>
        </a>
    }
    .into_any()
}

/// The menu of roles. Choosing another one asks for confirmation.
fn role_menu(
    account: AccountId,
    name: &str,
    role: Role,
    shown: RwSignal<Role>,
    asking: RwSignal<bool>,
) -> AnyView {
    let choose = move |chosen: String| {
        if let Ok(chosen) = chosen.parse::<Role>() {
            shown.set(chosen);
            asking.set(chosen != role);
        }
    };
    let option = move |value: &Role| {
        let value = *value;
        view! {
            <option value=value.as_str() selected=value == role>
                {role_label(value)}
            </option>
        }
    };
    view! {
        <select
            id=select_id(account)
            aria-label=format!("Role of {name}")
            prop:value=move || shown.get().as_str()
            on:change:target=move |event| choose(event.target().value())
        >
            {(role == Role::Unknown).then(|| option(&role))}
            {Role::ALL.iter().map(option).collect_view()}
        </select>
    }
    .into_any()
}

const QUESTION_ID: &str = "role-question";
const DISABLE_ID: &str = "disable-question";

/// The element id of the menu with an account's role.
fn select_id(account: AccountId) -> String {
    format!("role-{account}")
}

/// The element id of the button that disables or enables an account.
fn toggle_id(account: AccountId) -> String {
    format!("toggle-{account}")
}

/// Disables or enables an account.
fn set_disabled(
    id: AccountId,
    disabled: bool,
    accounts: PaginatedList<Account>,
) -> ResponseFuture<()> {
    Box::pin(async move {
        let edit = AccountEdit { disabled: Some(disabled), ..AccountEdit::default() };
        let changed = api::edit_account(id, &edit).await?;
        replace(accounts, changed);
        // The row is a new one.
        focus_soon(toggle_id(id));
        Ok(())
    })
}

/// Asks for confirmation before an account is disabled.
fn disable_question(id: AccountId, name: String, accounts: PaginatedList<Account>) -> AnyView {
    let state = FormState::button();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        state.start("", set_disabled(id, true, accounts));
    };
    view! {
        <form class="form" on:submit=submit>
            <p>
                <bdi>{name}</bdi>
                " can’t sign in any more, its sessions end, and its API tokens are refused. Its reviews stay. You can enable it again."
            </p>
            <FormEnd state button="Disable the account" failure="The account was not disabled">
                <CancelButton dialog=DISABLE_ID />
            </FormEnd>
        </form>
    }
    .into_any()
}

/// Replaces an account in the list by its changed version.
fn replace(accounts: PaginatedList<Account>, changed: Account) {
    accounts.items.update(|items| {
        let same = items.iter_mut().filter(|account| account.id == changed.id);
        same.for_each(|account| *account = changed.clone());
    });
}

/// Asks for confirmation before an account gets this role.
fn role_question(
    id: AccountId,
    name: String,
    role: Role,
    accounts: PaginatedList<Account>,
) -> AnyView {
    let state = FormState::button();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let work = async move {
            let edit = AccountEdit { role: Some(role), ..AccountEdit::default() };
            let changed = api::edit_account(id, &edit).await?;
            close_dialog(QUESTION_ID);
            replace(accounts, changed);
            focus_soon(select_id(id));
            Ok(())
        };
        state.start("", Box::pin(work));
    };
    let (article, rights) = match role {
        Role::Member | Role::Unknown => ("a", "Members write reviews, and change their own."),
        Role::Moderator => ("a", "Moderators decide on pending and reported reviews."),
        Role::Admin => {
            ("an", "Admins may do everything: products, accounts, databases and all reviews.")
        }
    };
    view! {
        <form class="form" on:submit=submit>
            <p>
                <bdi>{name}</bdi>
                {format!(" becomes {article} {}. {rights}", role_label(role).to_lowercase())}
            </p>
            <FormEnd state button="Change the role" failure="The role was not changed">
                <CancelButton dialog=QUESTION_ID />
            </FormEnd>
        </form>
    }
    .into_any()
}

fn role_label(role: Role) -> &'static str {
    match role {
        Role::Member => "Member",
        Role::Moderator => "Moderator",
        Role::Admin => "Admin",
        Role::Unknown => "Unknown role",
    }
}
