//! Many clients at once: no review is lost or duplicated, and every page is in order.

use std::collections::HashSet;

use futures_util::future::{join, join_all, join3};
use serde_json::json;

use crate::support::app::{TestApp, ids};

const CLIENTS: usize = 16;
const POSTS_EACH: usize = 12;

/// Pages through a list again and again until `done`, and once more; each walk must be in order
/// and without duplicates, and contain every review that was acknowledged before it began.
async fn walk(app: &TestApp, sort: &str, answered: &std::cell::RefCell<Vec<String>>) {
    loop {
        let before: Vec<String> = answered.borrow().clone();
        let path = format!("/api/products/1/reviews?sort={sort}&limit=5");
        let seen = ids(&app.all_pages(&path).await);
        let mut sorted = seen.clone();
        sorted.sort();
        if sort == "newest" {
            sorted.reverse();
        }
        assert_eq!(seen, sorted, "{sort} is out of order");
        let set: HashSet<_> = seen.iter().collect();
        assert_eq!(set.len(), seen.len(), "{sort} shows a review twice");
        let lost: Vec<_> = before.iter().filter(|id| !set.contains(id)).collect();
        assert!(lost.is_empty(), "{sort} lost {lost:?}");
        if before.len() == CLIENTS * POSTS_EACH {
            assert_eq!(seen.len(), before.len());
            return;
        }
    }
}

/// Follows the list upwards from its beginning, without ever starting again: whatever is
/// written meanwhile, the end has been reached only when everything before it was shown.
async fn follow(app: &TestApp, answered: &std::cell::RefCell<Vec<String>>) {
    let path = "/api/products/1/reviews?sort=oldest&limit=3";
    let mut seen: Vec<String> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let before: Vec<String> = answered.borrow().clone();
        let page = match &cursor {
            Some(cursor) => app.get_json(&format!("{path}&cursor={cursor}")).await,
            None => app.get_json(path).await,
        };
        let next = page["next_cursor"].as_str().map(str::to_owned);
        let items = ids(page["items"].as_array().unwrap());
        if next.is_some() {
            seen.extend(items);
            cursor = next;
            continue;
        }
        // The last page so far: all pages together contain every review acknowledged by then.
        let all: HashSet<_> = seen.iter().chain(&items).collect();
        assert_eq!(all.len(), seen.len() + items.len(), "a review was shown twice");
        let lost: Vec<_> = before.iter().filter(|id| !all.contains(id)).collect();
        assert!(lost.is_empty(), "stepped over {lost:?}");
        if before.len() == CLIENTS * POSTS_EACH {
            return;
        }
    }
}

/// Sixteen clients post while others page; each asks one of these servers of one cluster.
pub async fn post_while_others_page(apps: &[&TestApp]) {
    let answered = std::cell::RefCell::new(Vec::new());
    let post = |client: usize| {
        let (app, answered) = (apps[client % apps.len()], &answered);
        async move {
            for n in 0..POSTS_EACH {
                let review = json!({"body": format!("{client} {n}"), "rating": n % 5 + 1});
                let response = app.post_review(1, &review).await;
                assert_eq!(response.status, 201, "{response:?}");
                answered.borrow_mut().push(response.json()["id"].as_str().unwrap().to_owned());
            }
        }
    };
    let posts = join_all((0..CLIENTS).map(post));
    let reads = join_all(apps.iter().map(|app| {
        join3(
            walk(app, "newest", &answered),
            walk(app, "oldest", &answered),
            follow(app, &answered),
        )
    }));
    join(posts, reads).await;
    let all = (CLIENTS * POSTS_EACH) as u64;
    for app in apps {
        assert_eq!(app.get_json("/api/products/1/rating").await["count"], all);
        app.verify();
    }
}

with_databases!(sixteen_clients_post_while_others_page, async |app| {
    post_while_others_page(&[&app]).await;
});

with_databases!(the_same_key_from_sixteen_clients_makes_one_review, async |app| {
    let review = json!({"body": "once", "rating": 5});
    let posts = (0..CLIENTS).map(|_| app.post_with_key(1, &review, "the-key"));
    let responses = join_all(posts).await;
    let first = responses[0].json();
    for response in &responses {
        assert_eq!((response.status.as_u16(), response.json()), (201, first.clone()));
    }
    let new = responses.iter().filter(|a| a.header("idempotency-replayed").is_empty()).count();
    assert_eq!(new, 1);
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 1);
    app.verify();
});
