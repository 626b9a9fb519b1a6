//! The overview of the service.

use leptos::prelude::*;
use ostrakon_shared::{DatabaseInfo, Health, Overview};

use crate::components::Loaded;
use crate::format::grouped;
use crate::net::api;
use crate::net::fetched::Fetched;
use crate::pages::admin::chart::{days_chart, spread_chart};

/// The page.
pub fn overview_page() -> AnyView {
    let request = Fetched::new(|| (), |()| api::overview());
    let skeleton = || view! { <p class="muted">"Loading…"</p> };
    view! { <Loaded request skeleton content=overview /> }.into_any()
}

fn overview(overview: Overview) -> AnyView {
    let Overview { days, pending, reported, databases } = overview;
    let figure = |number, what: &'static str| {
        view! {
            <li>
                <a class="figure" href="/admin/queue">
                    <strong>{grouped(number)}</strong>
                    " "
                    {what}
                </a>
            </li>
        }
    };
    let health = databases.iter().map(health_row).collect_view();
    view! {
        <ul class="figures" role="list">
            {figure(pending, "waiting for a moderator")}
            {figure(reported, "reported by readers")}
        </ul>
        <div class="panels">
            <section class="panel panel-wide" aria-labelledby="days">
                <h2 id="days">"Reviews per day"</h2>
                {days_chart(days)}
            </section>
            <section class="panel" aria-labelledby="spread">
                <h2 id="spread">"Distribution across databases"</h2>
                {spread_chart(databases)}
            </section>
            <section class="panel" aria-labelledby="health">
                <h2 id="health">"Health"</h2>
                <ul class="rows" role="list">
                    {health}
                </ul>
                <p>
                    <a href="/admin/databases">"Database details"</a>
                </p>
            </section>
        </div>
    }
    .into_any()
}

fn health_row(database: &DatabaseInfo) -> AnyView {
    view! {
        <li>
            <span>{database.name.clone()}</span>
            {health_chip(database.health)}
        </li>
    }
    .into_any()
}

/// The style and label of a database's health.
pub fn health_chip(health: Health) -> AnyView {
    let (class, text) = match health {
        Health::Up => ("status status-approved", "Up"),
        Health::ReadOnly => ("status status-pending", "Read-only"),
        Health::Down => ("status status-spam", "Down"),
        Health::Unknown => ("status", "Unknown"),
    };
    view! { <span class=class>{text}</span> }.into_any()
}
