//! Accounts: who signs in, with what, and who may do what.

use std::sync::{Arc, Barrier};

use ostrakon::store::{Source, Store, StoreError};
use ostrakon_shared::{AccountEdit, Credentials, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{
    Browser, PASSWORD, browser, create, credentials, post, register, sign_in, try_sign_in,
    with_token,
};
use crate::support::app::{TestApp, ids};
use crate::support::place::with_suffix;

const CLEARED: &str = "ostrakon_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";

on_every_engine!(registering_signs_in_until_signing_out, async || {
    let app = TestApp::start(1).await;
    let guest = app.get("/api/session").await;
    assert_eq!(guest.header("cache-control"), "no-store");
    let expected = json!({"account": null, "guest_reviews": true, "pre_moderation": false});
    assert_eq!(guest.json(), expected);

    let registered = post(&app, "/api/accounts", &credentials("Aspasia")).await;
    assert_eq!(registered.header("cache-control"), "no-store");
    let account = &registered.json()["account"];
    assert_eq!((&account["name"], &account["role"]), (&json!("Aspasia"), &json!("member")));
    assert_eq!(account["disabled"], false);
    let browser = browser(&app, &registered);
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
    let plain = post(&app, "/api/accounts", &credentials("aspasia")).await;
    let (secret, flags) = plain.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000");
    // 256 bits in base64.
    assert_eq!(secret.strip_prefix("ostrakon_session=").unwrap().len(), 43);

    let app = TestApp::start_with(1, |config| {
        config.public_url = Some("https://reviews.example".parse().unwrap());
    })
    .await;
    let secure = post(&app, "/api/accounts", &credentials("aspasia")).await;
    let (secret, flags) = secure.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=2592000");
    assert!(secret.starts_with("__Host-ostrakon_session="));
    let browser = browser(&app, &secure);
    assert_eq!(browser.name().await, "aspasia");
    // What a neighbour on plain HTTP could have planted is not even looked at.
    let planted = Browser { app: &app, cookie: browser.cookie.replace("__Host-", "") };
    assert_eq!(planted.name().await, Value::Null);
    let cleared = browser.delete("/api/session").await;
    let expected = format!("__Host-{}", CLEARED.replace("Lax;", "Lax; Secure;"));
    assert_eq!(cleared.header("set-cookie"), expected);
});

on_every_engine!(signing_in_always_begins_a_new_session, async || {
    let app = TestApp::start(1).await;
    let first = register(&app, "aspasia").await;
    let again = first.ask(Method::POST, "/api/session", credentials("aspasia")).await;
    let second = browser(&app, &again);
    assert_ne!(first.cookie, second.cookie);
    assert_eq!(first.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(second.name().await, "aspasia");

    // Somebody has planted a secret that he knows.
    let planted = Browser { app: &app, cookie: "ostrakon_session=planted".to_owned() };
    let third = planted.ask(Method::POST, "/api/session", credentials("aspasia")).await;
    assert_eq!(browser(&app, &third).name().await, "aspasia");
    assert_eq!(planted.get("/api/session").await.problem(401), "session_invalid");

    // Who fails to sign in stays who he was.
    let wrong = json!({"name": "aspasia", "password": "no"});
    second.ask(Method::POST, "/api/session", wrong).await.problem(401);
    assert_eq!(second.name().await, "aspasia");
});

on_every_engine!(a_new_password_ends_all_other_sessions, async || {
    let app = TestApp::start(1).await;
    let here = register(&app, "aspasia").await;
    let there = sign_in(&app, "aspasia").await;
    let change = |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new});
        here.ask(Method::PUT, "/api/accounts/me/password", body)
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
    let second = browser(&app, &app.send(request.json(&credentials("aspasia"))).await);
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

on_every_engine!(tokens_may_do_what_needs_no_password, async || {
    let app = TestApp::start(1).await;
    let owner = register(&app, "aspasia").await;
    let (secret, id) = owner.token(json!({"name": "import script", "expires_in_days": 90})).await;
    assert!(secret.starts_with("ostk_") && secret.len() == 48, "{secret}");
    let list = owner.get("/api/accounts/me/tokens").await;
    assert_eq!(list.json()["items"][0]["name"], "import script");
    assert!(!list.text.contains(&secret[5..]));

    let who = with_token(&app, &secret, Method::GET, "/api/session").await.json();
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
    let revoked = with_token(&app, &secret, Method::GET, "/api/session").await;
    assert_eq!(revoked.problem(401), "session_invalid");
    assert_eq!(revoked.header("www-authenticate"), "Bearer");

    let (secret, _) = owner.token(json!({"name": "for a day", "expires_in_days": 1})).await;
    app.sql("default", "UPDATE api_token SET expires_at = 1000");
    let expired = with_token(&app, &secret, Method::GET, "/api/session").await;
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
        let refused = owner.ask(Method::POST, "/api/accounts/me/tokens", bad).await;
        assert_eq!(refused.problem(422), "validation_failed");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    for number in 1..100 {
        owner.token(json!({"name": format!("number {number}")})).await;
    }
    let too_many = owner.ask(Method::POST, "/api/accounts/me/tokens", json!({"name": "x"})).await;
    assert_eq!(too_many.problem(422), "validation_failed");
});

on_every_engine!(a_token_counts_more_than_a_cookie, async || {
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
    // What a proxy asks for is none of ours.
    let basic = app.request(Method::GET, "/api/session").basic_auth("a", Some("b"));
    assert_eq!(app.send(basic).await.json()["account"], Value::Null);
});

on_every_engine!(sessions_end_by_themselves, async || {
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

/// How many rows a table of `default` has.
fn count(app: &TestApp, table: &str) -> i64 {
    app.place().number("default", &format!("SELECT count(*) FROM {table}"))
}

on_every_engine!(a_registration_chooses_no_role, async || {
    let app = TestApp::start(1).await;
    for (field, value) in [
        ("role", json!("admin")),
        ("id", json!("1")),
        ("disabled", json!(false)),
        ("demo_password", json!(true)),
    ] {
        let mut body = credentials("mallory");
        body[field] = value;
        let refused = post(&app, "/api/accounts", &body).await;
        assert_eq!(refused.problem(422), "validation_failed", "{field}");
        assert_eq!(refused.json()["errors"][0]["code"], "unknown_field", "{field}");
    }
    assert_eq!(count(&app, "account"), 0);
});

on_every_engine!(names_are_composed_however_they_were_typed, async || {
    let app = TestApp::start(1).await;
    let jose = register(&app, "Jose\u{301}").await;
    assert_eq!(jose.name().await, "Jos\u{e9}");
    create(&app, "Zoe\u{308}", Role::Member);
    for (name, stored) in [
        ("Jose\u{301}", "Jos\u{e9}"),
        ("JOS\u{e9}", "Jos\u{e9}"),
        ("Zoe\u{308}", "Zo\u{eb}"),
        ("zo\u{eb}", "Zo\u{eb}"),
    ] {
        assert_eq!(sign_in(&app, name).await.name().await, stored, "{name:?}");
        let taken = post(&app, "/api/accounts", &credentials(name)).await;
        assert_eq!(taken.problem(409), "name_taken", "{name:?}");
    }
    // As long as a name may be, when it is composed.
    let long = "e\u{301}".repeat(40);
    assert_eq!(register(&app, &long).await.name().await, "\u{e9}".repeat(40));
    let longer = post(&app, "/api/accounts", &credentials(&"e\u{301}".repeat(41))).await;
    assert_eq!(longer.json()["errors"][0]["params"], json!({"limit": 40, "actual": 41}));
    // An accent that does not compose with its letter is not allowed in a name.
    post(&app, "/api/accounts", &credentials("qqq\u{301}")).await.problem(422);
});

on_every_engine!(names_are_taken_in_any_case, async || {
    let app = TestApp::start(1).await;
    register(&app, "Σωκράτης").await;
    for name in ["Σωκράτης", "ΣΩΚΡΆΤΗΣ", "σωκρα\u{301}της"] {
        assert_eq!(create_error(&app, name), "this name is taken", "{name}");
    }
    let taken = post(&app, "/api/accounts", &credentials("σωκράτησ")).await;
    assert_eq!((taken.problem(409).as_str(), taken.header("set-cookie")), ("name_taken", ""));
    register(&app, "Σωκρατης").await;
    for (name, password, pointer) in
        [("a b", PASSWORD, "/name"), ("ab", PASSWORD, "/name"), ("abc", "1234567", "/password")]
    {
        let body = json!({"name": name, "password": password});
        let refused = post(&app, "/api/accounts", &body).await;
        assert_eq!(refused.problem(422), "validation_failed");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
});

fn create_error(app: &TestApp, name: &str) -> String {
    let credentials = Credentials { name: name.to_owned(), password: PASSWORD.to_owned() };
    app.store().accounts().create(&credentials, Role::Member).unwrap_err().to_string()
}

on_every_engine!(why_nobody_may_sign_in_is_told_nobody, async || {
    let app = TestApp::start(1).await;
    create(&app, "aspasia", Role::Member);
    create(&app, "shut", Role::Member);
    app.store().accounts().set_disabled("shut", true).unwrap();
    let mut answers = Vec::new();
    for (name, password) in [
        ("aspasia", "another sentence"),
        ("nobody", PASSWORD),
        ("shut", PASSWORD),
        ("shut", "another sentence"),
        ("", ""),
        ("asp\0asia", PASSWORD),
    ] {
        let before = app.store().accounts().passwords_hashed();
        let mut answer = try_sign_in(&app, name, password).await;
        assert_eq!(answer.problem(401), "credentials_wrong", "{name}");
        // The same work, so the same time.
        assert_eq!(app.store().accounts().passwords_hashed(), before + 1, "{name}");
        let mut problem = answer.json();
        problem["request_id"].take();
        answer.headers.remove("x-request-id");
        answer.headers.remove("date");
        answers.push((problem, format!("{:?}", answer.headers)));
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
});

on_every_engine!(a_disabled_account_can_do_nothing, async || {
    let app = TestApp::start(1).await;
    create(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let member = register(&app, "aspasia").await;
    let (secret, _) = member.token(json!({"name": "x"})).await;
    let id = member.get("/api/session").await.json()["account"]["id"].clone();
    let path = format!("/api/admin/accounts/{}", id.as_str().unwrap());

    let edited = admin.ask(Method::PATCH, &path, json!({"disabled": true})).await;
    assert_eq!((edited.status.as_u16(), &edited.json()["disabled"]), (200, &json!(true)));
    assert_eq!(member.get("/api/session").await.problem(401), "session_invalid");
    with_token(&app, &secret, Method::GET, "/api/session").await.problem(401);
    try_sign_in(&app, "aspasia", PASSWORD).await.problem(401);

    admin.ask(Method::PATCH, &path, json!({"disabled": false})).await;
    assert_eq!(member.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(with_token(&app, &secret, Method::GET, "/api/session").await.status, 200);
    assert_eq!(try_sign_in(&app, "aspasia", PASSWORD).await.status, 201);
});

on_every_engine!(roles_are_asked_for_at_each_request, async || {
    let app = TestApp::start(1).await;
    create(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let member = register(&app, "aspasia").await;
    let id = member.get("/api/session").await.json()["account"]["id"].clone();
    let path = format!("/api/admin/accounts/{}", id.as_str().unwrap());
    let promote = json!({"role": "moderator"});

    let guest = app.send(app.request(Method::PATCH, &path).json(&promote)).await;
    assert_eq!(guest.problem(401), "sign_in_required");
    assert_eq!(app.get("/api/admin/accounts").await.problem(401), "sign_in_required");
    let own = member.ask(Method::PATCH, &path, json!({"role": "admin"})).await;
    assert_eq!(own.problem(403), "not_allowed");
    assert_eq!(member.get("/api/moderation/queue").await.problem(403), "not_allowed");

    let promoted = admin.ask(Method::PATCH, &path, promote).await;
    assert_eq!(promoted.json()["role"], "moderator");
    assert_eq!(promoted.header("cache-control"), "no-store");
    assert_eq!(member.get("/api/moderation/queue").await.status, 200);
    assert_eq!(member.get("/api/admin/accounts").await.problem(403), "not_allowed");
    admin.ask(Method::PATCH, &path, json!({"role": "member"})).await;
    assert_eq!(member.get("/api/moderation/queue").await.problem(403), "not_allowed");

    for (path, body, status, code) in [
        ("/api/admin/accounts/99", json!({}), 404, "account_not_found"),
        ("/api/admin/accounts/x", json!({}), 400, "id_invalid"),
        (&path, json!({"role": "king"}), 422, "validation_failed"),
        (&path, json!({"name": "pericles"}), 422, "validation_failed"),
        (&path, json!({"demo_password": true}), 422, "validation_failed"),
    ] {
        let refused = admin.ask(Method::PATCH, path, body).await;
        assert_eq!(refused.problem(status), code);
    }
    assert_eq!(admin.ask(Method::PATCH, &path, json!({})).await.json()["role"], "member");
});

on_every_engine!(accounts_are_listed_and_searched_in_pages, async || {
    let app = TestApp::start(1).await;
    for name in ["Admin", "Aspasia", "a_b", "Pericles", "axb"] {
        create(&app, name, if name == "Admin" { Role::Admin } else { Role::Member });
    }
    let token = json!({"name": "x", "scopes": ["admin"]});
    let (secret, _) = sign_in(&app, "admin").await.token(token).await;
    let get = async |query: &str| {
        with_token(&app, &secret, Method::GET, &format!("/api/admin/accounts{query}")).await
    };
    let first = get("?limit=2").await;
    assert_eq!(ids(first.json()["items"].as_array().unwrap()), ["1", "2"]);
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(first.header("link").contains(&cursor));
    let rest = get(&format!("?limit=3&cursor={cursor}")).await.json();
    assert_eq!(
        (ids(rest["items"].as_array().unwrap()), &rest["next_cursor"]),
        (vec!["3".to_owned(), "4".into(), "5".into()], &Value::Null)
    );
    for (search, expected) in
        [("ASP", vec!["2"]), ("a_b", vec!["3"]), ("%25", vec![]), ("c", vec!["4"])]
    {
        let found = get(&format!("?search={search}")).await.json();
        assert_eq!(ids(found["items"].as_array().unwrap()), expected, "{search}");
    }
    let mismatch = get(&format!("?search=a&cursor={cursor}")).await;
    assert_eq!(mismatch.problem(400), "cursor_mismatch");
    assert_eq!(get("?limit=0").await.problem(400), "parameter_invalid");
    let long = get(&format!("?search={}", "x".repeat(101))).await;
    assert_eq!(long.problem(400), "parameter_invalid");
});

on_every_engine!(an_admin_is_always_left, async || {
    let app = TestApp::start(1).await;
    let only = create(&app, "admin", Role::Admin);
    let shut = create(&app, "shut", Role::Admin);
    app.store().accounts().set_disabled("shut", true).unwrap();
    let admin = sign_in(&app, "admin").await;
    for edit in [json!({"role": "member"}), json!({"disabled": true})] {
        let refused =
            admin.ask(Method::PATCH, &format!("/api/admin/accounts/{}", only.id), edit).await;
        assert_eq!(refused.problem(409), "last_admin");
    }
    let edit = json!({"role": "member"});
    let path = format!("/api/admin/accounts/{}", shut.id);
    assert_eq!(admin.ask(Method::PATCH, &path, edit).await.status, 200);
    assert_eq!(admin.name().await, "admin");
});

on_every_engine!(the_demo_s_admin_is_no_other_admin, async || {
    let app = TestApp::start(1).await;
    app.store().accounts().create_demo_admin().unwrap();
    let only = create(&app, "aspasia", Role::Admin);
    let admin = sign_in(&app, "aspasia").await;
    let path = |id: i64| format!("/api/admin/accounts/{id}");
    for edit in [json!({"role": "member"}), json!({"disabled": true})] {
        let refused = admin.ask(Method::PATCH, &path(only.id.get()), edit).await;
        assert_eq!(refused.problem(409), "last_admin");
    }
    // The demo's own account goes, as soon as there is an admin.
    let shut = admin.ask(Method::PATCH, &path(1), json!({"disabled": true})).await;
    assert_eq!((shut.status.as_u16(), &shut.json()["disabled"]), (200, &json!(true)));
});

on_every_engine!(two_admins_who_demote_each_other_leave_one, async || {
    let app = TestApp::start(1).await;
    let admins = ["one", "other"].map(|name| create(&app, name, Role::Admin));
    let demote = AccountEdit { role: Some(Role::Member), disabled: None };
    let promote = AccountEdit { role: Some(Role::Admin), disabled: None };
    let store: Arc<&Store> = Arc::new(app.store());
    for _ in 0..20 {
        let barrier = Barrier::new(2);
        let outcomes = std::thread::scope(|scope| {
            let demotions = admins.each_ref().map(|admin| {
                scope.spawn(|| {
                    barrier.wait();
                    store.accounts().edit(&Source::operator(), admin.id, &demote)
                })
            });
            demotions.map(|demotion| demotion.join().unwrap())
        });
        let refused = outcomes.iter().filter(|o| matches!(o, Err(StoreError::LastAdmin))).count();
        assert_eq!(refused, 1, "{outcomes:?}");
        for admin in &admins {
            store.accounts().edit(&Source::operator(), admin.id, &promote).unwrap();
        }
    }
});

#[actix_web::test]
async fn secrets_are_nowhere_in_the_files() {
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
    let local = browser(&app, &app.send(request()).await);
    assert_eq!(local.get("/api/admin/accounts").await.status, 200);

    // With a password of its own it is an account like all others.
    let change = json!({"current_password": "admin", "new_password": PASSWORD});
    assert_eq!(local.ask(Method::PUT, "/api/accounts/me/password", change).await.status, 204);
    assert_eq!(app.store().accounts().with_demo_password().unwrap(), Vec::<String>::new());
    let request = app.request(Method::POST, "/api/session").json(&credentials("admin"));
    let signed_in = app.send(request.header("x-forwarded-for", "203.0.113.7")).await;
    assert_eq!(signed_in.status, 201);
});

on_every_engine!(public_reads_never_look_at_credentials, async || {
    let app = TestApp::start(1).await;
    let id = app.review(1, Some(5)).await;
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
        assert_eq!(with_token(&app, "stale", Method::GET, &path).await.status, 200, "{path}");
    }
    let review = json!({"body": "text"});
    let posted = stale.ask(Method::POST, "/api/products/1/reviews", review).await;
    assert_eq!(
        (posted.problem(401).as_str(), posted.header("set-cookie")),
        ("session_invalid", CLEARED)
    );
});
