//! How bodies are read: null, blank texts, integers and lengths, and their errors.

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{create_account, register, sign_in};
use crate::support::app::TestApp;

const REVIEWS: &str = "/api/products/1/reviews";

on_every_engine!(field_errors_carry_the_values_of_their_text, async || {
    let app = TestApp::start(1).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let review =
        app.send_json(Some(&author), Method::POST, REVIEWS, &json!({"body": "x"})).await.json();
    let review = format!("/api/reviews/{}", review["id"].as_str().unwrap());
    let spam = json!({"decision": "spam", "reason": "advertising", "reviews": []});
    for (method, path, body, params) in [
        (
            Method::POST,
            REVIEWS,
            json!({"body": "x".repeat(10_001)}),
            json!({"limit": 10_000, "actual": 10_001}),
        ),
        (Method::POST, REVIEWS, json!({"body": "\u{7}"}), json!({"character": "U+0007"})),
        (
            Method::POST,
            REVIEWS,
            json!({"body": "x", "rating": 9}),
            json!({"minimum": 1, "maximum": 5, "actual": 9}),
        ),
        (
            Method::POST,
            REVIEWS,
            json!({"body": "x", "stars": 9}),
            json!({"allowed": ["rating", "title", "body", "author_name"]}),
        ),
        (
            Method::POST,
            REVIEWS,
            json!({"body": "x", "rating": 1_i64 << 40}),
            json!({"minimum": 1, "maximum": 5, "actual": 1_i64 << 40}),
        ),
        (
            Method::PATCH,
            &review,
            json!({"rating": 4_294_967_301_i64}),
            json!({"minimum": 1, "maximum": 5, "actual": 4_294_967_301_i64}),
        ),
        (
            Method::POST,
            REVIEWS,
            json!({"body": "x", "rating": u64::MAX}),
            json!({"minimum": 1, "maximum": 5}),
        ),
        (
            Method::POST,
            REVIEWS,
            json!({"body": "x", "rating": -1e23}),
            json!({"minimum": 1, "maximum": 5}),
        ),
        (
            Method::POST,
            "/api/moderation/decisions",
            json!({"decision": "approve", "reason": "within_rules",
                "reviews": [{"id": "7ZZZZZZZZZZZZ", "version": -4_294_967_301_i64}]}),
            json!({"minimum": 1, "maximum": i32::MAX, "actual": -4_294_967_301_i64}),
        ),
        (
            Method::PATCH,
            &review,
            json!({"title": "x".repeat(256)}),
            json!({"limit": 255, "actual": 256}),
        ),
        (
            Method::POST,
            &format!("{review}/reports"),
            json!({"reason": "dull"}),
            json!({"allowed": ["spam", "offensive", "off_topic", "other"]}),
        ),
        (
            Method::POST,
            "/api/moderation/decisions",
            spam,
            json!({"minimum": 1, "maximum": 100, "actual": 0}),
        ),
        (
            Method::POST,
            "/api/admin/products",
            json!({"name": "x", "sku": "x".repeat(65)}),
            json!({"limit": 64, "actual": 65}),
        ),
        (
            Method::POST,
            "/api/accounts",
            json!({"name": "ab", "password": "a long sentence"}),
            json!({"limit": 3, "actual": 2}),
        ),
        (
            Method::POST,
            "/api/accounts",
            json!({"name": "a b", "password": "a long sentence"}),
            json!({"character": "U+0020"}),
        ),
    ] {
        let request = app.request(method, path).header("if-match", "*").json(&body);
        let by = if path == review { &author } else { &admin };
        let refused = app.send(by.authorize(request)).await;
        assert_eq!(refused.problem(422), "validation_failed", "{path} {body}");
        assert_eq!(refused.json()["errors"][0]["params"], params, "{path} {body}");
    }
    let browser = register(&app, "xenophon").await;
    let token = json!({"name": "x", "expires_in_days": 1_i64 << 40});
    let refused = browser.send(Method::POST, "/api/accounts/me/tokens", token).await.json();
    let params = json!({"minimum": 1, "maximum": 366, "actual": 1_i64 << 40});
    assert_eq!(refused["errors"][0]["params"], params);
    for (query, code, params) in [
        ("limit=500", "out_of_range", json!({"minimum": 1, "maximum": 100, "actual": 500})),
        ("limit=many", "out_of_range", json!({"minimum": 1, "maximum": 100})),
        ("rating=6", "out_of_range", json!({"minimum": 1, "maximum": 5, "actual": 6})),
        (
            "sort=best",
            "invalid_value",
            json!({"allowed": ["newest", "oldest", "highest", "lowest"]}),
        ),
        (
            "expected=%60",
            "unknown_field",
            json!({"allowed": ["sort", "rating", "limit", "cursor", "allow_partial"]}),
        ),
    ] {
        let refused = app.get(&format!("{REVIEWS}?{query}")).await;
        assert_eq!(refused.problem(400), "parameter_invalid", "{query}");
        let error = &refused.json()["errors"][0];
        assert_eq!((&error["code"], &error["params"]), (&json!(code), &params), "{query}");
    }
    let search = app.get(&format!("/api/products?search={}", "x".repeat(101))).await.json();
    assert_eq!(search["errors"][0]["params"], json!({"limit": 100, "actual": 101}));
    let status = app.get_as(&admin, "/api/admin/reviews?status=lost").await.json();
    let words = json!(["pending", "approved", "rejected", "spam", "deleted"]);
    assert_eq!(status["errors"][0]["params"]["allowed"], words);
    // Errors without a value have no `params`.
    let blank = app.post_review(1, &json!({"body": " "})).await.json();
    assert_eq!(blank["errors"][0].get("params"), None);
});

on_every_engine!(blank_texts_count_as_absent, async || {
    let app = TestApp::start(1).await;
    let review = json!({"body": "x", "title": "", "author_name": " \u{3000}"});
    let created = app.post_with_key(1, &review, "same").await;
    assert_eq!(created.status, 201, "{created:?}");
    let created = created.json();
    assert_eq!((&created["title"], &created["author_name"]), (&Value::Null, &Value::Null));
    // The same review, to an Idempotency-Key too.
    let again = app.post_with_key(1, &json!({"body": "x", "rating": null}), "same").await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"));

    let author = app.create_account("aspasia", Role::Member).await;
    let review = json!({"body": "x", "title": "t"});
    let review = app.send_json(Some(&author), Method::POST, REVIEWS, &review).await.json();
    let path = format!("/api/reviews/{}", review["id"].as_str().unwrap());
    let edit = author.authorize(app.request(Method::PATCH, &path).header("if-match", "*"));
    assert_eq!(app.send(edit.json(&json!({"title": " "}))).await.json()["title"], Value::Null);
    let report = json!({"reason": "spam", "note": ""});
    let report = app.post_text(&format!("{path}/reports"), report.to_string()).await;
    assert_eq!(report.status, 204);
    let report = json!({"reason": "other", "note": " "});
    let report = app.post_text(&format!("{path}/reports"), report.to_string()).await;
    assert_eq!(report.json()["errors"][0]["code"], "missing_field");

    let admin = app.create_account("admin", Role::Admin).await;
    let product = json!({"name": "n", "description": "", "sku": " ", "picture_url": ""});
    let product = app.send_json(Some(&admin), Method::POST, "/api/admin/products", &product).await;
    assert_eq!(product.status, 201, "{product:?}");
    assert_eq!(product.json()["sku"], Value::Null);
});

on_every_engine!(null_removes_optional_fields_only, async || {
    let app = TestApp::start(1).await;
    let admin = app.create_account("admin", Role::Admin).await;
    create_account(&app, "pericles", Role::Admin);
    let browser = sign_in(&app, "pericles").await;
    let all = json!({"body": "x", "rating": 5, "title": "t", "author_name": "a"});
    let review = app.send_json(Some(&admin), Method::POST, REVIEWS, &all).await.json();
    let review = format!("/api/reviews/{}", review["id"].as_str().unwrap());
    let patch = async |path: &str, body: &Value| {
        let request = app.request(Method::PATCH, path).header("if-match", "*").json(body);
        app.send(admin.authorize(request)).await
    };
    for (path, field) in [
        (&*review, "body"),
        ("/api/admin/products/1", "name"),
        ("/api/admin/products/1", "archived"),
        ("/api/admin/accounts/1", "role"),
        ("/api/admin/accounts/1", "disabled"),
    ] {
        let null = json!({field: null});
        let refused = match path {
            // This needs a session, not a token.
            "/api/admin/accounts/1" => browser.send(Method::PATCH, path, null).await,
            _ => patch(path, &null).await,
        };
        assert_eq!(refused.problem(422), "validation_failed", "{field}");
        let error = &refused.json()["errors"][0];
        let found = (&error["pointer"], &error["code"]);
        assert_eq!(found, (&json!(format!("/{field}")), &json!("wrong_type")), "{field}");
    }
    // The JSON is valid, but the value is no text.
    for value in [json!(5), json!(true), json!({}), Value::Null] {
        let report = json!({"reason": value}).to_string();
        let refused = app.post_text(&format!("{review}/reports"), report.clone()).await;
        assert_eq!(refused.problem(422), "validation_failed", "{report}");
        assert_eq!(refused.json()["errors"][0]["code"], "wrong_type", "{report}");
    }
    for (path, field) in [
        (&*review, "rating"),
        (&review, "title"),
        ("/api/admin/products/1", "description"),
        ("/api/admin/products/1", "sku"),
        ("/api/admin/products/1", "picture_url"),
    ] {
        let removed = patch(path, &json!({field: null})).await;
        assert_eq!(removed.status, 200, "{field}: {removed:?}");
        assert_eq!(removed.json()[field], Value::Null, "{field}");
    }
    // An empty change changes nothing.
    assert_eq!(patch(&review, &json!({})).await.status, 200);
});

on_every_engine!(integers_may_be_written_with_a_decimal_point, async || {
    let app = TestApp::start(1).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let post = author.authorize(app.request(Method::POST, REVIEWS));
    let post = post.header("content-type", "application/json");
    let review = app.send(post.body(r#"{"body": "x", "rating": 5.0}"#)).await.json();
    assert_eq!(review["rating"], 5);
    let path = format!("/api/reviews/{}", review["id"].as_str().unwrap());
    let edit = author.authorize(app.request(Method::PATCH, &path).header("if-match", "\"1\""));
    let edit = edit.header("content-type", "application/merge-patch+json");
    assert_eq!(app.send(edit.body(r#"{"rating": 4e0}"#)).await.json()["rating"], 4);
    let decide = json!({"decision": "approve", "reason": "within_rules",
        "reviews": [{"id": review["id"], "version": 2.0}]});
    let moderator = app.create_account("pericles", Role::Moderator).await;
    let decided =
        app.send_json(Some(&moderator), Method::POST, "/api/moderation/decisions", &decide);
    let decided = decided.await;
    assert_eq!(decided.json()["items"][0]["problem"], Value::Null, "{decided:?}");
    let half = app.post_review(1, &json!({"body": "x", "rating": 4.5})).await;
    assert_eq!(half.json()["errors"][0]["code"], "wrong_type");
});

/// The longest JSON of a text.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

on_every_engine!(lengths_count_characters_and_not_their_escapes, async || {
    let app = TestApp::start(1).await;
    let field =
        |name: &str, chars| format!("\"{}\": \"{}\"", escaped(name), escaped(&"🏺".repeat(chars)));
    let [title, body, name] = [("title", 255), ("body", 10_000), ("author_name", 80)]
        .map(|(name, chars)| field(name, chars));
    let longest = format!("{{\n  {title},\n  {body},\n  {name},\n  \"rating\": 5\n}}");
    assert!(longest.len() > 124_000);
    let created = app.post_text(REVIEWS, longest).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(created.json()["body"].as_str().unwrap().chars().count(), 10_000);
    let longer = app.post_text(REVIEWS, format!("{{{}}}", field("body", 10_001))).await;
    assert_eq!(longer.json()["errors"][0]["code"], "too_long");
    let too_long = app.post_text(REVIEWS, format!("{{{}}}", field("body", 11_000))).await;
    assert_eq!(too_long.problem(413), "body_too_large");

    let moderator = app.create_account("pericles", Role::Moderator).await;
    let mut reviews = Vec::new();
    for _ in 0..100 {
        let id = escaped(&app.create_review(1, None).await);
        let (key, version) = (escaped("id"), escaped("version"));
        reviews.push(format!("{{\n      \"{key}\": \"{id}\",\n      \"{version}\": 1\n    }}"));
    }
    let note = escaped(&"🏺".repeat(100));
    let decisions = format!(
        "{{\"decision\": \"approve\", \"reason\": \"other\", \"note\": \"{note}\",
          \"reviews\": [{}]}}",
        reviews.join(",\n    ")
    );
    let request = app.request(Method::POST, "/api/moderation/decisions");
    let request = request.header("content-type", "application/json").body(decisions);
    let decided = app.send(moderator.authorize(request)).await;
    assert_eq!(decided.status, 200, "{decided:?}");
    // Bodies with short fields have a short limit.
    let sign_in = json!({"name": "x".repeat(10_000), "password": "x"}).to_string();
    assert_eq!(app.post_text("/api/session", sign_in).await.problem(413), "body_too_large");
});
