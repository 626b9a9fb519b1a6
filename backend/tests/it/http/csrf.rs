//! Cross-site requests change nothing.

use reqwest::Method;
use serde_json::json;

use crate::support::accounts::{credentials, register};
use crate::support::app::{TestApp, TestResponse};

/// The response to a sign-in with these headers.
async fn sign_in_with(app: &TestApp, headers: &[(&'static str, &str)]) -> TestResponse {
    let mut request = app.request(Method::POST, "/api/session").json(&credentials("aspasia"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request).await
}

on_every_engine!(changes_by_other_sites_are_refused, async || {
    let app = TestApp::start(1).await;
    let browser = register(&app, "aspasia").await;
    for (method, path) in [
        (Method::POST, "/api/products/1/reviews"),
        (Method::PUT, "/api/accounts/me/password"),
        (Method::PATCH, "/api/admin/accounts/1"),
        (Method::DELETE, "/api/session"),
        (Method::POST, "/api/no/such/path"),
    ] {
        let request = app.request(method, path).header("cookie", &browser.cookie);
        let request = request.header("origin", "https://evil.example").json(&json!({"body": "x"}));
        let refused = app.send(request).await;
        assert_eq!(refused.problem(403), "origin_mismatch", "{path}");
    }
    assert_eq!(browser.send(Method::GET, "/api/session", json!(null)).await.status, 200);
    let read = app.request(Method::GET, "/api/products").header("origin", "https://evil.example");
    let read = app.send(read).await;
    assert_eq!((read.status.as_u16(), read.header("access-control-allow-origin")), (200, ""));
});

on_every_engine!(the_requested_host_is_the_own_origin, async || {
    let app = TestApp::start(1).await;
    register(&app, "aspasia").await;
    let own = format!("http://{}", app.host());
    for (headers, status) in [
        (vec![], 201),
        (vec![("origin", own.as_str())], 201),
        (vec![("origin", &own), ("sec-fetch-site", "same-origin")], 201),
        (vec![("origin", "https://reviews.example"), ("host", "reviews.example")], 201),
        (vec![("sec-fetch-site", "same-origin")], 201),
        (vec![("sec-fetch-site", "none")], 201),
        (vec![("origin", "null")], 403),
        (vec![("origin", "http://127.0.0.1:1")], 403),
        (vec![("origin", "http://127.0.0.1")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
    ] {
        let response = sign_in_with(&app, &headers).await;
        assert_eq!(response.status, status, "{headers:?}");
        if status == 403 {
            assert_eq!(response.problem(403), "origin_mismatch");
            assert_eq!(response.header("set-cookie"), "");
        }
    }
});

on_every_engine!(a_public_url_is_the_own_origin, async || {
    let app = TestApp::start_with(1, |config| {
        config.public_url = Some("https://reviews.example".parse().unwrap());
    })
    .await;
    register(&app, "aspasia").await;
    let own = format!("http://{}", app.host());
    for (origin, status) in
        [("https://reviews.example", 201), ("http://reviews.example", 403), (&own, 403)]
    {
        assert_eq!(sign_in_with(&app, &[("origin", origin)]).await.status, status, "{origin}");
    }
    assert_eq!(sign_in_with(&app, &[]).await.status, 201);
});
