//! Accounts, as admins see and change them.

use std::sync::{Arc, Barrier};

use ostrakon::store::{Source, Store, StoreError};
use ostrakon_shared::{AccountEdit, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{
    PASSWORD, create_account, register, send_with_token, sign_in, try_sign_in,
};
use crate::support::app::{TestApp, ids};

on_every_engine!(a_disabled_account_can_do_nothing, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let member = register(&app, "aspasia").await;
    let (secret, _) = member.token(json!({"name": "x"})).await;
    let id = member.get("/api/session").await.json()["account"]["id"].clone();
    let path = format!("/api/admin/accounts/{}", id.as_str().unwrap());

    let edited = admin.send(Method::PATCH, &path, json!({"disabled": true})).await;
    assert_eq!((edited.status.as_u16(), &edited.json()["disabled"]), (200, &json!(true)));
    assert_eq!(member.get("/api/session").await.problem(401), "session_invalid");
    send_with_token(&app, &secret, Method::GET, "/api/session").await.problem(401);
    try_sign_in(&app, "aspasia", PASSWORD).await.problem(401);

    admin.send(Method::PATCH, &path, json!({"disabled": false})).await;
    assert_eq!(member.get("/api/session").await.problem(401), "session_invalid");
    assert_eq!(send_with_token(&app, &secret, Method::GET, "/api/session").await.status, 200);
    assert_eq!(try_sign_in(&app, "aspasia", PASSWORD).await.status, 201);
});

on_every_engine!(roles_are_read_with_each_request, async || {
    let app = TestApp::start(1).await;
    create_account(&app, "admin", Role::Admin);
    let admin = sign_in(&app, "admin").await;
    let member = register(&app, "aspasia").await;
    let id = member.get("/api/session").await.json()["account"]["id"].clone();
    let path = format!("/api/admin/accounts/{}", id.as_str().unwrap());
    let promote = json!({"role": "moderator"});

    let guest = app.send(app.request(Method::PATCH, &path).json(&promote)).await;
    assert_eq!(guest.problem(401), "sign_in_required");
    assert_eq!(app.get("/api/admin/accounts").await.problem(401), "sign_in_required");
    let own = member.send(Method::PATCH, &path, json!({"role": "admin"})).await;
    assert_eq!(own.problem(403), "not_allowed");
    assert_eq!(member.get("/api/moderation/queue").await.problem(403), "not_allowed");

    let promoted = admin.send(Method::PATCH, &path, promote).await;
    assert_eq!(promoted.json()["role"], "moderator");
    assert_eq!(promoted.header("cache-control"), "no-store");
    assert_eq!(member.get("/api/moderation/queue").await.status, 200);
    assert_eq!(member.get("/api/admin/accounts").await.problem(403), "not_allowed");
    admin.send(Method::PATCH, &path, json!({"role": "member"})).await;
    assert_eq!(member.get("/api/moderation/queue").await.problem(403), "not_allowed");

    for (path, body, status, code) in [
        ("/api/admin/accounts/99", json!({}), 404, "account_not_found"),
        ("/api/admin/accounts/x", json!({}), 400, "id_invalid"),
        (&path, json!({"role": "king"}), 422, "validation_failed"),
        (&path, json!({"name": "pericles"}), 422, "validation_failed"),
        (&path, json!({"demo_password": true}), 422, "validation_failed"),
    ] {
        let refused = admin.send(Method::PATCH, path, body).await;
        assert_eq!(refused.problem(status), code);
    }
    assert_eq!(admin.send(Method::PATCH, &path, json!({})).await.json()["role"], "member");
});

on_every_engine!(accounts_are_listed_and_searched_in_pages, async || {
    let app = TestApp::start(1).await;
    for name in ["Admin", "Aspasia", "a_b", "Pericles", "axb"] {
        create_account(&app, name, if name == "Admin" { Role::Admin } else { Role::Member });
    }
    let token = json!({"name": "x", "scopes": ["admin"]});
    let (secret, _) = sign_in(&app, "admin").await.token(token).await;
    let get = async |query: &str| {
        send_with_token(&app, &secret, Method::GET, &format!("/api/admin/accounts{query}")).await
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

on_every_engine!(the_last_admin_can_t_be_demoted_or_disabled, async || {
    let app = TestApp::start(1).await;
    let only = create_account(&app, "admin", Role::Admin);
    let shut = create_account(&app, "shut", Role::Admin);
    app.store().accounts().set_disabled("shut", true).unwrap();
    let admin = sign_in(&app, "admin").await;
    for edit in [json!({"role": "member"}), json!({"disabled": true})] {
        let refused =
            admin.send(Method::PATCH, &format!("/api/admin/accounts/{}", only.id), edit).await;
        assert_eq!(refused.problem(409), "last_admin");
    }
    let edit = json!({"role": "member"});
    let path = format!("/api/admin/accounts/{}", shut.id);
    assert_eq!(admin.send(Method::PATCH, &path, edit).await.status, 200);
    assert_eq!(admin.name().await, "admin");
});

on_every_engine!(the_demo_s_admin_does_not_replace_the_last_admin, async || {
    let app = TestApp::start(1).await;
    app.store().accounts().create_demo_admin().unwrap();
    let only = create_account(&app, "aspasia", Role::Admin);
    let admin = sign_in(&app, "aspasia").await;
    let path = |id: i64| format!("/api/admin/accounts/{id}");
    for edit in [json!({"role": "member"}), json!({"disabled": true})] {
        let refused = admin.send(Method::PATCH, &path(only.id.get()), edit).await;
        assert_eq!(refused.problem(409), "last_admin");
    }
    // The demo's own account can be disabled as soon as there is an admin.
    let shut = admin.send(Method::PATCH, &path(1), json!({"disabled": true})).await;
    assert_eq!((shut.status.as_u16(), &shut.json()["disabled"]), (200, &json!(true)));
});

on_every_engine!(two_admins_who_demote_each_other_at_once_leave_one, async || {
    let app = TestApp::start(1).await;
    let admins = ["one", "other"].map(|name| create_account(&app, name, Role::Admin));
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
