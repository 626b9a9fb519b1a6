//! `Ostrakon-Account`: nobody writes as somebody else because of another tab.

use ostrakon_shared::{ACCOUNT_HEADER, GUEST, Role};
use reqwest::Method;
use serde_json::json;

use crate::support::app::TestApp;

on_every_engine!(a_request_of_another_account_than_it_says_is_refused, async || {
    let app = TestApp::start(1).await;
    let own = app.create_account("aspasia", Role::Member).await;
    let other = app.create_account("pericles", Role::Moderator).await;
    let post = |text: &str| {
        let review = json!({"body": text, "rating": 4});
        app.request(Method::POST, "/api/products/1/reviews").json(&review)
    };
    let own_id = own.id.to_string();
    // Signed out, or in as somebody else; and the other way round.
    for refused in [
        post("by a guest").header(ACCOUNT_HEADER, &own_id),
        other.authorize(post("by another account")).header(ACCOUNT_HEADER, &own_id),
        own.authorize(post("by an account")).header(ACCOUNT_HEADER, GUEST),
        own.authorize(post("by an account")).header(ACCOUNT_HEADER, "Aspasia"),
    ] {
        assert_eq!(app.send(refused).await.problem(409), "account_changed");
    }
    assert_eq!(app.get_json("/api/products/1/reviews").await["items"], json!([]));

    let posted = own.authorize(post("mine")).header(ACCOUNT_HEADER, &own_id);
    let posted = app.send(posted).await;
    assert_eq!(posted.status, 201);
    let guest = post("as a guest").header(ACCOUNT_HEADER, GUEST);
    assert_eq!(app.send(guest).await.status, 201);

    let path = posted.header("location");
    for method in [Method::PATCH, Method::DELETE] {
        let change = app.request(method, path).header("If-Match", "*").json(&json!({"rating": 1}));
        let change = other.authorize(change).header(ACCOUNT_HEADER, &own_id);
        assert_eq!(app.send(change).await.problem(409), "account_changed");
    }
    let report = app.request(Method::POST, &format!("{path}/reports"));
    let report = report.json(&json!({"reason": "spam"})).header(ACCOUNT_HEADER, &own_id);
    assert_eq!(app.send(report).await.problem(409), "account_changed");
    assert_eq!(app.get_json(path).await["rating"], 4);
});
