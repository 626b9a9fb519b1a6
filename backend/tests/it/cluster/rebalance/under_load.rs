//! Clients that write, change, report and read while buckets move: none of them notices.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};

use futures_util::future::{join, join_all};
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::json;

use super::Growing;
use crate::support::app::{PRODUCTS, TestApp, TestResponse, ids};
use crate::support::wait::wait_until;

/// What clients know.
#[derive(Default)]
struct Known {
    /// The text of each acknowledged review.
    texts: RefCell<BTreeMap<String, String>>,
    /// How many reviews of each product are acknowledged, and how many were sent.
    acknowledged: RefCell<BTreeMap<i64, u64>>,
    sent: RefCell<BTreeMap<i64, u64>>,
    is_over: Cell<bool>,
}

/// Repeats a request while it is refused because a bucket moves, which asks for another attempt.
async fn patiently<F: Future<Output = TestResponse>>(send: impl Fn() -> F) -> TestResponse {
    let is_answered = |response: &TestResponse| {
        if response.status == 503 {
            assert_eq!(response.problem(503), "bucket_moved");
            assert_ne!(response.header("retry-after"), "");
        }
        response.status != 503
    };
    wait_until(send, is_answered).await
}

/// Writes reviews under keys, each of which it sends twice.
async fn write(app: &TestApp, known: &Known, writer: usize) {
    let mut number = 0_i64;
    while !known.is_over.get() {
        number += 1;
        let product = 1 + number % PRODUCTS;
        let (text, key) = (format!("{writer} wrote {number}"), format!("{writer}-{number}"));
        let review = json!({"body": text, "rating": 1 + number % 5});
        *known.sent.borrow_mut().entry(product).or_default() += 1;
        let created = patiently(|| app.post_with_key(product, &review, &key)).await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.json()["id"].as_str().unwrap().to_owned();
        known.texts.borrow_mut().insert(id.clone(), text);
        *known.acknowledged.borrow_mut().entry(product).or_default() += 1;
        let again = patiently(|| app.post_with_key(product, &review, &key)).await;
        assert_eq!(
            (again.status.as_u16(), again.json()["id"].as_str()),
            (201, Some(&*id)),
            "{again:?}"
        );
        let (path, report) = (format!("/api/reviews/{id}/reports"), json!({"reason": "spam"}));
        let reported = patiently(|| app.send_json(None, Method::POST, &path, &report));
        assert!([204, 409].contains(&reported.await.status.as_u16()));
    }
}

/// Edits the one review of each product that an account has.
async fn edit(app: &TestApp, known: &Known, writer: usize) {
    let account = app.create_account(&format!("author{writer}"), Role::Member).await;
    let mut own = Vec::new();
    for product in 1..=PRODUCTS {
        *known.sent.borrow_mut().entry(product).or_default() += 1;
        let path = format!("/api/products/{product}/reviews");
        let review = json!({"body": "first", "rating": 5});
        let created =
            patiently(|| app.send_json(Some(&account), Method::POST, &path, &review)).await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.json()["id"].as_str().unwrap().to_owned();
        known.texts.borrow_mut().insert(id.clone(), "first".to_owned());
        *known.acknowledged.borrow_mut().entry(product).or_default() += 1;
        own.push((product, id));
    }
    let mut version = 1;
    while !known.is_over.get() {
        version += 1;
        for (product, id) in &own {
            let text = format!("version {version}");
            let path = format!("/api/reviews/{id}");
            let edited = patiently(|| {
                let request = app.request(Method::PATCH, &path).header("if-match", "*");
                app.send(account.authorize(request.json(&json!({"body": text}))))
            });
            let edited = edited.await;
            assert_eq!(edited.status, 200, "{edited:?}");
            known.texts.borrow_mut().insert(id.clone(), text);
            // One review per author and product, wherever it is.
            let path = format!("/api/products/{product}/reviews");
            let second = json!({"body": "second"});
            let refused =
                patiently(|| app.send_json(Some(&account), Method::POST, &path, &second)).await;
            assert_eq!(refused.problem(409), "review_exists");
        }
    }
}

/// Walks lists: each contains what was acknowledged before, in order, and nothing twice.
async fn read(app: &TestApp, known: &Known, sort: &str) {
    while !known.is_over.get() {
        for product in 1..=PRODUCTS {
            let least = known.acknowledged.borrow().get(&product).copied().unwrap_or_default();
            let rating = app.get_json(&format!("/api/products/{product}/rating")).await;
            let most = known.sent.borrow().get(&product).copied().unwrap_or_default();
            let count = rating["count"].as_u64().unwrap();
            assert!((least..=most).contains(&count), "{count} ratings, not {least} to {most}");
            let path = format!("/api/products/{product}/reviews?sort={sort}&limit=100");
            let seen = ids(&app.all_pages(&path).await);
            let set: HashSet<_> = seen.iter().collect();
            assert_eq!(set.len(), seen.len(), "{sort} shows a review twice");
            assert!(seen.len() as u64 >= least, "{sort} shows {} of {least}", seen.len());
        }
    }
}

/// Drives a cluster with these numbers of databases while clients use it.
async fn use_while(start: u16, most: u16, drive: impl AsyncFn(&Growing)) -> Growing {
    let growing = Growing::start(start, most).await;
    let (app, known) = (&growing.app, Known::default());
    let driven = async {
        drive(&growing).await;
        known.is_over.set(true);
    };
    let writers = join_all((0..4).map(|writer| write(app, &known, writer)));
    let editors = join_all((0..2).map(|writer| edit(app, &known, writer)));
    let readers = join_all(["newest", "oldest", "highest"].map(|sort| read(app, &known, sort)));
    join(driven, join(writers, join(editors, readers))).await;

    app.verify();
    let mut stored = BTreeMap::new();
    for product in 1..=PRODUCTS {
        for review in app.all_pages(&format!("/api/products/{product}/reviews?limit=100")).await {
            let text = review["body"].as_str().unwrap().to_owned();
            stored.insert(review["id"].as_str().unwrap().to_owned(), text);
        }
    }
    assert_eq!(stored, *known.texts.borrow(), "every acknowledged change, and nothing else");
    growing
}

on_every_engine!(from_one_database_to_two, async || {
    use_while(1, 2, async |growing: &Growing| growing.rebalance_partly_to(2).await).await;
});

on_every_engine!(from_three_databases_to_four_and_back, async || {
    let growing = use_while(3, 4, async |growing: &Growing| {
        growing.rebalance_partly_to(4).await;
        growing.rebalance_to(3).await;
    });
    let mut buckets = growing.await.buckets();
    buckets.sort_unstable();
    assert_eq!(buckets, [0, 341, 341, 342]);
});

on_every_engine!(from_eight_databases_to_seven, async || {
    use_while(8, 8, async |growing: &Growing| growing.rebalance_partly_to(7).await).await;
});

/// The whole way, which takes minutes.
mod soak {
    use super::*;
    use crate::support::engine::Engine;

    async fn grow_and_shrink() {
        let growing = use_while(3, 64, async |growing: &Growing| {
            for databases in [4, 8, 64, 3] {
                growing.rebalance_to(databases).await;
                let buckets = growing.buckets();
                let owning = buckets.iter().filter(|&&owned| owned > 0);
                assert_eq!(owning.clone().count(), usize::from(databases));
                assert!(owning.clone().max().unwrap() - owning.min().unwrap() <= 1, "{buckets:?}");
            }
        });
        println!("{:#}", growing.await.last().await["write_pauses"]);
    }

    #[actix_web::test]
    #[ignore = "run by just soak"]
    async fn from_three_databases_to_sixty_four_and_back_on_files() {
        let _on = Engine::Sqlite.enter();
        grow_and_shrink().await;
    }

    #[actix_web::test]
    #[ignore = "run by just soak"]
    async fn from_three_databases_to_sixty_four_and_back_on_servers() {
        let _on = Engine::Postgres.enter();
        grow_and_shrink().await;
    }
}
