//! The page that moves buckets between the reviews databases.

mod actions;
mod evenness;
mod live;
mod picture;
mod plan;
mod progress;

use leptos::prelude::*;
use ostrakon_shared::RebalanceList;

use crate::components::Loaded;
use crate::net::api;
use crate::net::fetched::Fetched;
use live::Live;

/// The element that gets the focus after a change: it shows the new state.
const STATE_ID: &str = "rebalance-state";

/// The page.
pub fn rebalance_page() -> AnyView {
    let request = Fetched::new(|| (), |()| api::rebalances());
    let skeleton = || view! { <p class="muted">"Loading…"</p> };
    view! { <Loaded request skeleton content=content /> }.into_any()
}

fn content(list: RebalanceList) -> AnyView {
    let live = Live::start(list);
    let outdated = move || {
        live.failure.get().map(|reason| {
            view! { <p class="notice notice-error">"The page is not up to date: " {reason}</p> }
        })
    };
    view! {
        <div role="status">{outdated}</div>
        <div class="panels">
            <section class="panel" aria-labelledby="buckets">
                <h2 id="buckets">"Buckets"</h2>
                {picture::picture(live)}
            </section>
            <div class="panel-stack">
                <section class="panel" aria-labelledby="progress">
                    <h2 id="progress">"Progress"</h2>
                    {progress::progress(live)}
                    {actions::actions(live)}
                </section>
                {evenness::evenness(live)}
                {plan::plan_panel(live)}
            </div>
        </div>
    }
    .into_any()
}
