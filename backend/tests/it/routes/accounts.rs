//! Accounts: registration, names, passwords, and the credentials that their owners see.

use ostrakon_shared::{Credentials, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{
    Browser, PASSWORD, create_account, credentials, post_json, register, send_with_token, sign_in,
    try_sign_in,
};
use crate::support::app::TestApp;

on_every_engine!(a_new_password_ends_all_other_sessions, async || {
    let app = TestApp::start(1).await;
    let here = register(&app, "aspasia").await;
    let there = sign_in(&app, "aspasia").await;
    let change = |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        here.send(Method::PUT, "/api/accounts/me/password", body)
    };
    assert_eq!(change("no", "another sentence").await.problem(403), "password_wrong");
    let short = change(PASSWORD, "short").await;
    assert_eq!(short.problem(422), "validation_failed");
    assert_eq!(short.json()["errors"][0]["pointer"], "/new_password");
    assert_eq!(there.name().await, "aspasia");

    assert_eq!(change(PASSWORD, "another sentence").await.status, 204);
    assert_eq!(here.name().await, "aspasia");
    assert_eq!(there.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(try_sign_in(&app, "aspasia", PASSWORD).await.problem(401), "credentials_wrong");
    assert_eq!(try_sign_in(&app, "aspasia", "another sentence").await.status, 201);
});

on_every_engine!(sessions_are_listed_and_ended_by_their_owner_alone, async || {
    let app = TestApp::start(1).await;
    let first = register(&app, "aspasia").await;
    let request = app.request(Method::POST, "/api/session").header("user-agent", "x".repeat(300));
    let second =
        Browser::from_response(&app, &app.send(request.json(&credentials("aspasia"))).await);
    let other = register(&app, "pericles").await;

    let list = second.get("/api/accounts/me/sessions").await;
    assert_eq!(list.header("cache-control"), "no-store");
    let list = list.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!([&items[0]["current"], &items[1]["current"]], [true, false]);
    assert_eq!(
        (&items[0]["user_agent"], &items[1]["user_agent"]),
        (&json!("x".repeat(200)), &Value::Null)
    );
    let path = format!("/api/accounts/me/sessions/{}", items[1]["id"].as_str().unwrap());
    assert_eq!(other.delete(&path).await.problem(404), "credential_not_found");
    assert_eq!(first.name().await, "aspasia");
    assert_eq!(second.delete(&path).await.status, 204);
    assert_eq!(second.delete(&path).await.problem(404), "credential_not_found");
    assert_eq!(first.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(second.delete("/api/accounts/me/sessions/0").await.problem(400), "id_invalid");

    for _ in 0..55 {
        sign_in(&app, "aspasia").await;
    }
    let latest = sign_in(&app, "aspasia").await;
    let list = latest.get("/api/accounts/me/sessions").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 50, "the oldest ones have ended");
    assert_eq!(second.get("/api/session").await.problem(401), "session_invalid");
});

on_every_engine!(tokens_can_t_manage_credentials, async || {
    let app = TestApp::start(1).await;
    let owner = register(&app, "aspasia").await;
    let (secret, id) = owner.token(json!({"name": "import script", "expires_in_days": 90})).await;
    assert!(secret.starts_with("ostk_") && secret.len() == 48, "{secret}");
    let list = owner.get("/api/accounts/me/tokens").await;
    assert_eq!(list.json()["items"][0]["name"], "import script");
    assert!(!list.text.contains(&secret[5..]));

    let who = send_with_token(&app, &secret, Method::GET, "/api/session").await.json();
    assert_eq!(who["account"]["name"], "aspasia");
    for (method, path) in [
        (Method::PUT, "/api/accounts/me/password"),
        (Method::GET, "/api/accounts/me/sessions"),
        (Method::DELETE, "/api/accounts/me/sessions/1"),
        (Method::GET, "/api/accounts/me/tokens"),
        (Method::POST, "/api/accounts/me/tokens"),
        (Method::DELETE, "/api/accounts/me/tokens/1"),
    ] {
        let body = match method {
            Method::PUT => json!({"current_password": PASSWORD, "new_password": "12345678"}),
            Method::POST => json!({"name": "another"}),
            _ => json!({}),
        };
        let request = app.request(method.clone(), path).json(&body);
        let refused = app.send(request.bearer_auth(&secret)).await;
        assert_eq!(refused.problem(403), "session_required", "{path}");
        let guest = app.send(app.request(method, path).json(&body)).await;
        assert_eq!(guest.problem(401), "sign_in_required", "{path}");
    }
    let other = register(&app, "pericles").await;
    let path = format!("/api/accounts/me/tokens/{id}");
    assert_eq!(other.delete(&path).await.problem(404), "credential_not_found");
    assert_eq!(owner.delete(&path).await.status, 204);
    let revoked = send_with_token(&app, &secret, Method::GET, "/api/session").await;
    assert_eq!(revoked.problem(401), "session_invalid");
    assert_eq!(revoked.header("www-authenticate"), "Bearer");

    let (secret, _) = owner.token(json!({"name": "for a day", "expires_in_days": 1})).await;
    app.sql("default", "UPDATE api_token SET expires_at = 1000");
    let expired = send_with_token(&app, &secret, Method::GET, "/api/session").await;
    assert_eq!(expired.problem(401), "session_invalid");
    for (pointer, bad) in [
        ("/name", json!({"name": ""})),
        ("/expires_in_days", json!({"name": "x", "expires_in_days": 0})),
        ("/expires_in_days", json!({"name": "x", "expires_in_days": 367})),
        ("/expires_in_days", json!({"name": "x", "expires_in_days": 1, "never_expires": true})),
        ("/scopes", json!({"name": "x", "scopes": []})),
        ("/scopes", json!({"name": "x", "scopes": ["moderate"]})),
        ("/scopes", json!({"name": "x", "scopes": ["read", "admin"]})),
        ("/scopes/0", json!({"name": "x", "scopes": ["everything"]})),
    ] {
        let refused = owner.send(Method::POST, "/api/accounts/me/tokens", bad).await;
        assert_eq!(refused.problem(422), "validation_failed");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    for number in 1..100 {
        owner.token(json!({"name": format!("number {number}")})).await;
    }
    let too_many = owner.send(Method::POST, "/api/accounts/me/tokens", json!({"name": "x"})).await;
    assert_eq!(too_many.problem(422), "validation_failed");
});

/// How many rows a table of `default` has.
fn count(app: &TestApp, table: &str) -> i64 {
    app.cluster().query_number("default", &format!("SELECT count(*) FROM {table}"))
}

on_every_engine!(a_registration_can_t_choose_a_role, async || {
    let app = TestApp::start(1).await;
    for (field, value) in [
        ("role", json!("admin")),
        ("id", json!("1")),
        ("disabled", json!(false)),
        ("demo_password", json!(true)),
    ] {
        let mut body = credentials("mallory");
        body[field] = value;
        let refused = post_json(&app, "/api/accounts", &body).await;
        assert_eq!(refused.problem(422), "validation_failed", "{field}");
        assert_eq!(refused.json()["errors"][0]["code"], "unknown_field", "{field}");
    }
    assert_eq!(count(&app, "account"), 0);
});

on_every_engine!(names_are_stored_in_composed_form, async || {
    let app = TestApp::start(1).await;
    let jose = register(&app, "Jose\u{301}").await;
    assert_eq!(jose.name().await, "Jos\u{e9}");
    create_account(&app, "Zoe\u{308}", Role::Member);
    for (name, stored) in [
        ("Jose\u{301}", "Jos\u{e9}"),
        ("JOS\u{e9}", "Jos\u{e9}"),
        ("Zoe\u{308}", "Zo\u{eb}"),
        ("zo\u{eb}", "Zo\u{eb}"),
    ] {
        assert_eq!(sign_in(&app, name).await.name().await, stored, "{name:?}");
        let taken = post_json(&app, "/api/accounts", &credentials(name)).await;
        assert_eq!(taken.problem(409), "name_taken", "{name:?}");
    }
    // As long as a name may be, when it is composed.
    let long = "e\u{301}".repeat(40);
    assert_eq!(register(&app, &long).await.name().await, "\u{e9}".repeat(40));
    let longer = post_json(&app, "/api/accounts", &credentials(&"e\u{301}".repeat(41))).await;
    assert_eq!(longer.json()["errors"][0]["params"], json!({"limit": 40, "actual": 41}));
    // An accent that does not compose with its letter is not allowed in a name.
    post_json(&app, "/api/accounts", &credentials("qqq\u{301}")).await.problem(422);
});

on_every_engine!(names_are_taken_in_any_case, async || {
    let app = TestApp::start(1).await;
    register(&app, "Σωκράτης").await;
    for name in ["Σωκράτης", "ΣΩΚΡΆΤΗΣ", "σωκρα\u{301}της"] {
        assert_eq!(create_error(&app, name), "this name is taken", "{name}");
    }
    let taken = post_json(&app, "/api/accounts", &credentials("σωκράτησ")).await;
    assert_eq!((taken.problem(409).as_str(), taken.header("set-cookie")), ("name_taken", ""));
    register(&app, "Σωκρατης").await;
    for (name, password, pointer) in
        [("a b", PASSWORD, "/name"), ("ab", PASSWORD, "/name"), ("abc", "1234567", "/password")]
    {
        let body = json!({"name": name, "password": password});
        let refused = post_json(&app, "/api/accounts", &body).await;
        assert_eq!(refused.problem(422), "validation_failed");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
});

fn create_error(app: &TestApp, name: &str) -> String {
    let credentials = Credentials { name: name.to_owned(), password: PASSWORD.to_owned() };
    app.store().accounts().create(&credentials, Role::Member).unwrap_err().to_string()
}
