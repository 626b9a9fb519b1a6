//! The drawer in front of the table, with all details of a review.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use leptos_router::params::ParamsMap;
use ostrakon_shared::{AdminReviewDetail, ReviewId, ReviewVersion};

use crate::components::{Dialog, Loaded, ReviewBody, ReviewByline, Verdict, status_chip};
use crate::net::api;
use crate::net::fetched::Fetched;
use crate::pages::admin::decision_dialog::{Decisions, decision_buttons};
use crate::pages::admin::filter::Filter;
use crate::pages::admin::review_history::{history, reports};
use crate::routing::review_query::ReviewQuery;

const ID: &str = "review-drawer";

/// The review in the address, if any.
#[component]
pub fn Drawer(
    params: Memo<ParamsMap>,
    filter: Memo<Filter>,
    decisions: Decisions,
) -> impl IntoView {
    let asked =
        Memo::new(move |_| params.read().get_str("review").map(|id| id.parse::<ReviewId>().ok()));
    let navigate = use_navigate();
    let close = Callback::new(move |()| {
        if asked.read_untracked().is_some() {
            let options = NavigateOptions { scroll: false, ..Default::default() };
            navigate(&filter.read_untracked().href(None), options);
        }
    });
    move || {
        asked.get().map(|id| {
            let content = move || match id {
                Some(id) => view! { <Detail id decisions /> }.into_any(),
                None => unknown(),
            };
            let open = RwSignal::new(true);
            view! {
                <Dialog
                    id=ID
                    open
                    heading="Review"
                    class="dialog drawer"
                    content=content.into()
                    on_close=close
                />
            }
        })
    }
}

fn unknown() -> AnyView {
    view! { <p class="muted">"There is no review with this id."</p> }.into_any()
}

#[component]
fn Detail(id: ReviewId, decisions: Decisions) -> impl IntoView {
    // Reload after each decision.
    let request = Fetched::new(move || decisions.count(), move |_| api::review_detail(id));
    let skeleton = || view! { <p class="muted">"Loading…"</p> };
    let content = move |detail: Option<AdminReviewDetail>| match detail {
        Some(detail) => known(detail, decisions),
        None => unknown(),
    };
    view! { <Loaded request skeleton content /> }
}

fn known(detail: AdminReviewDetail, decisions: Decisions) -> AnyView {
    let AdminReviewDetail { review: row, reports: reported, history: events } = detail;
    let review = row.review;
    let this = ReviewVersion { id: review.id, version: review.version };
    let product = row.product_name.unwrap_or_else(|| format!("Product {}", review.product_id));
    let account = row.author_id.map(|id| {
        let name = row.author_account.unwrap_or_else(|| format!("account {id}"));
        let href = Filter::default().with("author_id", &id.to_string()).href(None);
        view! {
            <dt>"Account"</dt>
            <dd>
                <a href=href dir="auto">
                    {name}
                </a>
            </dd>
        }
    });
    let database = Filter::default().with("database", &row.database).href(None);
    view! {
        <div class="detail">
            <p class="detail-head">
                <Verdict rating=review.rating />
                {status_chip(review.status)}
            </p>
            {review.title.clone().map(|title| view! { <h3 dir="auto">{title}</h3> })}
            <ReviewBody text=review.body.clone() />
            <ReviewByline review=review.clone() />
            {decision_buttons(decisions, move || vec![this.clone()], " this review".to_owned())}
            <dl class="facts">
                <dt>"Product"</dt>
                <dd>
                    <a href=ReviewQuery::default().href(review.product_id) dir="auto">
                        {product}
                    </a>
                </dd>
                {account}
                <dt>"Id"</dt>
                <dd class="code">{review.id.to_string()}</dd>
                <dt>"Bucket"</dt>
                <dd>{row.bucket}</dd>
                <dt>"Database"</dt>
                <dd>
                    <a href=database>{row.database}</a>
                </dd>
            </dl>
            {reports(&reported)}
            {history(&events)}
        </div>
    }
    .into_any()
}
