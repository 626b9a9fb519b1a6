//! The reviews databases, and their verification.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use ostrakon_shared::{
    BUCKETS, DatabaseInfo, DatabaseList, Engine, Health, ReplicaInfo, Verification,
};

use crate::components::{Ago, Loaded, failure_line};
use crate::format::{bytes, counted, grouped, percent};
use crate::net::api;
use crate::net::fetched::Fetched;
use crate::pages::admin::overview::health_chip;
use crate::state::form_state::FormState;

/// How often a running verification is polled.
const POLL: Duration = Duration::from_secs(1);

/// The page.
pub fn databases_page() -> AnyView {
    let request = Fetched::new(|| (), |()| api::databases());
    let skeleton = || view! { <p class="muted">"Loading…"</p> };
    view! { <Loaded request skeleton content=databases /> }.into_any()
}

fn databases(list: DatabaseList) -> AnyView {
    let list = RwSignal::new(list);
    let ticking = set_interval_with_handle(
        move || {
            if list.read_untracked().items.iter().any(is_running) {
                refresh(list);
            }
        },
        POLL,
    );
    on_cleanup(move || ticking.iter().for_each(|ticking| ticking.clear()));
    // The panels stay while their numbers change, and so does the focus.
    let count = list.read_untracked().items.len();
    view! {
        <p class="toolbar">
            <a href="/admin/rebalance">"Move buckets between databases"</a>
        </p>
        <div class="panels">
            {(0..count).map(|index| database_panel(list, index)).collect_view()}
        </div>
    }
    .into_any()
}

fn refresh(list: RwSignal<DatabaseList>) {
    spawn_local(async move {
        // If this fails, the next poll is a second away.
        if let Ok(answer) = api::databases().await {
            list.try_set(answer);
        }
    });
}

fn is_running(database: &DatabaseInfo) -> bool {
    let verification = database.verification.as_ref();
    verification.is_some_and(|verification| verification.finished_at.is_none())
}

fn database_panel(list: RwSignal<DatabaseList>, index: usize) -> AnyView {
    let database = Memo::new(move |_| list.read().items.get(index).cloned());
    let name = database.read_untracked().as_ref().map(|it| it.name.clone()).unwrap_or_default();
    let state = FormState::button();
    let asked = name.clone();
    let verify = move |_| {
        let name = asked.clone();
        let work = async move {
            api::verify_database(&name).await?;
            refresh(list);
            Ok(())
        };
        state.start("", Box::pin(work));
    };
    let running = Memo::new(move |_| database.read().as_ref().is_some_and(is_running));
    let heading = format!("database-{index}");
    let labelledby = heading.clone();
    view! {
        <section class="panel" aria-labelledby=labelledby>
            <h2 id=heading class="panel-head">
                {name.clone()}
                {move || database.read().as_ref().map(|it| health_chip(it.health))}
            </h2>
            {move || database.get().map(facts)}
            <p class="write-end">
                <a href=format!("/admin/reviews?database={name}")>"View reviews"</a>
                <button
                    type="button"
                    class="button button-small"
                    class:is-pending=running
                    aria-disabled=move || running.get().to_string()
                    on:click=move |event| {
                        if !running.get_untracked() {
                            verify(event);
                        }
                    }
                >
                    "Verify"
                    <span class="visually-hidden">" "{name}</span>
                </button>
            </p>
            {failure_line(state)}
            {move || database.get().and_then(|it| Some(verification(it.verification?, it.reviews)))}
        </section>
    }
    .into_any()
}

fn facts(database: DatabaseInfo) -> AnyView {
    let engine = match database.engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
        Engine::Unknown => "unknown",
    };
    let unknown = || "unknown while it is down".to_owned();
    let migrations = database.migrations.as_deref().map_or_else(unknown, migrations);
    let replicas = match database.replicas.as_slice() {
        [] => "none".to_owned(),
        replicas => replicas.iter().map(replica).collect::<Vec<_>>().join(", "),
    };
    let facts = [
        ("Engine", engine.to_owned()),
        ("Replicas", replicas),
        ("Size", database.size_bytes.map_or_else(unknown, bytes)),
        ("Buckets", format!("{} of {}", grouped(database.buckets.into()), grouped(BUCKETS.into()))),
        ("Reviews", database.reviews.map_or_else(unknown, grouped)),
        ("Share", database.share.map_or_else(|| "–".to_owned(), percent)),
        ("Migrations", migrations),
    ];
    let fact = |(term, text): (&'static str, String)| {
        view! {
            <dt>{term}</dt>
            <dd>{text}</dd>
        }
    };
    view! { <dl class="facts">{facts.map(fact).collect_view()}</dl> }.into_any()
}

/// The number of migrations, and the date of the newest. Their names begin with their dates, "20261128010000".
fn migrations(names: &[String]) -> String {
    let newest = names.iter().max().and_then(|name| {
        let (year, month, day) = (name.get(..4)?, name.get(4..6)?, name.get(6..8)?);
        Some(format!("{year}-{month}-{day}"))
    });
    let count = grouped(names.len() as u64);
    newest.map_or_else(|| count.clone(), |date| format!("{count}, the newest of {date}"))
}

fn replica(replica: &ReplicaInfo) -> String {
    match (replica.health, replica.lag_ms) {
        (Health::Down, _) => "down".to_owned(),
        (_, None) => "up".to_owned(),
        (_, Some(0)) => "up to date".to_owned(),
        (_, Some(lag_ms)) => format!("{:.1} s behind", lag_ms as f64 / 1000.0),
    }
}

/// The progress of a verification, or its result.
fn verification(verification: Verification, held: Option<u64>) -> AnyView {
    let Verification { started_at, finished_at, reviews, problem_count, problems } = verification;
    let Some(finished_at) = finished_at else {
        let held = held.unwrap_or(reviews).max(1);
        let text = format!("{} of {} checked", grouped(reviews), counted(held, "review"));
        return view! {
            <p>
                <progress aria-label="Verification" max=held.to_string() value=reviews.to_string()></progress>
            </p>
            <p class="muted small">{text} ", started " <Ago at=started_at /></p>
        }
        .into_any();
    };
    let found = match problem_count {
        0 => "no problems found".to_owned(),
        _ => format!("{} found", counted(problem_count, "problem")),
    };
    let lines = problems.into_iter().map(|problem| view! { <li>{problem}</li> }).collect_view();
    view! {
        <p class="small" role="status">
            "Verified "
            <Ago at=finished_at />
            {format!(": {}, {found}.", counted(reviews, "review"))}
        </p>
        {(problem_count > 0).then(|| view! { <ul class="findings code small">{lines}</ul> })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::migrations;

    #[test]
    fn migrations_read_as_a_date() {
        let names = ["20261128010000", "20261122000000"].map(str::to_owned);
        assert_eq!(migrations(&names), "2, the newest of 2026-11-28");
        assert_eq!(migrations(&[]), "0");
    }
}
