//! Invisible texts, and characters that reorder the text beside a name.

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::json;

use crate::support::accounts::register;
use crate::support::app::{TestApp, TestResponse};

const REVIEWS: &str = "/api/products/1/reviews";
const TOKENS: &str = "/api/accounts/me/tokens";

/// Texts without a visible character.
const BLANK: [&str; 12] = [
    "\u{200b}",
    "\u{2060}\u{feff}",
    "\u{3164}",
    "\u{2800} \u{2800}",
    "\u{ad}",
    "\u{301}\u{20dd}",
    "\u{e0041}\u{e007f}",
    "\u{202e}\u{180e}",
    "\u{fffc}\u{fff9}\u{fffb}",
    "\u{e000}",
    "\u{ffff}\u{378}",
    "\u{1d159}\u{16fe4}\u{13430}\u{13441}",
];

/// Texts with invisible and visible characters.
const SEEN: [&str; 5] = [
    "👨\u{200d}👩\u{200d}👧\u{200d}👦",
    "می\u{200c}خواهم",
    "Chloe\u{301}",
    "❤\u{fe0f}",
    "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
];

/// The field at this pointer is refused with this code.
#[track_caller]
fn refused(response: &TestResponse, pointer: &str, code: &str) {
    assert_eq!(response.problem(422), "validation_failed", "{response:?}");
    let error = &response.json()["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)));
}

on_every_engine!(invisible_texts_are_blank, async || {
    let app = TestApp::start(1).await;
    let admin = app.create_account("aspasia", Role::Admin).await;
    let owner = register(&app, "pericles").await;
    let review = app.create_review(1, None).await;
    let (report, products) = (format!("/api/reviews/{review}/reports"), "/api/admin/products");
    let decision = |note: &str| {
        json!({"decision": "spam", "reason": "other", "note": note,
            "reviews": [{"id": review, "version": 1}]})
    };
    for blank in BLANK {
        let body =
            app.send_json(Some(&admin), Method::POST, REVIEWS, &json!({"body": blank})).await;
        refused(&body, "/body", "blank");
        let name = json!({"name": blank});
        refused(
            &app.send_json(Some(&admin), Method::POST, products, &name).await,
            "/name",
            "blank",
        );
        refused(&owner.send(Method::POST, TOKENS, name).await, "/name", "blank");
        for (path, body) in [
            (report.as_str(), json!({"reason": "other", "note": blank})),
            ("/api/moderation/decisions", decision(blank)),
        ] {
            let refused = app.send_json(Some(&admin), Method::POST, path, &body).await;
            assert_eq!(refused.problem(422), "validation_failed", "{path} {body}");
            assert_eq!(refused.json()["errors"][0]["pointer"], "/note", "{path} {body}");
        }
        let name = format!("Aspasia{blank}");
        let body = json!({"name": name, "password": "a long sentence"});
        let refused = app.send(app.request(Method::POST, "/api/accounts").json(&body)).await;
        assert_eq!(refused.problem(422), "validation_failed", "{name:?}");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/name", "{name:?}");
    }
    assert_eq!(app.all_pages(REVIEWS).await.len(), 1, "nothing of it is there");
});

on_every_engine!(visible_texts_stay_as_typed, async || {
    let app = TestApp::start(1).await;
    for text in SEEN {
        let body = json!({"title": text, "body": text, "author_name": text});
        let posted = app.post_review(1, &body).await;
        assert_eq!(posted.status, 201, "{text:?}: {posted:?}");
        let id = posted.json()["id"].as_str().unwrap().to_owned();
        let read = app.get_json(&format!("/api/reviews/{id}")).await;
        for field in ["title", "body", "author_name"] {
            assert_eq!(read[field].as_str().unwrap().as_bytes(), text.as_bytes(), "{field}");
        }
    }
});

on_every_engine!(names_do_not_reorder_the_text_beside_them, async || {
    let app = TestApp::start(1).await;
    let admin = app.create_account("aspasia", Role::Admin).await;
    let owner = register(&app, "pericles").await;
    for control in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
        let name = format!("a{control}b");
        for (path, body, pointer) in [
            (REVIEWS, json!({"body": "b", "author_name": name}), "/author_name"),
            ("/api/admin/products", json!({"name": name}), "/name"),
            ("/api/admin/products", json!({"name": "n", "sku": name}), "/sku"),
        ] {
            let response = app.send_json(Some(&admin), Method::POST, path, &body).await;
            refused(&response, pointer, "control_character");
        }
        let token = owner.send(Method::POST, TOKENS, json!({"name": name})).await;
        refused(&token, "/name", "control_character");
        // The app isolates texts from what is around them.
        let posted = app.post_review(1, &json!({"title": name, "body": name})).await.json();
        assert_eq!((&posted["title"], &posted["body"]), (&json!(name), &json!(name)));
    }
    // Marks of direction belong to names that mix scripts.
    let marked = json!({"body": "b", "author_name": "אספסיה (A.)\u{200f}"});
    assert_eq!(app.post_review(1, &marked).await.status, 201);
});
