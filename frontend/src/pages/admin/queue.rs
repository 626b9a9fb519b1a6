//! The moderators' queue: pending and reported reviews.

use leptos::prelude::*;
use ostrakon_shared::{DecisionResult, QueuedReview, ReviewVersion};

use crate::components::paginated_list::{List, PaginatedList};
use crate::components::{FoldedBody, Selection, byline, status_chip};
use crate::format::counted;
use crate::net::api;
use crate::net::http::ResponseFuture;
use crate::pages::admin::decision_dialog::{Decisions, Outcome, decision_buttons, decision_dialog};
use crate::pages::admin::review_history::{history, reports};
use crate::routing::review_query::ReviewQuery;
use crate::state::loaded_pages::{Item, LoadedPages};

/// The page.
pub fn queue_page() -> AnyView {
    let queue = Queue::new();
    let chosen = Selection::new();
    let follow = move |Outcome { undone, results }: Outcome| {
        if undone {
            queue.put_back(&results)
        } else {
            queue.take_out(&results)
        }
        chosen.set([]);
    };
    let decisions = Decisions::new(Callback::new(follow));
    let reload = move |_| {
        decisions.forget_conflicts();
        chosen.set([]);
        queue.list.state.reload();
    };
    let versions = move || queue.versions(chosen);
    let row = move |review: QueuedReview| queued(review, chosen, decisions, Callback::new(reload));
    let empty = || {
        view! {
            <div class="empty">
                <h2>"The queue is empty"</h2>
                <p class="muted">"Pending and reported reviews appear here, oldest first."</p>
            </div>
        }
    };
    view! {
        {decision_dialog(decisions)}
        <div class="toolbar">
            {chosen.all_checkbox(move || queue.numbers())}
            {decision_buttons(decisions, versions, " for all selected reviews".to_owned())}
            <p class="muted toolbar-end" role="status">
                {move || format!("{} in the queue", counted(queue.waiting.get(), "review"))}
            </p>
            <button type="button" class="button button-small" on:click=move |_| reload(())>
                "Refresh"
            </button>
        </div>
        <List list=queue.list.state thing="review" empty>
            <div class="queue">{queue.list.rows(row)}</div>
        </List>
    }
    .into_any()
}

/// The queue, as far as it is loaded.
#[derive(Clone, Copy)]
struct Queue {
    list: PaginatedList<QueuedReview>,
    /// The number of reviews in the whole queue.
    waiting: RwSignal<u64>,
    /// The last decided reviews, in case the decision is undone.
    decided: StoredValue<Vec<QueuedReview>>,
}

impl Queue {
    fn new() -> Queue {
        let waiting = RwSignal::new(0);
        let list = PaginatedList::new(move |cursor| -> ResponseFuture<LoadedPages<QueuedReview>> {
            Box::pin(async move {
                let page = api::queue(cursor.as_deref()).await?;
                waiting.set(page.waiting);
                Ok(LoadedPages::from(page))
            })
        });
        Queue { list, waiting, decided: StoredValue::new(Vec::new()) }
    }

    /// Takes decided reviews out of the queue.
    fn take_out(self, results: &[DecisionResult]) {
        let is_decided = |review: &QueuedReview| results.iter().any(|it| it.id == review.id);
        let (gone, left): (Vec<_>, Vec<_>) =
            self.list.items.get_untracked().into_iter().partition(is_decided);
        self.waiting.update(|waiting| *waiting = waiting.saturating_sub(gone.len() as u64));
        self.decided.set_value(gone);
        // After a whole page, show the next one.
        if left.is_empty() && untrack(|| self.list.state.more()) {
            self.list.state.reload();
        }
        self.list.items.set(left);
    }

    /// Puts reviews back into the queue after their decision has been undone.
    fn put_back(self, results: &[DecisionResult]) {
        let mut back = self.decided.get_value();
        back.retain(|review| results.iter().any(|it| it.id == review.id));
        for review in &mut back {
            for result in results.iter().filter(|result| result.id == review.id) {
                review.version = result.version.unwrap_or(review.version);
                review.status = result.status.unwrap_or(review.status);
            }
        }
        self.waiting.update(|waiting| *waiting += back.len() as u64);
        self.list.items.update(|items| {
            items.extend(back);
            items.sort_by_key(|review| review.id);
        });
    }

    /// The ids of the loaded reviews, as numbers.
    fn numbers(self) -> Vec<i64> {
        self.list.items.read().iter().map(|review| review.key().0).collect()
    }

    /// The selected reviews in their displayed versions.
    fn versions(self, chosen: Selection) -> Vec<ReviewVersion> {
        let items = self.list.items.read();
        let chosen = items.iter().filter(|review| chosen.has(review.id.get()));
        chosen.map(|review| ReviewVersion { id: review.id, version: review.version }).collect()
    }
}

/// A review of the queue.
fn queued(
    review: QueuedReview,
    chosen: Selection,
    decisions: Decisions,
    reload: Callback<()>,
) -> AnyView {
    let number = review.id.get();
    let this = ReviewVersion { id: review.id, version: review.version };
    let author = review.author_name.unwrap_or_else(|| "Anonymous".to_owned());
    let product = review.product_name.unwrap_or_else(|| format!("Product {}", review.product_id));
    let href = ReviewQuery::default().href(review.product_id);
    let label = format!("the review by {author} of {product}");
    let reported = !review.reports.is_empty();
    let conflict = move || {
        decisions.conflict(number).map(|why| {
            view! {
                <div class="notice">
                    <p>{why}</p>
                    <button
                        type="button"
                        class="button button-small"
                        on:click=move |_| reload.run(())
                    >
                        "Reload the queue"
                    </button>
                </div>
            }
        })
    };
    let class = move || if chosen.has(number) { "queued is-chosen" } else { "queued" };
    view! {
        <article class=class aria-label=label.clone()>
            <header>
                {chosen.checkbox(number, format!("Select {label}"))}
                <a href=href dir="auto">
                    {product}
                </a>
                {status_chip(review.status)}
                {reported.then(|| view! { <span class="status status-spam">"Reported"</span> })}
            </header>
            {review.title.map(|title| view! { <h2 dir="auto">{title}</h2> })}
            <FoldedBody text=review.body />
            {byline(author, review.member, review.created_at, review.edited_at)}
            {reports(&review.reports)}
            {history(&review.history)}
            <div role="status">{conflict}</div>
            <footer>
                {decision_buttons(decisions, move || vec![this.clone()], format!(" {label}"))}
            </footer>
        </article>
    }
    .into_any()
}
