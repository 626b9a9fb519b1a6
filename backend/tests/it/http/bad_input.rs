//! Every kind of invalid input has its own code, and changes nothing.

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::json;

use crate::support::app::TestApp;

const REVIEWS: &str = "/api/products/1/reviews";

on_every_engine!(invalid_bodies_are_refused, async || {
    let app = TestApp::start(1).await;
    let long =
        |field: &str, chars: usize| json!({"body": "b", field: "é".repeat(chars)}).to_string();
    for (body, status, code) in [
        ("".to_owned(), 400, "malformed_json"),
        ("{\"body\": \"x\"".to_owned(), 400, "malformed_json"),
        ("{\"body\": \"x\"} trailing".to_owned(), 400, "malformed_json"),
        ("{'body': 'x'}".to_owned(), 400, "malformed_json"),
        (r#"{"body": "\ud800"}"#.to_owned(), 400, "malformed_json"),
        (r#"{"body": "\udc00 x"}"#.to_owned(), 400, "malformed_json"),
        (json!({"body": "x".repeat(131_072)}).to_string(), 413, "body_too_large"),
    ] {
        let response = app.post_text(REVIEWS, body.clone()).await;
        assert_eq!(response.problem(status), code, "{body}");
    }
    for (body, pointer, code) in [
        (json!({"body": ""}).to_string(), "/body", "blank"),
        (json!({"body": " \n\u{a0}"}).to_string(), "/body", "blank"),
        (json!({"body": null}).to_string(), "/body", "wrong_type"),
        (json!({"body": 7}).to_string(), "/body", "wrong_type"),
        (json!({"body": ["x"]}).to_string(), "/body", "wrong_type"),
        (json!({"body": "nul \u{0}"}).to_string(), "/body", "control_character"),
        (json!({"body": "x", "title": "bell \u{7}"}).to_string(), "/title", "control_character"),
        (json!({"body": "x", "title": "two\nlines"}).to_string(), "/title", "control_character"),
        (long("body", 10_001), "/body", "too_long"),
        (long("title", 256), "/title", "too_long"),
        (long("author_name", 81), "/author_name", "too_long"),
        (json!({"body": "x", "rating": 0}).to_string(), "/rating", "out_of_range"),
        (json!({"body": "x", "rating": 6}).to_string(), "/rating", "out_of_range"),
        (json!({"body": "x", "rating": -1}).to_string(), "/rating", "out_of_range"),
        (json!({"body": "x", "rating": 4.5}).to_string(), "/rating", "wrong_type"),
        (json!({"body": "x", "rating": "5"}).to_string(), "/rating", "wrong_type"),
        (json!({"body": "x", "rating": true}).to_string(), "/rating", "wrong_type"),
        (json!({"body": "x", "rating": 1_u64 << 40}).to_string(), "/rating", "out_of_range"),
        (r#"{"body": "x", "rating": 1e30}"#.to_owned(), "/rating", "out_of_range"),
        (json!({"body": "x", "stars": 5}).to_string(), "/stars", "unknown_field"),
        (json!({"rating": 5}).to_string(), "/body", "missing_field"),
        (r#"{"body": "x", "body": "y"}"#.to_owned(), "/body", "duplicate_field"),
        (json!([5, "t", "b", "a"]).to_string(), "", "wrong_type"),
        (json!("x").to_string(), "", "wrong_type"),
        ("null".to_owned(), "", "wrong_type"),
    ] {
        let response = app.post_text(REVIEWS, body.clone()).await;
        assert_eq!(response.problem(422), "validation_failed", "{body}");
        let errors = &response.json()["errors"];
        assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
        let found = (errors[0]["pointer"].as_str(), errors[0]["code"].as_str());
        assert_eq!(found, (Some(pointer), Some(code)), "{body}");
    }
    let all = app.post_review(1, &json!({"body": "", "rating": 9, "title": "\u{7}"})).await.json();
    assert_eq!(all["errors"].as_array().unwrap().len(), 3);
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 0);
    for (field, chars) in [("body", 10_000), ("title", 255), ("author_name", 80)] {
        assert_eq!(app.post_text(REVIEWS, long(field, chars)).await.status, 201, "{field}");
    }
});

on_every_engine!(other_content_types_are_refused, async || {
    let app = TestApp::start(1).await;
    for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"] {
        let request = app.request(Method::POST, REVIEWS).header("content-type", wrong);
        let response = app.send(request.body(r#"{"body":"x"}"#)).await;
        assert_eq!(response.problem(415), "unsupported_media_type", "{wrong}");
    }
    let none = app.send(app.request(Method::POST, REVIEWS).body(r#"{"body":"x"}"#)).await;
    assert_eq!(none.problem(415), "unsupported_media_type");
    for coded in ["gzip", "br", "zstd", "nonsense", "identity, gzip"] {
        let request = app.request(Method::POST, REVIEWS).header("content-encoding", coded);
        let response = app.send(request.json(&json!({"body": "x"}))).await;
        assert_eq!(response.problem(415), "unsupported_media_type", "{coded}");
        assert_eq!(response.header("accept-encoding"), "identity", "{coded}");
    }
    for plain in ["identity", "Identity", ""] {
        let request = app.request(Method::POST, REVIEWS).header("content-encoding", plain);
        assert_eq!(app.send(request.json(&json!({"body": "x"}))).await.status, 201, "{plain}");
    }
    let request = app.request(Method::POST, REVIEWS);
    let request = request.header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(app.send(request.body(r#"{"body":"x"}"#)).await.status, 201);

    // A change may be sent as a merge patch (RFC 7396), other requests may not.
    let admin = app.create_account("admin", Role::Admin).await;
    let change = async |method: Method, path: &str, media_type: &str| {
        let request = app.request(method, path).header("content-type", media_type);
        app.send(admin.authorize(request).header("if-match", "*").body(r#"{"name":"x"}"#)).await
    };
    let product = "/api/admin/products/1";
    for media_type in ["application/merge-patch+json", "Application/Merge-Patch+JSON;charset=utf-8"]
    {
        assert_eq!(change(Method::PATCH, product, media_type).await.status, 200, "{media_type}");
        let created = change(Method::POST, "/api/admin/products", media_type).await;
        assert_eq!(created.problem(415), "unsupported_media_type", "{media_type}");
        assert!(created.headers.get("accept-patch").is_none());
    }
    for wrong in ["application/json-patch+json", "application/ld+json", "*/*+json", "text/json"] {
        let refused = change(Method::PATCH, product, wrong).await;
        assert_eq!(refused.problem(415), "unsupported_media_type", "{wrong}");
        let accepted = "application/json, application/merge-patch+json";
        assert_eq!(refused.header("accept-patch"), accepted, "{wrong}");
    }
});

on_every_engine!(invalid_idempotency_keys_are_refused, async || {
    let app = TestApp::start(1).await;
    for bad in ["", " ", "two words", &"k".repeat(256), "schlüssel"] {
        let response = app.post_with_key(1, &json!({"body": "x"}), bad).await;
        assert_eq!(response.problem(400), "idempotency_key_invalid", "{bad:?}");
    }
    let long = app.post_with_key(1, &json!({"body": "x"}), &"k".repeat(255)).await;
    assert_eq!(long.status, 201);
});

on_every_engine!(invalid_ids_and_unknown_paths_are_refused, async || {
    let app = TestApp::start(1).await;
    let unknown = "7ZZZZZZZZZZZZ";
    for (path, status, code) in [
        ("/api/products/6".to_owned(), 404, "product_not_found"),
        ("/api/products/6/rating".to_owned(), 404, "product_not_found"),
        ("/api/products/6/reviews".to_owned(), 404, "product_not_found"),
        ("/api/products/9223372036854775807".to_owned(), 404, "product_not_found"),
        ("/api/products/9223372036854775808".to_owned(), 400, "id_invalid"),
        ("/api/products/0".to_owned(), 400, "id_invalid"),
        ("/api/products/-1/reviews".to_owned(), 400, "id_invalid"),
        ("/api/products/bear".to_owned(), 400, "id_invalid"),
        (format!("/api/reviews/{unknown}"), 404, "review_not_found"),
        (format!("/api/reviews/{unknown}/location"), 404, "review_not_found"),
        ("/api/reviews/0000000000000".to_owned(), 400, "id_invalid"),
        ("/api/reviews/1".to_owned(), 400, "id_invalid"),
        ("/api/reviews/UUUUUUUUUUUUU".to_owned(), 400, "id_invalid"),
        ("/api".to_owned(), 404, "route_not_found"),
        ("/api/".to_owned(), 404, "route_not_found"),
        ("/api/product".to_owned(), 404, "route_not_found"),
        ("/api/products/1/reviews/2".to_owned(), 404, "route_not_found"),
        ("/problems/no_such_problem".to_owned(), 404, "route_not_found"),
    ] {
        assert_eq!(app.get(&path).await.problem(status), code, "{path}");
    }
    let post = app.post_review(6, &json!({"body": "x"})).await;
    assert_eq!(post.problem(404), "product_not_found");
});

on_every_engine!(other_methods_are_refused, async || {
    let app = TestApp::start(1).await;
    for (method, path, allow) in [
        (Method::DELETE, REVIEWS, "GET, POST, HEAD"),
        (Method::POST, "/api/products", "GET, HEAD"),
        (Method::PUT, "/api/products/1", "GET, HEAD"),
        (Method::PUT, "/api/reviews/7ZZZZZZZZZZZZ", "GET, PATCH, DELETE, HEAD"),
        (Method::POST, "/api/openapi.json", "GET, HEAD"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::POST, "/docs/", "GET, HEAD"),
        (Method::OPTIONS, "/docs/swagger-ui.css", "GET, HEAD"),
    ] {
        let response = app.send(app.request(method.clone(), path)).await;
        assert_eq!(response.problem(405), "method_not_allowed", "{method} {path}");
        assert_eq!(response.header("allow"), allow, "{method} {path}");
    }
    // The app is not built.
    for nowhere in ["/api/nowhere", "/docs/nowhere", "/", "/products/1", "/nowhere", "/robots.txt"]
    {
        for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
            let response = app.send(app.request(method.clone(), nowhere)).await;
            assert_eq!(response.problem(404), "route_not_found", "{method} {nowhere}");
        }
    }
});

on_every_engine!(invalid_parameters_are_refused, async || {
    let app = TestApp::start(1).await;
    let hundred_and_one = vec!["1"; 101].join(",");
    let long = "x".repeat(101);
    for (path, parameter) in [
        (format!("{REVIEWS}?limit=0"), "limit"),
        (format!("{REVIEWS}?limit=101"), "limit"),
        (format!("{REVIEWS}?limit=abc"), "limit"),
        (format!("{REVIEWS}?limit="), "limit"),
        (format!("{REVIEWS}?limit=1&limit=2"), "limit"),
        (format!("{REVIEWS}?sort=best"), "sort"),
        (format!("{REVIEWS}?rating=0"), "rating"),
        (format!("{REVIEWS}?rating=6"), "rating"),
        (format!("{REVIEWS}?rating=4.5"), "rating"),
        (format!("{REVIEWS}?allow_partial=perhaps"), "allow_partial"),
        (format!("{REVIEWS}?status=pending"), "status"),
        ("/api/products?limit=101".to_owned(), "limit"),
        (format!("/api/products?search={long}"), "search"),
        ("/api/products?search=nul%00".to_owned(), "search"),
        ("/api/ratings".to_owned(), "product_ids"),
        ("/api/ratings?product_ids=".to_owned(), "product_ids"),
        ("/api/ratings?product_ids=1,,2".to_owned(), "product_ids"),
        ("/api/ratings?product_ids=1,x".to_owned(), "product_ids"),
        (format!("/api/ratings?product_ids={hundred_and_one}"), "product_ids"),
    ] {
        let response = app.get(&path).await;
        assert_eq!(response.problem(400), "parameter_invalid", "{path}");
        assert_eq!(response.json()["errors"][0]["parameter"], parameter, "{path}");
    }
});

on_every_engine!(foreign_and_invalid_cursors_are_refused, async || {
    let app = TestApp::start(3).await;
    for _ in 0..3 {
        app.create_review(1, Some(5)).await;
    }
    let page = app.get_json(&format!("{REVIEWS}?limit=1")).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let same = app.get_json(&format!("{REVIEWS}?limit=2&cursor={cursor}")).await;
    assert_eq!(same["items"].as_array().unwrap().len(), 2);
    for other in [
        format!("{REVIEWS}?sort=oldest&cursor={cursor}"),
        format!("{REVIEWS}?rating=5&cursor={cursor}"),
        format!("/api/products/2/reviews?cursor={cursor}"),
        format!("/api/products?cursor={cursor}"),
    ] {
        assert_eq!(app.get(&other).await.problem(400), "cursor_mismatch", "{other}");
    }
    let products = app.get_json("/api/products?limit=1").await;
    let products = products["next_cursor"].as_str().unwrap();
    let search = format!("/api/products?search=product&cursor={products}");
    assert_eq!(app.get(&search).await.problem(400), "cursor_mismatch");
    for bad in ["x", "../../etc/passwd", &cursor[1..], &cursor.to_lowercase()] {
        let response = app.get(&format!("{REVIEWS}?cursor={bad}")).await;
        assert_eq!(response.problem(400), "cursor_invalid", "{bad:?}");
    }
});

on_every_engine!(an_empty_cursor_means_the_first_page, async || {
    let app = TestApp::start(1).await;
    let admin = app.create_account("admin", Role::Admin).await;
    app.send_json(Some(&admin), Method::POST, REVIEWS, &json!({"body": "x"})).await;
    let document = app.get_json("/api/openapi.json").await;
    let mut lists = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        if !parameters.iter().any(|parameter| parameter["name"] == "cursor") {
            continue;
        }
        lists += 1;
        let path = path.replace("{id}", "1");
        let first = app.get_json_as(&admin, &path).await;
        for empty in ["cursor=", "cursor", "limit=20&cursor="] {
            assert_eq!(app.get_json_as(&admin, &format!("{path}?{empty}")).await, first, "{path}");
        }
    }
    assert!(lists >= 6, "{lists}");
});
