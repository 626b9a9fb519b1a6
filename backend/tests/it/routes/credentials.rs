//! Sessions, API tokens and passwords: what they permit, when they expire, and who ends them.

use jiff::{SignedDuration, Timestamp};
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{
    Browser, PASSWORD, create_account, credentials, register, send_with_token, sign_in, try_sign_in,
};
use crate::support::app::{TestApp, TestResponse};
use crate::support::wait::wait_until;

const NEW_PASSWORD: &str = "another sentence";
const TOKENS: &str = "/api/accounts/me/tokens";
const SESSIONS: &str = "/api/accounts/me/sessions";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The status of a request for the session by a token.
async fn who(app: &TestApp, token: &str) -> u16 {
    send_with_token(app, token, Method::GET, "/api/session").await.status.as_u16()
}

async fn change_password(
    browser: &Browser<'_>,
    current: &str,
    new: &str,
    revoke: bool,
) -> TestResponse {
    let change = json!({"current_password": current, "new_password": new, "revoke_tokens": revoke});
    browser.send(Method::PUT, "/api/accounts/me/password", change).await
}

/// The id of the account that is signed in.
async fn id(browser: &Browser<'_>) -> String {
    let session = browser.get("/api/session").await.json();
    session["account"]["id"].as_str().unwrap().to_owned()
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The items of a list that this browser sees.
async fn items(browser: &Browser<'_>, path: &str) -> Vec<Value> {
    let list = browser.get(path).await;
    assert_eq!(list.status, 200, "{list:?}");
    assert_eq!(list.header("cache-control"), "no-store");
    list.json()["items"].as_array().unwrap().clone()
}

/// The only item of a list, once it was used: that is written down off the path of the request.
async fn used_item(browser: &Browser<'_>, path: &str, was: &Value) -> Value {
    let item = || async { items(browser, path).await.remove(0) };
    wait_until(item, |item| item["last_used_at"] != *was).await
}

on_every_engine!(a_token_may_do_what_its_scopes_say, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let post = async |token: &str| {
        let request = app.request(Method::POST, "/api/products/1/reviews");
        app.send(request.bearer_auth(token).json(&json!({"body": "mine"}))).await
    };
    let (plain, _) = admin.token(json!({"name": "plain"})).await;
    let (read, _) = admin.token(json!({"name": "read", "scopes": ["read", "read"]})).await;
    let (all, _) =
        admin.token(json!({"name": "all", "scopes": ["admin", "moderate", "write", "read"]})).await;
    let scopes: Vec<Value> =
        items(&admin, TOKENS).await.iter().map(|token| token["scopes"].clone()).collect();
    let expected =
        [json!(["read", "write", "moderate", "admin"]), json!(["read"]), json!(["read", "write"])];
    assert_eq!(scopes, expected);

    let refused = post(&read).await;
    assert_eq!(refused.problem(403), "insufficient_scope");
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    assert_eq!(refused.header("www-authenticate"), challenge);
    assert_eq!(post(&plain).await.status, 201);
    for (path, scope) in [
        ("/api/accounts/me/reviews", "read"),
        ("/api/moderation/queue", "moderate"),
        ("/api/admin/accounts", "admin"),
        ("/api/databases", "admin"),
    ] {
        for (token, scopes) in [(&plain, "read write"), (&read, "read")] {
            let response = send_with_token(&app, token, Method::GET, path).await;
            if scopes.contains(scope) {
                assert_eq!(response.status, 200, "{path} with {scopes}");
            } else {
                assert_eq!(response.problem(403), "insufficient_scope", "{path} with {scopes}");
            }
        }
        assert_eq!(send_with_token(&app, &all, Method::GET, path).await.status, 200, "{path}");
    }
});

on_every_engine!(an_admin_s_token_can_t_make_admins, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "admin", Role::Admin);
    let member = register(&app, "mallory").await;
    let all = json!({"name": "all", "scopes": ["read", "write", "moderate", "admin"]});
    let (token, _) = sign_in(&app, "admin").await.token(all).await;
    let account = format!("/api/admin/accounts/{}", id(&member).await);
    for (method, path, body) in [
        (Method::PATCH, account.clone(), json!({"role": "admin"})),
        (Method::GET, format!("{account}/sessions"), json!({})),
        (Method::DELETE, format!("{account}/sessions/1"), json!({})),
        (Method::GET, format!("{account}/tokens"), json!({})),
        (Method::DELETE, format!("{account}/tokens/1"), json!({})),
        (Method::DELETE, format!("{account}/credentials"), json!({})),
        (Method::POST, "/api/session/proof".to_owned(), json!({"password": PASSWORD})),
        (Method::POST, TOKENS.to_owned(), json!({"name": "another"})),
    ] {
        let request = app.request(method, &path).bearer_auth(&token);
        let refused = app.send(request.json(&body)).await;
        assert_eq!(refused.problem(403), "session_required", "{path}");
    }
    assert_eq!(member.get("/api/session").await.json()["account"]["role"], "member");
});

on_every_engine!(tokens_expire_unless_never_is_asked_for, async || {
    let app = TestApp::start(1).await;
    let owner = register(&app, "aspasia").await;
    let (plain, _) = owner.token(json!({"name": "plain"})).await;
    owner.token(json!({"name": "null", "expires_in_days": null})).await;
    owner.token(json!({"name": "a year", "expires_in_days": 365})).await;
    owner.token(json!({"name": "for ever", "never_expires": true})).await;
    let days: Vec<Option<i64>> = items(&owner, TOKENS)
        .await
        .iter()
        .map(|token| {
            let end = Some(&token["expires_at"]).filter(|end| !end.is_null())?;
            Some(moment(end).duration_since(moment(&token["created_at"])).as_hours() / 24)
        })
        .collect();
    assert_eq!(days, [None, Some(365), Some(90), Some(90)]);
    app.sql("default", "UPDATE api_token SET expires_at = created_at - 1 WHERE name = 'plain'");
    assert_eq!(who(&app, &plain).await, 401);
});

on_every_engine!(tokens_older_than_scopes_get_all_but_admin, async || {
    let app = TestApp::start(1).await;
    let account = app.create_account("admin", Role::Admin).await;
    // As the migration fills the column of a row that was there.
    app.sql(
        "default",
        "CREATE TABLE old AS SELECT * FROM api_token;
         DELETE FROM api_token;
         INSERT INTO api_token (account_id, secret_hash, name, created_at)
         SELECT account_id, secret_hash, name, created_at FROM old;
         DROP TABLE old",
    );
    assert_eq!(app.get_as(&account, "/api/moderation/queue").await.status, 200);
    assert_eq!(app.get_as(&account, "/api/databases").await.problem(403), "insufficient_scope");
});

on_every_engine!(the_use_of_credentials_is_recorded_once_an_hour, async || {
    let app = TestApp::start(1).await;
    let owner = register(&app, "aspasia").await;
    let (token, _) = owner.token(json!({"name": "x"})).await;
    assert_eq!(items(&owner, TOKENS).await[0]["last_used_at"], Value::Null);
    assert_eq!(who(&app, &token).await, 200);
    let used = used_item(&owner, TOKENS, &Value::Null).await;
    assert!(moment(&used["last_used_at"]) >= moment(&used["created_at"]));

    // Within the hour nothing is written, even by another process.
    let noted = used["last_used_at"].clone();
    assert_eq!(who(&app, &token).await, 200);
    let cookie = owner.cookie;
    let app = app.restart().await;
    let owner = Browser { app: &app, cookie };
    assert_eq!(who(&app, &token).await, 200);
    assert_eq!(items(&owner, TOKENS).await[0]["last_used_at"], noted);

    let hour_ago = "UPDATE api_token SET last_used_at = last_used_at - 3600000";
    app.sql("default", hour_ago);
    let before = items(&owner, TOKENS).await[0]["last_used_at"].clone();
    assert_eq!(who(&app, &token).await, 200);
    let again = used_item(&owner, TOKENS, &before).await;
    assert!(moment(&again["last_used_at"]) >= moment(&noted), "{again} after {noted}");
});

on_every_engine!(sessions_end_after_14_days_without_use, async || {
    let app = TestApp::start(1).await;
    let browser = register(&app, "aspasia").await;
    let session = items(&browser, SESSIONS).await.remove(0);
    let days = |end: &Value, begin: &Value| {
        moment(end).duration_since(moment(begin)).as_millis() as i64 / DAY_MS
    };
    assert_eq!(session["last_used_at"], session["created_at"]);
    assert_eq!(days(&session["expires_at"], &session["created_at"]), 14);

    // A session that is used after ten days is prolonged.
    app.sql(
        "default",
        &format!(
            "UPDATE session SET created_at = created_at - {0},
                 last_used_at = last_used_at - {0}, expires_at = expires_at - {0}",
            10 * DAY_MS
        ),
    );
    let stale = app
        .cluster()
        .query_texts("default", "SELECT CAST(last_used_at AS TEXT) AS value FROM session");
    let stale = Timestamp::from_millisecond(stale[0].parse().unwrap()).unwrap();
    let session = used_item(&browser, SESSIONS, &json!(stale.to_string())).await;
    assert_eq!(days(&session["expires_at"], &session["created_at"]), 24);

    // But it ends 30 days after its start at the latest.
    let cookie = browser.cookie;
    let app = app.restart().await;
    let browser = Browser { app: &app, cookie };
    app.sql(
        "default",
        &format!(
            "UPDATE session SET created_at = created_at - {0}, last_used_at = last_used_at - {0}",
            19 * DAY_MS
        ),
    );
    let stale = moment(&session["last_used_at"]) - SignedDuration::from_hours(19 * 24);
    let session = used_item(&browser, SESSIONS, &json!(stale.to_string())).await;
    assert_eq!(days(&session["expires_at"], &session["created_at"]), 30);
    assert_eq!(browser.name().await, "aspasia");

    app.sql("default", "UPDATE session SET expires_at = 1000");
    assert_eq!(browser.get("/api/session").await.problem(401), "session_invalid");
});

on_every_engine!(a_new_password_can_revoke_the_tokens_too, async || {
    let app = TestApp::start(1).await;
    let owner = register(&app, "aspasia").await;
    let (token, _) = owner.token(json!({"name": "x"})).await;
    let other = register(&app, "pericles").await;
    let (others, _) = other.token(json!({"name": "x"})).await;
    assert_eq!(change_password(&owner, PASSWORD, NEW_PASSWORD, false).await.status, 204);
    assert_eq!(who(&app, &token).await, 200);
    let wrong = change_password(&owner, PASSWORD, "a third sentence", true).await;
    assert_eq!((wrong.problem(403).as_str(), who(&app, &token).await), ("password_wrong", 200));
    assert_eq!(change_password(&owner, NEW_PASSWORD, PASSWORD, true).await.status, 204);
    assert_eq!(who(&app, &token).await, 401);
    assert_eq!(items(&owner, TOKENS).await, Vec::<Value>::new());
    assert_eq!((owner.name().await, who(&app, &others).await), (json!("aspasia"), 200));
});

on_every_engine!(admins_list_and_end_an_account_s_sessions_and_tokens, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let member = register(&app, "aspasia").await;
    let (token, token_id) = member.token(json!({"name": "import", "expires_in_days": 7})).await;
    let (another, _) = member.token(json!({"name": "export"})).await;
    let elsewhere = sign_in(&app, "aspasia").await;
    let account = format!("/api/admin/accounts/{}", id(&member).await);
    let (sessions, tokens) = (format!("{account}/sessions"), format!("{account}/tokens"));

    assert_eq!(admin.get(&account).await.json()["name"], "aspasia");
    let listed = items(&admin, &sessions).await;
    assert_eq!((listed.len(), &listed[0]["current"]), (2, &json!(false)));
    let listed_tokens = items(&admin, &tokens).await;
    assert_eq!(listed_tokens, items(&member, TOKENS).await);
    assert!(!admin.get(&tokens).await.text.contains("ostk_"));

    let session = format!("{sessions}/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(admin.delete(&session).await.status, 204);
    assert_eq!(admin.delete(&session).await.problem(404), "credential_not_found");
    assert_eq!(elsewhere.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(admin.delete(&format!("{tokens}/{token_id}")).await.status, 204);
    assert_eq!([who(&app, &token).await, who(&app, &another).await], [401, 200]);
    // A session of another account is not at this path.
    let own = items(&admin, SESSIONS).await[0]["id"].clone();
    let not_theirs = format!("{sessions}/{}", own.as_str().unwrap());
    assert_eq!(admin.delete(&not_theirs).await.problem(404), "credential_not_found");

    assert_eq!(admin.delete(&format!("{account}/credentials")).await.status, 204);
    assert_eq!(member.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(who(&app, &another).await, 401);
    assert_eq!(items(&admin, &sessions).await.len() + items(&admin, &tokens).await.len(), 0);
    assert_eq!(admin.name().await, "admin");
    for unknown in ["sessions", "tokens"] {
        let path = format!("/api/admin/accounts/99/{unknown}");
        assert_eq!(admin.get(&path).await.problem(404), "account_not_found");
    }
    assert_eq!(admin.get("/api/admin/accounts/99").await.problem(404), "account_not_found");
    let unknown = admin.delete("/api/admin/accounts/99/credentials").await;
    assert_eq!(unknown.problem(404), "account_not_found");
    assert_eq!(admin.get("/api/admin/accounts/x/tokens").await.problem(400), "id_invalid");
});

on_every_engine!(admins_type_the_password_again_after_15_minutes, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let member = register(&app, "aspasia").await;
    let (_, token_id) = member.token(json!({"name": "x"})).await;
    let (_, own_id) = admin.token(json!({"name": "own"})).await;
    let own_token = format!("{TOKENS}/{own_id}");
    let account = format!("/api/admin/accounts/{}", id(&member).await);
    let age = |ms: i64| format!("UPDATE session SET proved_at = proved_at - {ms}");
    let promote = || admin.send(Method::PATCH, &account, json!({"role": "moderator"}));
    assert_eq!(promote().await.status, 200);
    app.sql("default", &age(16 * 60_000));
    assert_eq!(promote().await.problem(403), "proof_required");
    for (method, path) in [
        (Method::DELETE, format!("{account}/tokens/{token_id}")),
        (Method::DELETE, format!("{account}/sessions/1")),
        (Method::DELETE, format!("{account}/credentials")),
        (Method::POST, TOKENS.to_owned()),
        (Method::DELETE, own_token.clone()),
    ] {
        let refused = admin.send(method, &path, json!({"name": "x"})).await;
        assert_eq!(refused.problem(403), "proof_required", "{path}");
    }
    // Reads, and changes of the admin's own account, are still allowed.
    for path in [format!("{account}/tokens"), "/api/admin/accounts".into(), TOKENS.into()] {
        assert_eq!(admin.get(&path).await.status, 200, "{path}");
    }
    assert_eq!(items(&admin, TOKENS).await.len(), 1, "nothing is revoked");
    // Members need no new proof: less is at stake.
    let (_, others_id) = member.token(json!({"name": "y"})).await;
    assert_eq!(member.delete(&format!("{TOKENS}/{others_id}")).await.status, 204);
    // Ending one's own session needs no new proof either.
    let ended = items(&sign_in(&app, "admin").await, SESSIONS).await;
    app.sql("default", &age(16 * 60_000));
    let newest = ended[0]["id"].as_str().unwrap();
    assert_eq!(admin.delete(&format!("{SESSIONS}/{newest}")).await.status, 204);

    let prove = |password: &str| {
        admin.send(Method::POST, "/api/session/proof", json!({"password": password}))
    };
    assert_eq!(prove("no").await.problem(403), "password_wrong");
    assert_eq!(promote().await.problem(403), "proof_required");
    assert_eq!(prove(PASSWORD).await.status, 204);
    assert_eq!(promote().await.status, 200);
    assert_eq!(admin.delete(&own_token).await.status, 204);
    // Each session has its own proof.
    let elsewhere = sign_in(&app, "admin").await;
    app.sql("default", &age(16 * 60_000));
    let prove = json!({"password": PASSWORD});
    assert_eq!(elsewhere.send(Method::POST, "/api/session/proof", prove).await.status, 204);
    assert_eq!(promote().await.problem(403), "proof_required");
    let bad = admin.send(Method::POST, "/api/session/proof", json!({})).await;
    assert_eq!(bad.problem(422), "validation_failed");
    // A change of the password is a proof, too.
    assert_eq!(change_password(&admin, PASSWORD, NEW_PASSWORD, false).await.status, 204);
    assert_eq!(promote().await.status, 200);
    assert_eq!(try_sign_in(&app, "admin", NEW_PASSWORD).await.status, 201);
    assert_eq!(post_session(&app).await, 401);
});

/// The status of a sign-in with the old password.
async fn post_session(app: &TestApp) -> u16 {
    let request = app.request(Method::POST, "/api/session").json(&credentials("admin"));
    app.send(request).await.status.as_u16()
}

on_every_engine!(new_passwords_are_long_and_hard_to_guess, async || {
    let app = TestApp::start(1).await;
    let try_to_register = async |name: &str, password: &str| {
        let request = app.request(Method::POST, "/api/accounts");
        app.send(request.json(&json!({"name": name, "password": password}))).await
    };
    for (password, code) in [
        ("1234567", "too_short"),
        ("p4$sW0rd", "guessable"),
        ("correcth", "guessable"),
        ("1234567890", "guessable"),
        ("password123", "guessable"),
        ("qwertyuiop", "guessable"),
        ("aaaaaaaaaaaaaaaa", "guessable"),
        ("Pericles", "guessable"),
        ("pericles1999", "guessable"),
    ] {
        let refused = try_to_register("pericles", password).await;
        assert_eq!(refused.problem(422), "validation_failed", "{password}");
        let error = &refused.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/password"), &json!(code)),
            "{password}"
        );
    }
    // Short, but as good as random; long enough; and in other alphabets.
    for (name, password) in
        [("one", "xK9#qv2L"), ("two", "ten tables"), ("three", "Μήνιν ἄειδε θεά")]
    {
        assert_eq!(try_to_register(name, password).await.status, 201, "{password}");
    }
    let owner = register(&app, "aspasia").await;
    for (password, code) in
        [("aspasia", "too_short"), ("aspasia2026", "guessable"), ("letmein12", "guessable")]
    {
        let refused = change_password(&owner, PASSWORD, password, false).await;
        let error = &refused.json()["errors"][0];
        assert_eq!(refused.status, 422);
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!("/new_password"), &json!(code)),
            "{password}"
        );
    }
    assert_eq!(owner.name().await, "aspasia");
});
