//! The table of all reviews, with its filter and decisions about several reviews.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use ostrakon_shared::{AdminReview, DatabaseInfo, Health, Rating, ReviewStatus, ReviewVersion};

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{Ago, Selection, status_chip, status_label};
use crate::format::{counted, grouped};
use crate::net::api;
use crate::pages::admin::decision_dialog::{Decisions, Outcome, decision_buttons, decision_dialog};
use crate::pages::admin::drawer::Drawer;
use crate::pages::admin::filter::Filter;
use crate::routing::review_query::ReviewQuery;
use crate::routing::url::page_query;
use crate::state::loaded_pages::{Item, LoadedPages};

/// The length of an excerpt in the table, in characters.
const EXCERPT_CHARS: usize = 90;

/// The page.
pub fn reviews_page() -> AnyView {
    let params = page_query();
    let filter = Memo::new(move |_| Filter::from_params(&params.read()));
    let reviews = PaginatedList::new(move |cursor| {
        let query = filter.read().query();
        Box::pin(
            async move { api::all_reviews(&query, cursor.as_deref()).await.map(LoadedPages::from) },
        )
    });
    let databases = RwSignal::new(Vec::new());
    load_databases(databases);
    let chosen = Selection::new();
    let follow = move |Outcome { results, .. }: Outcome| {
        reviews.items.update(|items| {
            for result in results {
                for row in items.iter_mut().filter(|row| row.review.id == result.id) {
                    row.review.version = result.version.unwrap_or(row.review.version);
                    row.review.status = result.status.unwrap_or(row.review.status);
                    row.open_reports = 0;
                }
            }
        });
        chosen.set([]);
    };
    let decisions = Decisions::new(Callback::new(follow));
    let versions = move || {
        let items = reviews.items.read();
        let chosen = items.iter().filter(|row| chosen.has(row.key().0));
        let version =
            |row: &AdminReview| ReviewVersion { id: row.review.id, version: row.review.version };
        chosen.map(version).collect()
    };
    let numbers = move || reviews.items.read().iter().map(|row| row.key().0).collect();
    let row = move |review| table_row(review, filter, chosen);
    let empty = || {
        view! {
            <div class="empty">
                <h2>"No matching reviews"</h2>
                <p class="muted">"Try fewer or different filters."</p>
            </div>
        }
    };
    view! {
        {database_links(databases, filter)}
        {filter_form(databases, filter)}
        {decision_dialog(decisions)}
        <div class="toolbar">
            {chosen.all_checkbox(numbers)}
            {decision_buttons(decisions, versions, " all selected reviews".to_owned())}
        </div>
        <List list=reviews.state thing="review" empty>
            <table class="table reviews-table" role="table">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader">
                            <span class="visually-hidden">"Selected"</span>
                        </th>
                        {["Created", "Author", "Product", "Rating", "Status", "Database", "Review"]
                            .map(|name| view! { <th role="columnheader">{name}</th> })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody role="rowgroup">{reviews.rows(row)}</tbody>
            </table>
        </List>
        <Drawer params filter decisions />
    }
    .into_any()
}

/// If this fails there are no links: the table shows the error.
fn load_databases(databases: RwSignal<Vec<DatabaseInfo>>) {
    leptos::task::spawn_local(async move {
        if let Ok(list) = api::databases().await {
            databases.try_set(list.items);
        }
    });
}

/// A row of the table. On a phone it is a card, in which each cell shows its column's name.
fn table_row(row: AdminReview, filter: Memo<Filter>, chosen: Selection) -> AnyView {
    let AdminReview { review, .. } = &row;
    let number = row.key().0;
    let author = review.author_name.clone().unwrap_or_else(|| "Anonymous".to_owned());
    let account = row
        .author_account
        .clone()
        .map(|name| view! { " " <bdi class="muted">"(" {name} ")"</bdi> });
    let product =
        row.product_name.clone().unwrap_or_else(|| format!("Product {}", review.product_id));
    let rating =
        review.rating.map_or_else(|| "–".to_owned(), |rating| format!("{} ★", rating.stars()));
    let text = review.title.clone().unwrap_or_else(|| excerpt(&review.body));
    let reports = (row.open_reports > 0).then(|| {
        view! { <span class="status status-spam">{counted(row.open_reports.into(), "report")}</span> }
    });
    let id = review.id.to_string();
    let label = format!("Select review {id}");
    let href = move || filter.read().href(Some(&id));
    let class = move || if chosen.has(number) { "is-chosen" } else { "" };
    let cell = |name: &'static str, content: AnyView| {
        view! {
            <td role="cell" data-name=name>
                {content}
            </td>
        }
    };
    view! {
        <tr role="row" class=class>
            {cell("", chosen.checkbox(number, label))}
            {cell("Created", view! { <Ago at=review.created_at /> }.into_any())}
            {cell("Author", view! { <bdi>{author}</bdi> {account} }.into_any())}
            {cell(
                "Product",
                view! {
                    <a href=ReviewQuery::default().href(review.product_id) dir="auto">
                        {product}
                    </a>
                }
                    .into_any(),
            )}
            {cell("Rating", rating.into_any())}
            {cell("Status", view! { {status_chip(review.status)} {reports} }.into_any())}
            {cell("Database", row.database.clone().into_any())}
            {cell(
                "Review",
                view! {
                    <a href=href data-noscroll dir="auto">
                        {text}
                    </a>
                }
                    .into_any(),
            )}
        </tr>
    }
    .into_any()
}

/// The beginning of a text, in one line.
fn excerpt(text: &str) -> String {
    let mut words: String = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(EXCERPT_CHARS + 1)
        .collect();
    if words.chars().count() > EXCERPT_CHARS {
        words.pop();
        words.push('…');
    }
    words
}

/// A link for each database, and one for all.
fn database_links(databases: RwSignal<Vec<DatabaseInfo>>, filter: Memo<Filter>) -> AnyView {
    let link = move |name: String, text: &str, count: Option<u64>| {
        let href = filter.get().with("database", &name).href(None);
        let current = (filter.read().get("database") == name).then_some("true");
        view! {
            <li>
                <a href=href aria-current=current>
                    {text.to_owned()}
                    " "
                    <span class="muted">{count.map_or_else(|| "–".to_owned(), grouped)}</span>
                </a>
            </li>
        }
    };
    let links = move || {
        let databases = databases.get();
        let all = databases.iter().map(|database| database.reviews).sum::<Option<u64>>();
        let mut links = vec![link(String::new(), "All", all)];
        for database in databases {
            let down = if database.health == Health::Down { " (down)" } else { "" };
            let text = format!("{}{down}", database.name);
            links.push(link(database.name, &text, database.reviews));
        }
        links
    };
    view! {
        <nav class="sub-nav sub-nav-small" aria-label="Databases">
            <ul role="list">{links}</ul>
        </nav>
    }
    .into_any()
}

/// The form for the filter. It changes the address, from which the table reads the filter.
fn filter_form(databases: RwSignal<Vec<DatabaseInfo>>, filter: Memo<Filter>) -> AnyView {
    let navigate = use_navigate();
    let go = move |filter: Filter| {
        let options = NavigateOptions { scroll: false, ..Default::default() };
        navigate(&filter.href(None), options);
    };
    // Follows the fields and the address.
    let typed = RwSignal::new(filter.get_untracked());
    Effect::new(move || typed.set(filter.get()));
    let submit = {
        let go = go.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            go(typed.get_untracked());
        }
    };
    let text = move |name, label, kind| text_filter(typed, name, label, kind);
    let select = move |name, label, options: Options| {
        let go = go.clone();
        let choose = move |value: String| go(typed.get_untracked().with(name, &value));
        select_filter(typed, filter, name, label, options, Box::new(choose))
    };
    let statuses = || {
        let option = |status: &ReviewStatus| (status.to_string(), status_label(*status).to_owned());
        ReviewStatus::ALL.iter().map(option).collect()
    };
    let ratings = || {
        let option = |rating: Rating| (rating.stars().to_string(), format!("{} ★", rating.stars()));
        Rating::BEST_FIRST.map(option).to_vec()
    };
    let names = move || {
        databases.get().into_iter().map(|database| (database.name.clone(), database.name)).collect()
    };
    view! {
        <form class="filter" aria-label="Filter" on:submit=submit>
            {text("search", "Text", "search")}
            {select("status", "Status", Box::new(statuses))}
            {select("rating", "Rating", Box::new(ratings))}
            {select("database", "Database", Box::new(names))}
            {text("product_id", "Product id", "text")}
            {text("author_id", "Author id", "text")}
            <span class="filter-end">
                <button type="submit" class="button button-small">
                    "Filter"
                </button>
                {move || {
                    (!filter.read().is_empty())
                        .then(|| view! { <a href="/admin/reviews">"Clear"</a> })
                }}
            </span>
        </form>
    }
    .into_any()
}

fn text_filter(
    typed: RwSignal<Filter>,
    name: &'static str,
    label: &'static str,
    kind: &'static str,
) -> AnyView {
    let change =
        move |value: String| typed.update(|typed| *typed = typed.clone().with(name, &value));
    view! {
        <label class="filter-field">
            <span>{label}</span>
            <input
                type=kind
                prop:value=move || typed.read().get(name).to_owned()
                on:input:target=move |event| change(event.target().value())
            />
        </label>
    }
    .into_any()
}

/// Values with their labels.
type Options = Box<dyn Fn() -> Vec<(String, String)> + Send>;

fn select_filter(
    typed: RwSignal<Filter>,
    filter: Memo<Filter>,
    name: &'static str,
    label: &'static str,
    options: Options,
    choose: Box<dyn Fn(String)>,
) -> AnyView {
    let options = move || {
        let chosen = filter.read().get(name).to_owned();
        let option = |(value, text): (String, String)| {
            let selected = value == chosen;
            view! {
                <option value=value selected=selected>
                    {text}
                </option>
            }
        };
        options().into_iter().map(option).collect_view()
    };
    view! {
        <label class="filter-field">
            <span>{label}</span>
            <select
                prop:value=move || typed.read().get(name).to_owned()
                on:change:target=move |event| choose(event.target().value())
            >
                <option value="">"Any"</option>
                {options}
            </select>
        </label>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn excerpts_are_one_short_line() {
        assert_eq!(excerpt(" two\n\nlines "), "two lines");
        assert_eq!(excerpt(&"é".repeat(90)), "é".repeat(90));
        assert_eq!(excerpt(&"é".repeat(91)), format!("{}…", "é".repeat(90)));
    }
}
