//! The routes of both bundles, and the contexts that all pages share.

use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::hooks::use_location;
use leptos_router::path;

use crate::components::account_menu::AccountMenu;
use crate::components::{Clock, PasswordPrompt};
use crate::dom::document::focus_main;
use crate::dom::title::{Title, TitleAnnouncer};
use crate::pages::{
    AccountRoute, AdminRoute, Catalogue, NotFound, ProductRoute, Register, ReviewRoute, SignIn,
};
use crate::routing::bundles::OtherBundle;
use crate::routing::url::{address, show_in_browser};
use crate::state::history_cache::HistoryCache;
use crate::state::session::{CurrentSession, LostSession};

/// The bundle for every visitor.
pub fn public_app() -> AnyView {
    frame(|| {
        view! {
            <FlatRoutes fallback=NotFound>
                <Route path=path!("/") view=Catalogue />
                <Route path=path!("/products/:id") view=ProductRoute />
                <Route path=path!("/reviews/:id") view=ReviewRoute />
                <Route path=path!("/sign-in") view=SignIn />
                <Route path=path!("/register") view=Register />
                <Route path=path!("/account/*page") view=OtherBundle />
                <Route path=path!("/admin/*page") view=OtherBundle />
            </FlatRoutes>
        }
        .into_any()
    })
}

/// The bundle for signed-in users.
pub fn members_app() -> AnyView {
    frame(|| {
        view! {
            <PasswordPrompt />
            <FlatRoutes fallback=OtherBundle>
                <Route path=path!("/account/*page") view=AccountRoute />
                <Route path=path!("/admin/*page") view=AdminRoute />
            </FlatRoutes>
        }
        .into_any()
    })
}

/// The part that both bundles share.
fn frame(routes: fn() -> AnyView) -> AnyView {
    provide_context(Clock::start());
    provide_context(Title::new());
    // Its listener must run before the router's, so it is created first.
    let cache = HistoryCache::start();
    provide_context(cache);
    provide_context(CurrentSession::start());
    view! {
        <Router>
            <NavigationEffects />
            <AccountMenu />
            <LostSession />
            {routes()}
        </Router>
        <TitleAnnouncer />
    }
    .into_any()
}

/// Notifies the cache of each navigation, and moves the focus to each new page.
#[component]
fn NavigationEffects() -> impl IntoView {
    let cache = expect_context::<HistoryCache>();
    let location = use_location();
    let (pathname, search) = (location.pathname, location.search);
    Effect::new(move || {
        cache.arrive(&address(&pathname.read(), &search.read()));
        // By then the router has pushed the address, unless it skips it.
        request_animation_frame(move || {
            show_in_browser(&address(&pathname.read_untracked(), &search.read_untracked()));
        });
    });
    // On the first page, the focus stays where the browser puts it.
    Effect::new(move |arrived: Option<()>| {
        pathname.track();
        if arrived.is_some() {
            focus_main();
        }
    });
}
