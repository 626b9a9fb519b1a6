//! The response cache: no client gets a response that lacks an acknowledged write.

use futures_util::future::join_all;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestApp, ids};
use crate::support::wait::wait_until;

/// The cached paths of product 1 and of a review of it.
fn kept(review: &str) -> [String; 4] {
    [
        "/api/products/1".to_owned(),
        "/api/products/1/rating".to_owned(),
        "/api/products/1/reviews".to_owned(),
        format!("/api/reviews/{review}"),
    ]
}

async fn tags(app: &TestApp, paths: &[String]) -> Vec<String> {
    let responses = join_all(paths.iter().map(|path| app.get(path))).await;
    responses
        .iter()
        .map(|response| format!("{} {}", response.status, response.header("etag")))
        .collect()
}

on_every_engine!(every_change_is_visible_at_once, async || {
    let app = TestApp::start(3).await;
    let author = app.create_account("author", Role::Member).await;
    let moderator = app.create_account("moderator", Role::Admin).await;
    let review = app
        .send_json(
            Some(&author),
            Method::POST,
            "/api/products/1/reviews",
            &json!({"body": "a", "rating": 5}),
        )
        .await;
    assert_eq!(review.status, 201, "{review:?}");
    let review = review.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/reviews/{review}");
    let decide = |decision: &str, reason: &str, version: i64| json!({"decision": decision, "reason": reason, "reviews": [{"id": review, "version": version}]});
    let undo = json!({"reviews": [{"id": review, "version": 3}]});
    let decisions = "/api/moderation/decisions";
    // Each change, its author, and which of the four cached responses it changes.
    let changes: Vec<(&_, Method, String, Value, [bool; 4])> = vec![
        (&author, Method::PATCH, path.clone(), json!({"rating": 1}), [true; 4]),
        (&moderator, Method::POST, decisions.into(), decide("reject", "off_topic", 2), [true; 4]),
        (&moderator, Method::POST, "/api/moderation/undo".into(), undo, [true; 4]),
        (
            &moderator,
            Method::PATCH,
            "/api/admin/products/1".into(),
            json!({"name": "Renamed"}),
            [true, false, false, false],
        ),
        (&author, Method::DELETE, path.clone(), json!(null), [true; 4]),
    ];
    for (by, method, path, body, changed) in changes {
        let before = tags(&app, &kept(&review)).await;
        assert_eq!(tags(&app, &kept(&review)).await, before, "a response changed by itself");
        let version = app.get(&format!("/api/reviews/{review}")).await.header("etag").to_owned();
        let request = by.authorize(app.request(method, &path)).json(&body);
        let version = if path.contains("products") { "\"1\"".to_owned() } else { version };
        let done = app.send(request.header("if-match", version)).await;
        assert!(done.status.is_success(), "{path}: {done:?}");
        let after = tags(&app, &kept(&review)).await;
        let differs: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a != b).collect();
        assert_eq!(differs, changed, "{path} {body}");
    }
});

on_every_engine!(a_new_review_is_in_every_later_response, async || {
    let app = TestApp::start(3).await;
    let post = |client: i64| {
        let app = &app;
        async move {
            for n in 0..20 {
                let response = app
                    .post_review(1, &json!({"body": format!("{client} {n}"), "rating": 3}))
                    .await;
                let id = response.json()["id"].as_str().unwrap().to_owned();
                // Other clients fill the cache meanwhile; a limit of 100 has room for all reviews.
                let page = app.get_json("/api/products/1/reviews?limit=100").await;
                assert!(ids(page["items"].as_array().unwrap()).contains(&id), "{id} is missing");
                let rating = app.get_json("/api/products/1/rating").await;
                assert!(rating["count"].as_i64() > Some(n), "{rating}");
            }
        }
    };
    join_all((0..4).map(post)).await;
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 80);
    app.verify();
});

on_every_engine!(a_known_version_gets_a_response_without_a_body, async || {
    let app = TestApp::start(3).await;
    app.create_review(1, Some(4)).await;
    for path in ["/api/products/1/reviews", "/api/products/1/rating", "/api/products/1"] {
        let tag = app.get(path).await.header("etag").to_owned();
        let ask = || app.send(app.request(Method::GET, path).header("if-none-match", &tag));
        let known = ask().await;
        assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""), "{path}");
        assert_eq!(known.header("etag"), tag);
        app.create_review(1, Some(2)).await;
        assert_eq!(ask().await.status, 200, "{path}");
    }
});

// Another process may serve a cached response for a moment, but not to a client that has written.
on_every_server!(a_client_reads_its_own_writes_at_another_process, async || {
    let app = TestApp::start(3).await;
    let other = app.start_second_process();
    for n in 1..=10 {
        other.get_json("/api/products/1/reviews").await;
        let written = app.post_review(1, &json!({"body": "text"})).await;
        let position = written.header("ostrakon-position").to_owned();
        let request = other.request(Method::GET, "/api/products/1/reviews?limit=100");
        let page = other.send(request.header("ostrakon-position", position)).await.json();
        assert_eq!(page["items"].as_array().unwrap().len(), n);
    }
});

/// Cached responses expire when another program changes the database.
#[actix_web::test]
async fn writes_of_other_programs_become_visible() {
    let app = TestApp::start(3).await;
    app.create_review(1, Some(4)).await;
    for expected in 2..5 {
        let before = app.get("/api/products/1/rating").await;
        let again = app.get("/api/products/1/rating").await;
        assert_eq!(again.header("etag"), before.header("etag"));
        for database in ["reviews-1", "reviews-2", "reviews-3"] {
            app.sql(database, "UPDATE product_rating SET r4 = r4 + 1 WHERE r4 > 0");
        }
        let rating = || app.get_json("/api/products/1/rating");
        wait_until(rating, |rating| rating["count"] == expected).await;
    }
}

/// Without room, nothing is cached.
#[actix_web::test]
async fn the_cache_can_be_disabled() {
    let app = TestApp::start_with(3, |config| config.cache_mib = 0).await;
    app.create_review(1, Some(4)).await;
    app.get_json("/api/products/1/rating").await;
    // Another program changes the database: only a new query sees it.
    for database in ["reviews-1", "reviews-2", "reviews-3"] {
        app.sql(database, "UPDATE product_rating SET r4 = r4 + 1 WHERE r4 > 0");
    }
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 2);
}
