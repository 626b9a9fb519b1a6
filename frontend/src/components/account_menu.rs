//! The account menu in the page's header.

use leptos::ev;
use leptos::html;
use leptos::portal::Portal;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use ostrakon_shared::{Account, Role};
use wasm_bindgen::JsCast;

use crate::components::failure_line;
use crate::dom::document::element;
use crate::net::api;
use crate::routing::url::address;
use crate::state::form_state::FormState;
use crate::state::session::{current_session, sign_in_href};

/// The link to sign in, or the account's menu.
#[component]
pub fn AccountMenu() -> impl IntoView {
    let session = current_session();
    let account = Memo::new(move |_| session.account());
    let answered = Memo::new(move |_| session.answer().is_some());
    let content = move || match account.get() {
        Some(account) => view! { <Menu account /> }.into_any(),
        None if answered.get() => view! { <SignInLink /> }.into_any(),
        None => ().into_any(),
    };
    element("account").map(|place| view! { <Portal mount=place>{content}</Portal> })
}

#[component]
fn SignInLink() -> impl IntoView {
    let location = use_location();
    let href = move || {
        let (path, search) = (location.pathname.get(), location.search.get());
        let here = ["/sign-in", "/register", "/"].contains(&path.as_str());
        if here { "/sign-in".to_owned() } else { sign_in_href(&address(&path, &search)) }
    };
    view! { <a href=href>"Sign in"</a> }
}

#[component]
fn Menu(account: Account) -> impl IntoView {
    let menu = NodeRef::new();
    close_when_left(menu);
    let (state, session) = (FormState::button(), current_session());
    let sign_out = move |_| {
        let work = async move {
            api::sign_out().await?;
            session.tell_other_tabs();
            // Loading the page anew discards everything that belongs to the account.
            _ = window().location().assign("/");
            Ok(())
        };
        state.start("", Box::pin(work));
    };
    let staff = match account.role {
        Role::Member | Role::Unknown => None,
        Role::Moderator => Some(("/admin/queue", "Queue")),
        Role::Admin => Some(("/admin", "Admin")),
    };
    view! {
        <details class="menu" node_ref=menu on:keydown=move |event| close_on_escape(menu, &event)>
            <summary>
                <span class="visually-hidden">"Account "</span>
                <bdi>{account.name}</bdi>
            </summary>
            <ul role="list">
                <li>
                    <a href="/account/reviews">"My reviews"</a>
                </li>
                <li>
                    <a href="/account">"Account"</a>
                </li>
                {staff
                    .map(|(href, name)| {
                        view! {
                            <li>
                                <a href=href>{name}</a>
                            </li>
                        }
                    })}
                <li>
                    <button type="button" on:click=sign_out>
                        "Sign out"
                    </button>
                    {failure_line(state)}
                </li>
            </ul>
        </details>
    }
}

type MenuRef = NodeRef<html::Details>;

fn close(menu: MenuRef) {
    if let Some(menu) = menu.get_untracked() {
        menu.set_open(false);
    }
}

/// Closes the menu on navigation and on a click elsewhere.
fn close_when_left(menu: MenuRef) {
    let location = use_location();
    Effect::new(move || {
        location.pathname.track();
        close(menu);
    });
    let clicked = window_event_listener(ev::click, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if menu.get_untracked().is_some_and(|menu| !menu.contains(target.as_ref())) {
            close(menu);
        }
    });
    on_cleanup(move || clicked.remove());
}

/// Closes the menu on Escape, and moves the focus back to its button.
fn close_on_escape(menu: MenuRef, event: &ev::KeyboardEvent) {
    if event.key() != "Escape" {
        return;
    }
    close(menu);
    let summary = menu.get_untracked().and_then(|menu| menu.first_element_child());
    if let Some(Ok(summary)) = summary.map(|it| it.dyn_into::<web_sys::HtmlElement>()) {
        // The page works without the focus.
        _ = summary.focus();
    }
}
