//! The document describes every header of every response.

use std::collections::BTreeSet;

use ostrakon::http::RateLimits;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{PROOF, REVIEWS, resolved};
use crate::support::accounts::register;
use crate::support::app::{TestAccount, TestApp, TestResponse};

/// Headers of every response: of HTTP, caches and browsers' security. The document's
/// introduction describes the position that responses to writes carry, and its cookie.
const OF_EVERY_ANSWER: [&str; 13] = [
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "ostrakon-position",
    "referrer-policy",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
    "x-request-id",
];

/// The operation for requests of this method to this path, and its route.
fn operation_at<'a>(document: &'a Value, method: &Method, path: &str) -> (String, &'a Value) {
    let path = path.split('?').next().unwrap();
    let is_route = |route: &str| {
        let (route, path): (Vec<_>, Vec<_>) =
            (route.split('/').collect(), path.split('/').collect());
        let fits = |(part, found): (&&str, &&str)| part.starts_with('{') || part == found;
        route.len() == path.len() && route.iter().zip(&path).all(fits)
    };
    let method = method.as_str().to_lowercase();
    let mut routes: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(route, _)| is_route(route))
        .collect();
    // `me` is no id.
    routes.sort_by_key(|(route, _)| route.matches('{').count());
    let (route, item) = routes.first().unwrap_or_else(|| panic!("{path} is not documented"));
    (format!("{method} {route}"), &item[&method])
}

/// Headers of a response that the document does not describe, with the status.
fn undescribed(
    document: &Value,
    method: &Method,
    path: &str,
    answer: &TestResponse,
) -> Vec<String> {
    let (route, operation) = operation_at(document, method, path);
    let status = answer.status.as_str();
    let Some(response) = operation["responses"].get(status) else {
        return vec![format!("{route} {status}: not documented")];
    };
    let described = resolved(document, response)["headers"].as_object();
    let is_described = |header: &str| {
        OF_EVERY_ANSWER.contains(&header)
            || described.is_some_and(|them| them.keys().any(|it| it.eq_ignore_ascii_case(header)))
    };
    let is_of_position = |value: &[u8]| value.starts_with(b"ostrakon_position=");
    let sent = answer.headers.iter().filter(|(_, value)| !is_of_position(value.as_bytes()));
    let sent = sent.map(|(header, _)| header.as_str());
    sent.filter(|header| !is_described(header))
        .map(|it| format!("{route} {status}: {it}"))
        .collect()
}

on_every_engine!(headers_of_responses_are_described, async || {
    let app = TestApp::start_with(1, |config| {
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
        config.rate_limits = RateLimits {
            sign_ins_per_minute: 6,
            registrations_per_hour: 6,
            reviews_per_minute: 60,
        };
    })
    .await;
    let document = app.get_json("/api/openapi.json").await;
    let admin = app.create_account("admin", Role::Admin).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let other = app.create_account("pericles", Role::Member).await;
    let bearer = |account: &TestAccount| format!("Bearer {}", account.token);
    let (by_admin, by_author, by_other) = (bearer(&admin), bearer(&author), bearer(&other));
    let member = register(&app, "xenophon").await;
    let review =
        app.send_json(Some(&author), Method::POST, REVIEWS, &json!({"body": "x"})).await.json();
    app.create_review(1, Some(4)).await;
    let review = format!("/api/reviews/{}", review["id"].as_str().unwrap());
    let json_type = ("content-type", "application/json");
    let text_type = ("content-type", "text/plain");
    let gone = ("cookie", "ostrakon_session=gone");
    let session = ("cookie", &*member.cookie);
    let [by_admin, by_author, by_other] =
        [&by_admin, &by_author, &by_other].map(|bearer| ("authorization", bearer.as_str()));
    let bad_token = ("authorization", "Bearer ostk_gone");
    let any = ("if-match", "*");
    let long = json!({"body": "x".repeat(200_000)}).to_string();
    let mut seen = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for (method, path, headers, body, status) in [
        (Method::GET, "/api/products?limit=1", vec![], "", 200),
        (Method::GET, "/api/products?limit=0", vec![], "", 400),
        (Method::GET, "/api/products/1", vec![], "", 200),
        (Method::GET, "/api/products/99", vec![], "", 404),
        (Method::GET, "/api/products/1/rating", vec![], "", 200),
        (Method::GET, "/api/ratings?product_ids=1", vec![], "", 200),
        (Method::GET, "/api/products/1/reviews?limit=1", vec![], "", 200),
        (Method::GET, &review, vec![], "", 200),
        (Method::GET, &review, vec![("if-none-match", "*")], "", 304),
        (Method::POST, REVIEWS, vec![json_type, ("idempotency-key", "k")], r#"{"body": "y"}"#, 201),
        (Method::POST, REVIEWS, vec![json_type, ("idempotency-key", "k")], r#"{"body": "y"}"#, 201),
        (Method::POST, REVIEWS, vec![json_type, ("idempotency-key", "k")], r#"{"body": "z"}"#, 422),
        (Method::POST, REVIEWS, vec![json_type], "{", 400),
        (Method::POST, REVIEWS, vec![json_type], "{}", 422),
        (Method::POST, REVIEWS, vec![json_type], &long, 413),
        (Method::POST, REVIEWS, vec![text_type], "{}", 415),
        (Method::POST, REVIEWS, vec![json_type, ("content-encoding", "br")], "{}", 415),
        (Method::POST, REVIEWS, vec![json_type, by_author], r#"{"body": "y"}"#, 409),
        (Method::POST, REVIEWS, vec![json_type, bad_token], r#"{"body": "y"}"#, 401),
        (Method::POST, REVIEWS, vec![json_type, gone], r#"{"body": "y"}"#, 401),
        (Method::POST, REVIEWS, vec![json_type, ("origin", "http://evil.example")], "{}", 403),
        (Method::POST, "/api/products/99/reviews", vec![json_type], r#"{"body": "y"}"#, 404),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], r#"{"reason": "spam"}"#, 204),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], r#"{"reason": "spam"}"#, 409),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], "{", 400),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], "{}", 422),
        (Method::POST, "/api/reviews/{id}/reports", vec![json_type], &long, 413),
        (Method::POST, "/api/reviews/{id}/reports", vec![text_type], "{}", 415),
        (Method::PATCH, &review, vec![json_type, any, by_author], r#"{"rating": 4}"#, 200),
        (Method::PATCH, &review, vec![json_type, any, by_author], "{", 400),
        (Method::PATCH, &review, vec![json_type, ("if-match", "1"), by_author], "{}", 400),
        (Method::PATCH, &review, vec![json_type, ("if-match", "\"9\""), by_author], "{}", 412),
        (Method::PATCH, &review, vec![json_type, by_author], "{}", 428),
        (Method::PATCH, &review, vec![text_type, any, by_author], "{}", 415),
        (
            Method::PATCH,
            &review,
            vec![json_type, ("content-encoding", "br"), any, by_author],
            "{}",
            415,
        ),
        (Method::PATCH, &review, vec![json_type, any, by_other], "{}", 403),
        (Method::PATCH, &review, vec![json_type, any], "{}", 401),
        (Method::DELETE, &review, vec![("if-match", "1"), by_author], "", 400),
        (Method::GET, "/api/accounts/me/reviews", vec![by_author], "", 200),
        (Method::GET, "/api/session", vec![session], "", 200),
        (Method::GET, "/api/session", vec![gone], "", 401),
        (Method::GET, "/api/session", vec![bad_token], "", 401),
        (
            Method::POST,
            "/api/session",
            vec![json_type],
            r#"{"name": "xenophon", "password": "a long sentence"}"#,
            201,
        ),
        (
            Method::POST,
            "/api/session",
            vec![json_type],
            r#"{"name": "xenophon", "password": "x"}"#,
            401,
        ),
        (Method::POST, "/api/session", vec![json_type], "{", 400),
        (Method::POST, "/api/session", vec![json_type], &long, 413),
        (Method::POST, "/api/session", vec![text_type], "{}", 415),
        (Method::POST, "/api/session", vec![json_type], "{}", 422),
        (Method::POST, PROOF, vec![json_type, session], r#"{"password": "a long sentence"}"#, 204),
        (Method::POST, PROOF, vec![json_type, session], r#"{"password": "x"}"#, 403),
        (Method::POST, PROOF, vec![json_type, gone], r#"{"password": "x"}"#, 401),
        (Method::POST, PROOF, vec![json_type, by_author], r#"{"password": "x"}"#, 403),
        (
            Method::PUT,
            "/api/accounts/me/password",
            vec![json_type, session],
            r#"{"current_password": "x", "new_password": "another sentence"}"#,
            403,
        ),
        (
            Method::PUT,
            "/api/accounts/me/password",
            vec![json_type, session],
            r#"{"current_password": "x", "new_password": "x"}"#,
            422,
        ),
        (
            Method::POST,
            "/api/accounts",
            vec![json_type],
            r#"{"name": "xenophon", "password": "a long sentence"}"#,
            409,
        ),
        (
            Method::POST,
            "/api/accounts",
            vec![json_type],
            r#"{"name": "sappho", "password": "a long sentence"}"#,
            201,
        ),
        (Method::POST, "/api/accounts", vec![json_type], r#"{"name": "x", "password": "x"}"#, 422),
        (Method::GET, "/api/accounts/me/sessions", vec![session], "", 200),
        (Method::GET, "/api/accounts/me/tokens", vec![by_author], "", 403),
        (
            Method::POST,
            "/api/accounts/me/tokens",
            vec![json_type, session],
            r#"{"name": "x"}"#,
            201,
        ),
        (Method::DELETE, "/api/accounts/me/tokens/99", vec![session], "", 404),
        (Method::GET, "/api/moderation/queue?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/moderation/queue", vec![by_author], "", 403),
        (Method::GET, "/api/admin/overview", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/reviews?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/accounts?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/accounts/1", vec![by_admin], "", 200),
        (Method::PATCH, "/api/admin/accounts/1", vec![json_type, by_admin], "{}", 403),
        (Method::GET, "/api/admin/audit?limit=1", vec![by_admin], "", 200),
        (Method::GET, "/api/admin/products?limit=1", vec![by_admin], "", 200),
        (
            Method::POST,
            "/api/admin/products",
            vec![json_type, by_admin],
            r#"{"name": "Krater", "sku": "K"}"#,
            201,
        ),
        (
            Method::POST,
            "/api/admin/products",
            vec![json_type, by_admin],
            r#"{"name": "Krater", "sku": "K"}"#,
            409,
        ),
        (Method::POST, "/api/admin/products", vec![text_type, by_admin], "{}", 415),
        (Method::GET, "/api/admin/products/1", vec![by_admin], "", 200),
        (
            Method::PATCH,
            "/api/admin/products/1",
            vec![json_type, any, by_admin],
            r#"{"name": "Krater"}"#,
            200,
        ),
        (Method::PATCH, "/api/admin/products/1", vec![text_type, any, by_admin], "{}", 415),
        (Method::PATCH, "/api/admin/products/1", vec![json_type, by_admin], "{}", 428),
        (Method::GET, "/api/databases", vec![by_admin], "", 200),
        (Method::POST, "/api/databases/reviews-1/verification", vec![by_admin], "", 202),
        (Method::GET, "/healthz", vec![], "", 200),
        (Method::GET, "/readyz", vec![], "", 200),
        (Method::DELETE, "/api/session", vec![gone], "", 204),
        (Method::DELETE, &review, vec![by_author], "", 204),
    ] {
        let id = review.rsplit('/').next().unwrap();
        let path = path.replace("{id}", id);
        let request = app.request(method.clone(), &path).body(body.to_owned());
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = app.send(request).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        seen.extend(answer.headers.keys().map(|name| name.as_str().to_owned()));
        if status != 304 {
            missing.extend(undescribed(&document, &method, &path, &answer));
        }
    }
    // Last, the requests that use up a limit.
    let mut status = 0;
    while status != 429 {
        let proof = member.send(Method::POST, PROOF, json!({"password": "x"})).await;
        missing.extend(undescribed(&document, &Method::POST, PROOF, &proof));
        seen.extend(proof.headers.keys().map(|name| name.as_str().to_owned()));
        status = proof.status.as_u16();
    }
    assert_eq!(missing, BTreeSet::new());
    for header in [
        "accept-encoding",
        "accept-patch",
        "etag",
        "idempotency-replayed",
        "link",
        "location",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "set-cookie",
        "www-authenticate",
    ] {
        assert!(seen.contains(header), "{header} is in no response");
    }
});
