//! Reviews that belong to an account: one for each product, edited and deleted by their author.

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestAccount, TestApp, TestResponse, ids};

const REVIEWS: &str = "/api/products/1/reviews";

async fn post(app: &TestApp, by: &TestAccount) -> Value {
    let body = json!({"body": "mine", "rating": 4});
    let response = app.send_json(Some(by), Method::POST, REVIEWS, &body).await;
    assert_eq!(response.status, 201, "{response:?}");
    response.json()
}

fn path(review: &Value) -> String {
    format!("/api/reviews/{}", review["id"].as_str().unwrap())
}

async fn edit(
    app: &TestApp,
    by: &TestAccount,
    review: &Value,
    tag: &str,
    body: Value,
) -> TestResponse {
    let request = app.request(Method::PATCH, &path(review)).header("if-match", tag);
    app.send(by.authorize(request.json(&body))).await
}

with_databases!(one_review_for_each_author_and_product, async |app| {
    let author = app.create_account("aspasia", Role::Member).await;
    let body = json!({"body": "race", "rating": 5});
    let race = (0..16).map(|_| app.send_json(Some(&author), Method::POST, REVIEWS, &body));
    let responses = futures_util::future::join_all(race).await;
    let (made, refused): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|response| response.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 15));
    for response in refused {
        assert_eq!(response.problem(409), "review_exists");
        assert_eq!(response.header("location"), made[0].header("location"));
    }
    let other = app.create_account("pericles", Role::Member).await;
    post(&app, &other).await;
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 2);
    // The database itself refuses what gets past the program.
    let id = made[0].json()["id"].as_str().unwrap().to_owned();
    let database = app.store().cluster().locate(id.parse().unwrap()).database;
    let copy = "INSERT INTO review (bucket, id, product_id, body, author_id)
        SELECT bucket, id + 1, product_id, body, author_id FROM review";
    let refused =
        app.cluster().try_sql(&database, &format!("{copy} WHERE author_id = {}", author.id));
    assert!(refused.is_err(), "a second review by the same author");
    app.verify();
});

on_every_engine!(a_review_of_an_account_is_signed_and_marked, async || {
    let app = TestApp::start(3).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let review = post(&app, &author).await;
    assert_eq!((&review["member"], &review["author_name"]), (&json!(true), &json!("aspasia")));
    assert_eq!((&review["version"], &review["edited_at"]), (&json!(1), &Value::Null));
    let body = json!({"body": "b", "author_name": "A. of Miletus"});
    let signed = app.send_json(Some(&author), Method::POST, "/api/products/2/reviews", &body).await;
    assert_eq!(signed.json()["author_name"], "A. of Miletus");
    assert_eq!(signed.json()["member"], false, "a pen name");
    let guest = app.post_review(1, &json!({"body": "b", "author_name": "Pericles"})).await.json();
    assert_eq!((&guest["member"], &guest["author_name"]), (&json!(false), &json!("Pericles")));
});

on_every_engine!(authors_read_their_hidden_reviews_and_why_they_are_hidden, async || {
    let app = TestApp::start_with(3, |config| config.pre_moderation = true).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let other = app.create_account("pericles", Role::Moderator).await;
    let body = json!({"body": "call 555", "rating": 2});
    let posted = app.send_json(Some(&author), Method::POST, "/api/products/1/reviews", &body).await;
    let (review, location) = (posted.json(), posted.header("location").to_owned());
    assert_eq!(review["status"], "pending");
    let own = app.get_as(&author, &location).await;
    assert_eq!((own.json(), own.header("etag")), (review.clone(), "\"1.1\""));
    assert!(own.header("cache-control").contains("private"), "{own:?}");
    for response in [app.get(&location).await, app.get_as(&other, &location).await] {
        assert_eq!(response.problem(404), "review_not_found");
    }

    let decision = json!({"decision": "reject", "reason": "personal_data", "note": "a number",
                          "reviews": [{"id": review["id"], "version": 1}]});
    let path = "/api/moderation/decisions";
    assert_eq!(app.send_json(Some(&other), Method::POST, path, &decision).await.status, 200);
    let rejected = app.get_json_as(&author, &location).await;
    assert_eq!(rejected["status"], "rejected");
    let reason = json!({"reason": "personal_data", "note": "a number"});
    assert_eq!(rejected["rejection"], reason);
    let listed = app.get_json_as(&author, "/api/accounts/me/reviews").await;
    assert_eq!(listed["items"], json!([rejected]));
    let same = edit(&app, &author, &review, "*", json!({"body": "call 555"})).await.json();
    assert_eq!(same, rejected, "no change");

    let changed = edit(&app, &author, &review, "*", json!({"body": "call me"})).await.json();
    assert_eq!((&changed["status"], &changed["rejection"]), (&json!("pending"), &Value::Null));
    let delete = author.authorize(app.request(Method::DELETE, &location));
    assert_eq!(app.send(delete).await.status, 204);
    assert_eq!(app.get_as(&author, &location).await.problem(404), "review_not_found");
});

on_every_engine!(authors_edit_their_reviews, async || {
    let app = TestApp::start(3).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let other = app.create_account("pericles", Role::Admin).await;
    let review = post(&app, &author).await;
    let change = json!({"rating": null, "title": "On second thoughts"});

    let blind = app.send_json(Some(&author), Method::PATCH, &path(&review), &change).await;
    assert_eq!(blind.problem(428), "version_missing");
    assert_eq!(
        edit(&app, &other, &review, "\"1\"", change.clone()).await.problem(403),
        "not_allowed"
    );
    let guest =
        app.request(Method::PATCH, &path(&review)).header("if-match", "\"1\"").json(&change);
    assert_eq!(app.send(guest).await.problem(401), "sign_in_required");
    let wrong = edit(&app, &author, &review, "\"1\"", json!({"rating": 6, "title": "a\tb"})).await;
    assert_eq!(wrong.problem(422), "validation_failed");
    assert_eq!(wrong.json()["errors"].as_array().unwrap().len(), 2);
    for unknown in ["status", "version", "author_id", "member", "id"] {
        let refused = edit(&app, &author, &review, "\"1\"", json!({unknown: 1})).await;
        assert_eq!(refused.json()["errors"][0]["code"], "unknown_field", "{unknown}");
    }

    let edited = edit(&app, &author, &review, "\"1\"", change.clone()).await;
    assert_eq!((edited.status.as_u16(), edited.header("etag")), (200, "\"2.1\""));
    let edited = edited.json();
    assert_eq!((&edited["rating"], &edited["body"]), (&Value::Null, &json!("mine")));
    assert!(edited["edited_at"].is_string());
    assert_eq!(app.get_json(&path(&review)).await, edited);
    assert_eq!(app.get(&path(&review)).await.header("etag"), "\"2.1\"");
    let rating = app.get_json("/api/products/1/rating").await;
    assert_eq!((&rating["count"], &rating["unrated"]), (&json!(1), &json!(1)));

    for stale in ["\"1\"", "\"x\"", "W/\"1\"", "\"1-gzip\", \"3\"", "", ","] {
        let refused = edit(&app, &author, &review, stale, json!({"body": "late"})).await;
        assert_eq!(refused.problem(412), "version_conflict", "{stale}");
    }
    let same = edit(&app, &author, &review, "\"2\"", json!({"body": "mine"})).await.json();
    assert_eq!(same, edited, "no change, no new version");
    let any = edit(&app, &author, &review, "*", json!({"body": "whatever was there"})).await.json();
    assert_eq!(any["version"], 3);
    app.verify();
});

on_every_engine!(if_match_accepts_every_form_in_which_a_tag_comes_back, async || {
    let app = TestApp::start(1).await;
    let author = app.create_account("aspasia", Role::Admin).await;
    let review = post(&app, &author).await;
    // As it was given, weakened by nginx, extended by Apache, in a list, bare.
    for (version, tag) in [
        (1, app.get(&path(&review)).await.header("etag").to_owned()),
        (2, "W/\"2\"".to_owned()),
        (3, "\"3-gzip\"".to_owned()),
        (4, "W/\"4.1-br\"".to_owned()),
        (5, "\"x\", W/\"5\" ,\"7\"".to_owned()),
        (6, "\"6\"".to_owned()),
    ] {
        let change = json!({"body": format!("after {version}")});
        let edited = edit(&app, &author, &review, &tag, change).await;
        assert_eq!((edited.status.as_u16(), &edited.json()["version"]), (200, &json!(version + 1)));
        let change = json!({"name": format!("after {version}")});
        let request = app
            .request(Method::PATCH, "/api/admin/products/1")
            .header("if-match", &tag)
            .json(&change);
        let edited = app.send(author.authorize(request)).await;
        assert_eq!((edited.status.as_u16(), &edited.json()["version"]), (200, &json!(version + 1)));
    }
    // Malformed tags are refused, and change nothing.
    for malformed in ["7", "\"7.1\" \"2\"", "\"7\"\"7\"", "\"7", "w/\"7\"", "*, \"7\""] {
        let refused = edit(&app, &author, &review, malformed, json!({"body": "lost"})).await;
        assert_eq!(refused.problem(400), "if_match_invalid", "{malformed}");
        for path in [path(&review), "/api/admin/products/1".to_owned()] {
            let method = if path.contains("admin") { Method::PATCH } else { Method::DELETE };
            let request = app.request(method, &path).header("if-match", malformed);
            let refused = app.send(author.authorize(request).json(&json!({}))).await;
            assert_eq!(refused.problem(400), "if_match_invalid", "{malformed} {path}");
        }
    }
    // A list may be spread over several headers.
    let request = author.authorize(app.request(Method::DELETE, &path(&review)));
    let missed = request.header("if-match", "\"1\"").header("if-match", "\"2\"");
    assert_eq!(app.send(missed).await.problem(412), "version_conflict");
    let request = author.authorize(app.request(Method::DELETE, &path(&review)));
    let request = request.header("if-match", "\"1\"").header("if-match", "W/\"7-gzip\"");
    assert_eq!(app.send(request).await.status, 204);
    app.verify();
});

on_every_engine!(authors_delete_their_reviews_and_may_write_again, async || {
    let app = TestApp::start(3).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let other = app.create_account("pericles", Role::Admin).await;
    let review = post(&app, &author).await;
    let delete = |by: &TestAccount, tag: &'static str| {
        let request = by.authorize(app.request(Method::DELETE, &path(&review)));
        let request = if tag.is_empty() { request } else { request.header("if-match", tag) };
        app.send(request)
    };
    assert_eq!(delete(&other, "").await.problem(403), "not_allowed");
    assert_eq!(delete(&author, "\"7\"").await.problem(412), "version_conflict");
    assert_eq!(delete(&author, "\"1\"").await.status, 204);
    assert_eq!(delete(&author, "").await.problem(404), "review_not_found");
    for path in [path(&review), format!("{}/location", path(&review))] {
        assert_eq!(app.get(&path).await.problem(404), "review_not_found");
    }
    assert_eq!(app.all_pages(REVIEWS).await, Vec::<Value>::new());
    assert_eq!(app.all_pages_as(&author, "/api/accounts/me/reviews").await, Vec::<Value>::new());
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 0);
    assert_ne!(post(&app, &author).await["id"], review["id"]);
    app.verify();
});

on_every_engine!(own_reviews_of_any_status_are_listed, async || {
    let app = TestApp::start(8).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let other = app.create_account("pericles", Role::Moderator).await;
    let mut mine = Vec::new();
    for product in 1..=5 {
        let path = format!("/api/products/{product}/reviews");
        let body = json!({"body": product.to_string()});
        let review = app.send_json(Some(&author), Method::POST, &path, &body).await.json();
        app.send_json(Some(&other), Method::POST, &path, &body).await;
        mine.insert(0, review["id"].as_str().unwrap().to_owned());
    }
    let decision = json!({"decision": "spam", "reason": "advertising",
        "reviews": [{"id": mine[0], "version": 1}]});
    app.send_json(Some(&other), Method::POST, "/api/moderation/decisions", &decision).await;
    let path = "/api/accounts/me/reviews?limit=2";
    let listed = app.all_pages_as(&author, path).await;
    assert_eq!(ids(&listed), mine);
    assert_eq!((&listed[0]["status"], &listed[1]["status"]), (&json!("spam"), &json!("approved")));
    let one = app.get_json_as(&author, "/api/accounts/me/reviews?product_id=3").await;
    assert_eq!(ids(one["items"].as_array().unwrap()), [mine[2].clone()]);
    assert_eq!(app.get("/api/accounts/me/reviews").await.problem(401), "sign_in_required");
});

on_every_engine!(each_account_has_idempotency_keys_of_its_own, async || {
    let app = TestApp::start(1).await;
    let mut made = Vec::new();
    for name in ["aspasia", "pericles", "phidias", "ictinus", "callicrates", "zeuxis"] {
        let author = app.create_account(name, Role::Member).await;
        let send = || {
            let request = app.request(Method::POST, REVIEWS).header("idempotency-key", "same");
            app.send(author.authorize(request.json(&json!({"body": "same"}))))
        };
        let (first, again) = (send().await, send().await);
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{name}");
        assert_eq!(first.json()["id"], again.json()["id"]);
        assert_eq!(again.header("idempotency-replayed"), "true");
        made.push(first.json());
    }
    let guest = app.post_with_key(1, &json!({"body": "same"}), "same").await;
    assert_eq!(guest.status, 201);
    assert_eq!(app.all_pages(REVIEWS).await.len(), made.len() + 1);
});

on_every_engine!(guests_without_permission_are_told_to_sign_in, async || {
    let app = TestApp::start_with(3, |config| config.guest_reviews = false).await;
    let refused = app.post_review(1, &json!({"body": "guest"})).await;
    assert_eq!(refused.problem(401), "sign_in_required");
    let author = app.create_account("aspasia", Role::Member).await;
    post(&app, &author).await;
});
