//! Signing in and out, and the cookie of a session.

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{
    Browser, PASSWORD, create_account, credentials, post_json, register, send_with_token, sign_in,
    try_sign_in,
};
use crate::support::app::TestApp;
use crate::support::cluster::with_suffix;

const CLEARED: &str = "ostrakon_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";

on_every_engine!(registering_signs_in_until_signing_out, async || {
    let app = TestApp::start(1).await;
    let guest = app.get("/api/session").await;
    assert_eq!(guest.header("cache-control"), "no-store");
    let expected = json!({"account": null, "guest_reviews": true, "pre_moderation": false});
    assert_eq!(guest.json(), expected);

    let registered = post_json(&app, "/api/accounts", &credentials("Aspasia")).await;
    assert_eq!(registered.header("cache-control"), "no-store");
    let account = &registered.json()["account"];
    assert_eq!((&account["name"], &account["role"]), (&json!("Aspasia"), &json!("member")));
    assert_eq!(account["disabled"], false);
    let browser = Browser::from_response(&app, &registered);
    assert_eq!(browser.get("/api/session").await.json()["account"], *account);

    let signed_out = browser.delete("/api/session").await;
    assert_eq!((signed_out.status.as_u16(), signed_out.header("set-cookie")), (204, CLEARED));
    let late = browser.get("/api/session").await;
    assert_eq!(late.problem(401), "session_invalid");
    assert_eq!((late.header("set-cookie"), late.header("cache-control")), (CLEARED, "no-store"));
    assert_eq!(app.send(app.request(Method::DELETE, "/api/session")).await.status, 204);

    assert_eq!(sign_in(&app, "aSPASIA").await.name().await, "Aspasia");
    let wrong = try_sign_in(&app, "Aspasia", "another sentence").await;
    assert_eq!(
        (wrong.problem(401).as_str(), wrong.header("set-cookie")),
        ("credentials_wrong", "")
    );
});

on_every_engine!(cookies_are_out_of_reach_of_scripts_and_other_sites, async || {
    let app = TestApp::start(1).await;
    let plain = post_json(&app, "/api/accounts", &credentials("aspasia")).await;
    let (secret, flags) = plain.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000");
    // 256 bits in base64.
    assert_eq!(secret.strip_prefix("ostrakon_session=").unwrap().len(), 43);

    let app = TestApp::start_with(1, |config| {
        config.public_url = Some("https://reviews.example".parse().unwrap());
    })
    .await;
    let secure = post_json(&app, "/api/accounts", &credentials("aspasia")).await;
    let (secret, flags) = secure.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=2592000");
    assert!(secret.starts_with("__Host-ostrakon_session="));
    let browser = Browser::from_response(&app, &secure);
    assert_eq!(browser.name().await, "aspasia");
    // A cookie that a neighbour on plain HTTP could have planted is ignored.
    let planted = Browser { app: &app, cookie: browser.cookie.replace("__Host-", "") };
    assert_eq!(planted.name().await, Value::Null);
    let cleared = browser.delete("/api/session").await;
    let expected = format!("__Host-{}", CLEARED.replace("Lax;", "Lax; Secure;"));
    assert_eq!(cleared.header("set-cookie"), expected);
});

on_every_engine!(signing_in_always_begins_a_new_session, async || {
    let app = TestApp::start(1).await;
    let first = register(&app, "aspasia").await;
    let again = first.send(Method::POST, "/api/session", credentials("aspasia")).await;
    let second = Browser::from_response(&app, &again);
    assert_ne!(first.cookie, second.cookie);
    assert_eq!(first.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(second.name().await, "aspasia");

    // An attacker has planted a secret that he knows.
    let planted = Browser { app: &app, cookie: "ostrakon_session=planted".to_owned() };
    let third = planted.send(Method::POST, "/api/session", credentials("aspasia")).await;
    assert_eq!(Browser::from_response(&app, &third).name().await, "aspasia");
    assert_eq!(planted.get("/api/session").await.problem(401), "session_invalid");

    // A failed sign-in keeps the session.
    let wrong = json!({"name": "aspasia", "password": "no"});
    second.send(Method::POST, "/api/session", wrong).await.problem(401);
    assert_eq!(second.name().await, "aspasia");
});

on_every_engine!(a_token_takes_precedence_over_a_cookie, async || {
    let app = TestApp::start(1).await;
    let aspasia = register(&app, "aspasia").await;
    let pericles = register(&app, "pericles").await;
    let (secret, _) = pericles.token(json!({"name": "x"})).await;
    let both = |token: String, cookie: String| {
        app.send(
            app.request(Method::GET, "/api/session").header("cookie", cookie).bearer_auth(token),
        )
    };
    let cookie = aspasia.cookie.clone();
    assert_eq!(both(secret.clone(), cookie.clone()).await.json()["account"]["name"], "pericles");
    assert_eq!(both(secret.clone(), "ostrakon_session=x".into()).await.status, 200);
    for bad in ["ostk_x", "", "x y"] {
        assert_eq!(both(bad.into(), cookie.clone()).await.problem(401), "session_invalid");
    }
    // A session's secret is no token, and a token no session's secret.
    let session = cookie.split_once('=').unwrap().1.to_owned();
    both(session, String::new()).await.problem(401);
    let token_as_cookie = Browser { app: &app, cookie: format!("ostrakon_session={secret}") };
    token_as_cookie.get("/api/session").await.problem(401);
    // Basic authentication is for a proxy, and ignored.
    let basic = app.request(Method::GET, "/api/session").basic_auth("a", Some("b"));
    assert_eq!(app.send(basic).await.json()["account"], Value::Null);
});

on_every_engine!(sessions_expire, async || {
    let app = TestApp::start(1).await;
    let first = register(&app, "aspasia").await;
    app.sql("default", "UPDATE session SET expires_at = 1000");
    let late = first.get("/api/session").await;
    assert_eq!(
        (late.problem(401).as_str(), late.header("set-cookie")),
        ("session_invalid", CLEARED)
    );
    let second = sign_in(&app, "aspasia").await;
    assert_eq!(second.name().await, "aspasia");
});

on_every_engine!(all_refused_sign_ins_look_the_same, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "aspasia", Role::Member);
    create_account(&app, "shut", Role::Member);
    app.store().accounts().set_disabled("shut", true).unwrap();
    let mut responses = Vec::new();
    for (name, password) in [
        ("aspasia", "another sentence"),
        ("nobody", PASSWORD),
        ("shut", PASSWORD),
        ("shut", "another sentence"),
        ("", ""),
        ("asp\0asia", PASSWORD),
    ] {
        let before = app.store().accounts().passwords_hashed();
        let mut response = try_sign_in(&app, name, password).await;
        assert_eq!(response.problem(401), "credentials_wrong", "{name}");
        // The same work, so the same time.
        assert_eq!(app.store().accounts().passwords_hashed(), before + 1, "{name}");
        let mut problem = response.json();
        problem["request_id"].take();
        response.headers.remove("x-request-id");
        response.headers.remove("date");
        responses.push((problem, format!("{:?}", response.headers)));
    }
    assert!(responses.windows(2).all(|two| two[0] == two[1]), "{responses:?}");
});

#[actix_web::test]
async fn secrets_are_not_stored_as_plain_text() {
    let app = TestApp::start(1).await;
    let browser = register(&app, "aspasia").await;
    let (token, _) = browser.token(json!({"name": "findable"})).await;
    let session = browser.cookie.split_once('=').unwrap().1;
    let mut seen = Vec::new();
    for suffix in ["", "-wal"] {
        let file = with_suffix(app.file("default"), suffix);
        seen.extend(std::fs::read(file).unwrap_or_default());
    }
    let holds = |text: &str| seen.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("findable") && holds("aspasia") && holds("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert!(!holds(PASSWORD) && !holds(session) && !holds(&token) && !holds(&token[5..]));
}

on_every_engine!(the_demo_s_admin_signs_in_on_this_machine_only, async || {
    let app = TestApp::start(1).await;
    assert!(app.store().accounts().create_demo_admin().unwrap());
    assert!(!app.store().accounts().create_demo_admin().unwrap());
    let body = json!({"name": "admin", "password": "admin"});
    let request = || app.request(Method::POST, "/api/session").json(&body);
    for (header, value) in [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("host", "rebound.example"),
        ("connection", "close"),
        ("referer", "https://reviews.example/sign-in"),
    ] {
        let refused = app.send(request().header(header, value)).await;
        assert_eq!(refused.problem(401), "credentials_wrong", "{header}: {value}");
    }
    let local = Browser::from_response(&app, &app.send(request()).await);
    assert_eq!(local.get("/api/admin/accounts").await.status, 200);

    // With its own password it is an account like any other.
    let change = json!({"current_password": "admin", "new_password": PASSWORD});
    assert_eq!(local.send(Method::PUT, "/api/accounts/me/password", change).await.status, 204);
    assert_eq!(app.store().accounts().with_demo_password().unwrap(), Vec::<String>::new());
    let request = app.request(Method::POST, "/api/session").json(&credentials("admin"));
    let signed_in = app.send(request.header("x-forwarded-for", "203.0.113.7")).await;
    assert_eq!(signed_in.status, 201);
});

on_every_engine!(public_reads_ignore_credentials, async || {
    let app = TestApp::start(1).await;
    let id = app.create_review(1, Some(5)).await;
    let stale = Browser { app: &app, cookie: "ostrakon_session=stale".to_owned() };
    for path in [
        "/api/products".to_owned(),
        "/api/products/1".into(),
        "/api/products/1/rating".into(),
        "/api/products/1/reviews".into(),
        "/api/ratings?product_ids=1".into(),
        format!("/api/reviews/{id}"),
        format!("/api/reviews/{id}/location"),
    ] {
        assert_eq!(stale.get(&path).await.status, 200, "{path}");
        assert_eq!(send_with_token(&app, "stale", Method::GET, &path).await.status, 200, "{path}");
    }
    let review = json!({"body": "text"});
    let posted = stale.send(Method::POST, "/api/products/1/reviews", review).await;
    assert_eq!(
        (posted.problem(401).as_str(), posted.header("set-cookie")),
        ("session_invalid", CLEARED)
    );
});
