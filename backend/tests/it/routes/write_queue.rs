//! Reviews that share a commit, the end of the queue, and pages from few databases.

use std::collections::HashMap;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use futures_util::future::join_all;
use ostrakon::db::Address;
use ostrakon::shard::{Spread, home_buckets, slot_of_key};
use ostrakon::store::{PendingWrite, StoreError};
use ostrakon_shared::{NewReview, ProductId, Role};
use reqwest::Method;
use serde_json::json;

use crate::support::app::{TestApp, ids};

on_every_engine!(each_review_of_a_batch_gets_its_own_response, async || {
    let app = TestApp::start(3).await;
    let author = app.create_account("author", Role::Member).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let archive = app.request(Method::PATCH, "/api/admin/products/5").header("if-match", "\"1\"");
    let archived = app.send(admin.authorize(archive).json(&json!({"archived": true}))).await;
    assert_eq!(archived.status, 200, "{archived:?}");
    let post = |n: usize| {
        let (app, author) = (&app, &author);
        async move {
            let review = json!({"body": format!("number {n}"), "rating": n % 5 + 1});
            match n % 6 {
                0 => app.post_review(404, &review).await,
                1 => app.post_review(5, &review).await,
                2 => app.post_with_key(1, &json!({"body": "the same"}), "the-key").await,
                3 => {
                    app.send_json(Some(author), Method::POST, "/api/products/2/reviews", &review)
                        .await
                }
                _ => app.post_review(3, &review).await,
            }
        }
    };
    let responses = join_all((0..120).map(post)).await;
    let mut outcomes: HashMap<(usize, u16), usize> = HashMap::new();
    for (n, response) in responses.iter().enumerate() {
        *outcomes.entry((n % 6, response.status.as_u16())).or_default() += 1;
        if let (4 | 5, 201) = (n % 6, response.status.as_u16()) {
            assert_eq!(response.json()["body"], format!("number {n}"));
        }
    }
    let expected = [(0, 404), (1, 409), (2, 201), (4, 201), (5, 201)].map(|kind| (kind, 20));
    let mut expected = HashMap::from(expected);
    expected.extend([((3, 201), 1), ((3, 409), 19)]);
    assert_eq!(outcomes, expected);
    let made: Vec<_> =
        (0..120).filter(|n| n % 6 == 2).map(|n| responses[n].json()["id"].clone()).collect();
    assert!(made.iter().all(|id| *id == made[0]), "one key made several reviews");
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 1);
    assert_eq!(app.get_json("/api/products/2/rating").await["count"], 1);
    assert_eq!(app.get_json("/api/products/3/rating").await["count"], 40);
    app.verify();
});

on_every_engine!(pages_are_full_on_any_distribution_of_reviews, async || {
    let app = TestApp::start(8).await;
    // All keys select one slot, so that the reviews lie in one home bucket: this database has more
    // than its likely share of a page, the others have nothing.
    let keys = (0..).map(|n| format!("key-{n}"));
    let of_slot = |slot| move |key: &String| slot_of_key(key.as_bytes(), Spread::DEFAULT) == slot;
    let mut expected = Vec::new();
    for key in keys.clone().filter(of_slot(0)).take(50).chain(keys.filter(of_slot(3)).take(3)) {
        let response = app.post_with_key(1, &json!({"body": "text", "rating": 4}), &key).await;
        assert_eq!(response.status, 201, "{response:?}");
        expected.push(response.json()["id"].as_str().unwrap().to_owned());
    }
    expected.sort();
    for sort in ["oldest", "newest", "highest"] {
        if sort == "newest" {
            expected.reverse();
        }
        let path = format!("/api/products/1/reviews?sort={sort}&limit=20");
        assert_eq!(
            ids(app.get_json(&path).await["items"].as_array().unwrap()),
            expected[..20],
            "{sort}"
        );
        assert_eq!(ids(&app.all_pages(&path).await), expected, "{sort}");
    }
});

// A transaction of another program locks the rating rows of product 1.
on_every_server!(a_locked_row_refuses_the_reviews_of_its_product_alone, async || {
    let app = TestApp::start_with(1, |config| config.connections.lock_timeout_ms = 1_000).await;
    let [locked, free, other] = [1, 2, 3].map(|id| ProductId::new(id).unwrap());
    let mut written = 0;
    for product in [locked, free, other] {
        for n in 0..32 {
            let body = json!({"body": "text", "rating": n % 5 + 1});
            let response = app.post_with_key(product.get(), &body, &n.to_string()).await;
            assert_eq!(response.status, 201, "{response:?}");
            written += 1;
        }
    }
    let hold = home_buckets(locked, Spread::DEFAULT).map(|bucket| {
        format!(
            "INSERT INTO product_rating (bucket, product_id) VALUES ({bucket}, 1)
             ON CONFLICT (product_id, bucket) DO UPDATE SET hidden = product_rating.hidden;"
        )
    });
    let Address::Postgres(url) = app.cluster().address("reviews-1") else { unreachable!() };
    let mut holder = PgConnection::establish(&url).unwrap();
    holder.batch_execute(&format!("BEGIN; {}", hold.collect::<String>())).unwrap();

    let body = json!({"body": "meanwhile", "rating": 5});
    for _ in 0..3 {
        let post = |n: usize| app.post_review([1, 2, 3][n % 3], &body);
        for (n, response) in join_all((0..60).map(post)).await.iter().enumerate() {
            if n % 3 == 0 {
                assert_eq!(response.problem(503), "database_busy");
                assert_eq!(response.header("retry-after"), "2");
            } else {
                assert_eq!(response.status, 201, "{response:?}");
                written += 1;
            }
        }
    }
    holder.batch_execute("ROLLBACK").unwrap();
    for product in [1, 2, 3] {
        assert_eq!(app.post_review(product, &body).await.status, 201);
        written += 1;
    }
    let counts = [1, 2, 3].map(|product| format!("/api/products/{product}/rating"));
    let counts = join_all(counts.iter().map(|path| app.get_json(path))).await;
    let counted: u64 = counts.iter().map(|rating| rating["count"].as_u64().unwrap()).sum();
    assert_eq!(counted, written);
    app.verify();
});

/// The writer waits while another connection has locked the file.
#[actix_web::test]
async fn a_full_write_queue_refuses_reviews() {
    let app = TestApp::start_with(1, |config| config.connections.lock_timeout_ms = 60_000).await;
    let holder = app.cluster().lock_file("reviews-1");
    let product = ProductId::new(1).unwrap();
    let review: NewReview = serde_json::from_value(json!({"body": "text"})).unwrap();
    let begin = || app.store().reviews().create(None, product, review.clone(), None);
    // Once its writer waits for the lock, it takes no more out of the queue.
    let mut pending = vec![begin().unwrap()];
    while pending[0].awaited.database().as_deref() != Some("reviews-1") {
        std::thread::yield_now();
    }
    let refusal = loop {
        match begin() {
            Ok(begun) => pending.push(begun),
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, StoreError::Busy(database) if database == "reviews-1"));
    let response = app.post_review(1, &json!({"body": "text"})).await;
    assert_eq!(response.problem(503), "database_busy");
    assert!(!response.header("retry-after").is_empty());
    drop(holder);
    let begun = pending.len();
    for done in join_all(pending.into_iter().map(PendingWrite::outcome)).await {
        done.unwrap();
    }
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], begun);
    app.verify();
}
