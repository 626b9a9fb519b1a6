//! Restricts a page to users with a role.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::components::A;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::Role;

use crate::components::{BrokenPot, LoadError};
use crate::dom::title::set_title;
use crate::routing::url::browser_address;
use crate::state::session::{current_session, has_rights_of, sign_in_href};

/// Shows the page to users with the rights of this role. Guests are sent to the sign-in page.
#[component]
pub fn Guarded(role: Role, #[prop(into)] page: ViewFn) -> impl IntoView {
    let session = current_session();
    // Guests sign in first.
    let visitor = Memo::new(move |_| {
        session.answer().map(|answer| answer.map(|session| session.account.map(|it| it.role)))
    });
    let navigate = use_navigate();
    Effect::new(move || {
        if visitor.get() == Some(Ok(None)) {
            let options = NavigateOptions { replace: true, ..Default::default() };
            navigate(&sign_in_href(&browser_address()), options);
        }
    });
    move || match visitor.get() {
        Some(Ok(Some(visitor))) if has_rights_of(visitor, role) => page.run(),
        Some(Ok(Some(visitor))) => view! { <NotAllowed visitor needed=role /> }.into_any(),
        Some(Err(error)) => view! { <LoadError error on_retry=move || session.ask() /> }.into_any(),
        Some(Ok(None)) | None => view! { <p class="muted">"Loading…"</p> }.into_any(),
    }
}

/// The page for users without the rights: what to ask for, and whom.
#[component]
fn NotAllowed(visitor: Role, needed: Role) -> impl IntoView {
    set_title("Not allowed");
    let (readers, wanted) = match needed {
        Role::Admin => ("admins", "an admin"),
        _ => ("moderators", "a moderator"),
    };
    let name = current_session().account().map(|account| account.name);
    let (href, link) = match visitor {
        Role::Moderator => ("/admin/queue", "Go to the queue"),
        _ => ("/", "See all products"),
    };
    view! {
        <div class="missing">
            <BrokenPot />
            <h1>"Not allowed"</h1>
            <p class="muted">
                {format!("This page is for {readers}. If you need it, ask an admin of this site to make the account ")}
                <bdi>{name}</bdi> {format!(" {wanted}: admins do that under Admin, Accounts.")}
            </p>
            <A href=href attr:class="button">
                {link}
            </A>
        </div>
    }
}
