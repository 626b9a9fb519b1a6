//! All reviews of the account.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;
use ostrakon_shared::Review;

use crate::components::OwnReview;
use crate::components::paginated_list::{List, PaginatedList};
use crate::dom::title::set_title;
use crate::net::api;
use crate::pages::account::account_nav;
use crate::routing::review_query::ReviewQuery;
use crate::state::loaded_pages::LoadedPages;

/// The page of the user's own reviews.
pub fn own_reviews_page() -> AnyView {
    set_title("My reviews");
    let reviews = PaginatedList::new(|cursor| {
        Box::pin(
            async move { api::own_reviews(None, cursor.as_deref()).await.map(LoadedPages::from) },
        )
    });
    let said = RwSignal::new(None);
    let row = move |review: Review| {
        let (id, product) = (review.id, review.product_id);
        let on_change = Callback::new(move |changed: Option<Review>| {
            said.set(Some(match changed {
                Some(_) => "Your review has been updated.",
                None => "Your review has been deleted.",
            }));
            // The card itself shows a change.
            if changed.is_none() {
                reviews.items.update(|items| items.retain(|review| review.id != id));
            }
        });
        let name = RwSignal::new(format!("Product {product}"));
        spawn_local(async move {
            // If that fails, the number stays.
            if let Ok(Some(product)) = api::product(product).await {
                name.try_set(product.name);
            }
        });
        let heading = move || {
            let href = ReviewQuery::default().href(product);
            view! {
                <p dir="auto">
                    <A href>{name}</A>
                </p>
            }
        };
        view! { <OwnReview review heading on_change /> }.into_any()
    };
    let empty = || {
        view! {
            <div class="empty">
                <h2>"You have not reviewed anything yet"</h2>
                <A href="/" attr:class="button">
                    "See all products"
                </A>
            </div>
        }
    };
    view! {
        <div class="page-head">
            <h1>"My reviews"</h1>
        </div>
        {account_nav()}
        <p role="status" class="write-status">
            {said}
        </p>
        <List list=reviews.state thing="review" empty>
            <div class="own-list">{reviews.rows(row)}</div>
        </List>
    }
    .into_any()
}
