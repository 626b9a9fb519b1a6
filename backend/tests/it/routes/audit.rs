//! The audit trail: its entries, and how long they are kept.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use ostrakon::store::{Clock, RemovedRows};
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::accounts::{Browser, PASSWORD, create_account, register, sign_in};
use crate::support::app::TestApp;

const AUDIT: &str = "/api/admin/audit";

/// An app with an admin, behind a proxy on this machine.
async fn app() -> TestApp {
    let app = TestApp::start_with(1, |config| {
        config.trusted_proxies = "127.0.0.1".parse().unwrap();
    })
    .await;
    create_account(&app, "admin", Role::Admin);
    app
}

/// All entries that the admin sees, the newest first.
async fn entries(app: &TestApp, query: &str) -> Vec<Value> {
    let admin = sign_in(app, "admin").await;
    let (secret, _) = admin.token(json!({"name": "audit", "scopes": ["admin"]})).await;
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("{AUDIT}?limit=7{query}{cursor}");
        let page = app.send(app.request(Method::GET, &path).bearer_auth(&secret)).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
        let page = page.json();
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// The entries of one action.
async fn of(app: &TestApp, action: &str) -> Vec<Value> {
    entries(app, &format!("&action={action}")).await
}

/// The status of a sign-in from an address.
async fn sign_in_from(app: &TestApp, address: &str, name: &str, password: &str) -> u16 {
    let body = json!({"name": name, "password": password});
    let request = app.request(Method::POST, "/api/session").header("x-forwarded-for", address);
    app.send(request.json(&body)).await.status.as_u16()
}

/// The changes of an entry, as `field: from -> to`.
fn changes(entry: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let changes = entry["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|c| format!("{}: {} -> {}", text(&c["field"]), text(&c["from"]), text(&c["to"])))
        .collect()
}

on_every_engine!(sign_ins_are_recorded_with_their_network, async || {
    let app = app().await;
    let aspasia = create_account(&app, "Aspasia", Role::Member);
    assert_eq!(sign_in_from(&app, "192.0.2.7", "aspasia", PASSWORD).await, 201);
    assert_eq!(sign_in_from(&app, "2001:db8:0:1::2", "aspasia", PASSWORD).await, 201);
    let account = format!("&account_id={}&action=signed_in", aspasia.id);
    let found = entries(&app, &account).await;
    let networks: Vec<_> = found.iter().map(|entry| entry["network"].as_str().unwrap()).collect();
    assert_eq!(networks, ["2001:db8:0:1::/64", "192.0.2.7"]);
    let entry = &found[0];
    assert_eq!([&entry["actor"], &entry["account"]], ["Aspasia", "Aspasia"]);
    assert_eq!((&entry["via"], &entry["count"]), (&json!("session"), &json!(1)));
    assert_eq!(entry["actor_id"], json!(aspasia.id.to_string()));
});

on_every_engine!(sign_outs_are_recorded_once, async || {
    let app = app().await;
    let aspasia = create_account(&app, "Aspasia", Role::Member);
    let browser = sign_in(&app, "aspasia").await;
    for _ in 0..2 {
        assert_eq!(browser.delete("/api/session").await.status, 204);
    }
    let found = of(&app, "signed_out").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let entry = &found[0];
    assert_eq!([&entry["actor"], &entry["account"]], ["Aspasia", "Aspasia"]);
    assert_eq!((&entry["via"], &entry["network"]), (&json!("session"), &json!("127.0.0.1")));
    assert_eq!(entry["account_id"], json!(aspasia.id.to_string()));
});

on_every_engine!(failed_sign_ins_share_an_entry_and_keep_no_unknown_names, async || {
    let app = app().await;
    create_account(&app, "aspasia", Role::Member);
    for _ in 0..5 {
        assert_eq!(sign_in_from(&app, "192.0.2.7", "Aspasia", "no").await, 401);
    }
    assert_eq!(sign_in_from(&app, "192.0.2.8", "aspasia", "no").await, 401);
    for name in ["hunter2 is my password", "nobody"] {
        assert_eq!(sign_in_from(&app, "192.0.2.7", name, "no").await, 401);
    }
    let entries = of(&app, "sign_in_failed").await;
    // One more hour may have begun meanwhile.
    assert!(entries.len() <= 2 * 3, "{entries:?}");
    let mut found = BTreeMap::new();
    for entry in &entries {
        let account = entry["account"].as_str().unwrap_or("nobody");
        let key = (account, entry["network"].as_str().unwrap());
        *found.entry(key).or_default() += entry["count"].as_i64().unwrap();
    }
    let expected = [
        (("aspasia", "192.0.2.7"), 5),
        (("aspasia", "192.0.2.8"), 1),
        (("nobody", "192.0.2.7"), 2),
    ];
    assert_eq!(found, BTreeMap::from(expected));
    assert_eq!(
        app.cluster().query_number(
            "default",
            "SELECT count(*) FROM audit_entry
        WHERE account_name LIKE '%hunter2%' OR changes LIKE '%hunter2%'"
        ),
        0
    );
    // A wrong password in a session is another action.
    let browser = sign_in(&app, "aspasia").await;
    let proof = json!({"password": "no"});
    browser.send(Method::POST, "/api/session/proof", proof).await.problem(403);
    assert_eq!(of(&app, "proof_failed").await[0]["account"], "aspasia");
});

on_every_engine!(attempts_from_many_networks_make_a_bounded_number_of_entries, async || {
    let app = app().await;
    for number in 0..260_u128 {
        let network = Ipv6Addr::from_bits(0x2001_0db8 << 96 | number << 64);
        assert_eq!(sign_in_from(&app, &network.to_string(), "nobody", "no").await, 401);
    }
    let found = of(&app, "sign_in_failed").await;
    // One more hour may have begun meanwhile.
    assert!(found.len() <= 2 * 251, "{} entries", found.len());
    let total: i64 = found.iter().map(|entry| entry["count"].as_i64().unwrap()).sum();
    assert_eq!(total, 260);
});

on_every_engine!(guesses_at_an_account_are_counted_by_account, async || {
    let app = app().await;
    let (aspasia, pericles) = (
        create_account(&app, "aspasia", Role::Admin),
        create_account(&app, "pericles", Role::Member),
    );
    for number in 0..260_u128 {
        let network = Ipv6Addr::from_bits(0x2001_0db8 << 96 | number << 64);
        assert_eq!(sign_in_from(&app, &network.to_string(), "nobody", "no").await, 401);
    }
    for (name, count) in [("aspasia", 5), ("pericles", 3)] {
        for _ in 0..count {
            assert_eq!(sign_in_from(&app, "192.0.2.7", name, "no").await, 401);
        }
    }
    let mut total = 0;
    for (account, count) in [(aspasia, 5), (pericles, 3)] {
        let of_account = format!("&action=sign_in_failed&account_id={}", account.id);
        let found = entries(&app, &of_account).await;
        assert!(found.iter().all(|entry| entry["account"] == json!(account.name)), "{found:?}");
        // One more hour may have begun meanwhile.
        let counted: i64 = found.iter().map(|entry| entry["count"].as_i64().unwrap()).sum();
        assert_eq!(counted, count, "{found:?}");
        total += found.len();
    }
    assert!(total <= 4, "guesses share an entry: {total}");
});

on_every_engine!(changes_of_accounts_and_tokens_are_recorded, async || {
    let app = app().await;
    let admin = sign_in(&app, "admin").await;
    let member = register(&app, "aspasia").await;
    let id = member.get("/api/session").await.json()["account"]["id"].as_str().unwrap().to_owned();
    let account = format!("/api/admin/accounts/{id}");
    let (_, token) =
        member.token(json!({"name": "import", "scopes": ["read"], "never_expires": true})).await;
    let (_, another) = member.token(json!({"name": "export"})).await;
    let elsewhere = sign_in(&app, "aspasia").await;
    let edit = |edit| admin.send(Method::PATCH, &account, edit);
    // Edits without changes are not recorded.
    for nothing in [json!({}), json!({"role": "member"}), json!({"disabled": false})] {
        assert_eq!(edit(nothing).await.status, 200);
    }
    assert_eq!(edit(json!({"role": "moderator"})).await.status, 200);
    assert_eq!(edit(json!({"role": "moderator"})).await.status, 200);
    assert_eq!(member.delete(&format!("/api/accounts/me/tokens/{another}")).await.status, 204);
    assert_eq!(admin.delete(&format!("{account}/tokens/{token}")).await.status, 204);
    let change = json!({"current_password": PASSWORD, "new_password": "another sentence"});
    assert_eq!(member.send(Method::PUT, "/api/accounts/me/password", change).await.status, 204);
    elsewhere.get("/api/session").await.problem(401);
    assert_eq!(admin.delete(&format!("{account}/credentials")).await.status, 204);
    assert_eq!(edit(json!({"disabled": true})).await.status, 200);
    app.store().accounts().set_disabled("aspasia", false).unwrap();
    app.store().accounts().reset_password("aspasia", "a third sentence").unwrap();

    let mut found = entries(&app, &format!("&account_id={id}")).await;
    found.reverse();
    let told: Vec<_> = found
        .iter()
        .map(|entry| {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let [action, actor, via] = ["action", "actor", "via"].map(|name| text(&entry[name]));
            assert_eq!((&entry["account"], &entry["account_id"]), (&json!("aspasia"), &json!(id)));
            let by_network = entry["network"] == "127.0.0.1";
            assert_eq!(by_network, via != "operator", "{entry}");
            format!("{action} by {actor} ({via})")
        })
        .collect();
    assert_eq!(
        told,
        [
            "account_created by aspasia (session)",
            "token_created by aspasia (session)",
            "token_created by aspasia (session)",
            "signed_in by aspasia (session)",
            "role_changed by admin (session)",
            "token_revoked by aspasia (session)",
            "token_revoked by admin (session)",
            "password_changed by aspasia (session)",
            "credentials_revoked by admin (session)",
            "account_disabled by admin (session)",
            "account_enabled by - (operator)",
            "password_reset by - (operator)",
        ]
    );
    let of_token = ["token: - -> import", "scopes: - -> read", "expires: - -> never"];
    assert_eq!(changes(&found[1]), of_token);
    assert_eq!(changes(&found[4]), ["role: member -> moderator"]);
    assert_eq!(changes(&found[6])[0], "token: import -> -");
    assert_eq!(changes(&found[7]), ["ended sessions: - -> 1"]);
});

on_every_engine!(changes_of_products_are_recorded, async || {
    let app = app().await;
    let token = app.create_account("curator", Role::Admin).await;
    let product = json!({"name": "Krater", "sku": "K-1"});
    let created = app.send_json(Some(&token), Method::POST, "/api/admin/products", &product).await;
    let path = created.header("location").to_owned();
    let edit = |body: Value, version: &'static str| {
        let request = app.request(Method::PATCH, &path).header("if-match", version);
        app.send(token.authorize(request).json(&body))
    };
    assert_eq!(
        edit(json!({"sku": "K-2", "description": "x".repeat(300)}), "\"1\"").await.status,
        200
    );
    edit(json!({"sku": "K-3"}), "\"1\"").await.problem(412);
    assert_eq!(edit(json!({"archived": true}), "\"2\"").await.status, 200);

    let created = &of(&app, "product_created").await[0];
    assert_eq!([&created["actor"], &created["via"]], ["curator", "token"]);
    assert_eq!(changes(created), ["name: - -> Krater", "sku: - -> K-1"]);
    assert_eq!(format!("/api/admin/products/{}", created["product_id"].as_str().unwrap()), path);
    let edited = of(&app, "product_edited").await;
    assert_eq!(edited.len(), 2, "a refused change is none: {edited:?}");
    assert_eq!(changes(&edited[0]), ["archived: - -> true"]);
    let long = format!("description: - -> {}", "x".repeat(200));
    assert_eq!(changes(&edited[1]), [long, "sku: K-1 -> K-2".to_owned()]);
});

on_every_engine!(entries_older_than_configured_are_removed, async || {
    let app = TestApp::start_with(1, |config| config.audit_days = 30).await;
    create_account(&app, "admin", Role::Admin);
    let [expired, cookie] =
        [sign_in(&app, "admin").await, sign_in(&app, "admin").await].map(|it| it.cookie);
    store_entry(&app, "old", 31);
    store_entry(&app, "new", 3);
    // The first session has expired.
    app.sql(
        "default",
        "UPDATE session SET expires_at = 1 WHERE id = (SELECT min(id) FROM session)",
    );
    assert_eq!(stored_entries(&app), ["old", "new"]);
    // A server looks when it starts, and then every hour.
    let app = app.restart().await;
    while stored_entries(&app).len() > 1 {
        assert_eq!(app.get("/readyz").await.status, 200);
    }
    assert_eq!(stored_entries(&app), ["new"]);
    assert_eq!(app.cluster().query_number("default", "SELECT count(*) FROM session"), 1);
    Browser { app: &app, cookie: expired }.get("/api/session").await.problem(401);
    assert_eq!(Browser { app: &app, cookie }.name().await, "admin");
});

/// Stores an entry of this age in days.
fn store_entry(app: &TestApp, name: &str, days: i64) {
    let ms = days * 24 * 60 * 60 * 1_000;
    app.sql(
        "default",
        &format!(
            "INSERT INTO audit_entry (action, at, last_at, count, account_name, changes)
             SELECT 'signed_in', at - {ms}, last_at - {ms}, 1, '{name}', '[]' FROM audit_entry
             WHERE action = 'account_created'"
        ),
    );
}

/// The entries that `store_entry` has stored, in that order.
fn stored_entries(app: &TestApp) -> Vec<String> {
    let rows = "SELECT account_name AS value FROM audit_entry
                WHERE action = 'signed_in' AND actor_id IS NULL ORDER BY id";
    app.cluster().query_texts("default", rows)
}

on_every_engine!(a_clock_that_is_ahead_removes_nothing, async || {
    let mut clock = Clock::default();
    let app = TestApp::start_with(1, |config| clock = config.clock.clone()).await;
    create_account(&app, "admin", Role::Admin);
    let session = sign_in(&app, "admin").await;
    for (name, days) in [("old", 40), ("older", 90), ("new", 3)] {
        store_entry(&app, name, days);
    }
    // By a few years, and by less than entries are kept.
    for days_ahead in [5 * 365, 100, 20] {
        clock.set_offset_ms(days_ahead * 24 * 60 * 60 * 1_000);
        assert_eq!(
            app.store().accounts().remove_old(60).unwrap(),
            RemovedRows::default(),
            "{days_ahead}"
        );
        // Not even when its own entries have the wrong date as well.
        store_entry(&app, "ahead", -days_ahead);
        assert_eq!(
            app.store().accounts().remove_old(60).unwrap(),
            RemovedRows::default(),
            "{days_ahead}"
        );
        app.sql("default", "DELETE FROM audit_entry WHERE account_name = 'ahead'");
    }
    assert_eq!(stored_entries(&app), ["old", "older", "new"]);
    assert_eq!(session.name().await, "admin");
    clock.set_offset_ms(0);
    assert_eq!(
        app.store().accounts().remove_old(60).unwrap(),
        RemovedRows { entries: 1, sessions: 0 }
    );
    assert_eq!(stored_entries(&app), ["old", "new"]);
});

on_every_engine!(changed_settings_are_recorded, async || {
    let app = app().await;
    let settings = |rate: &str| [("guest_reviews", "true".to_owned()), ("rate", rate.to_owned())];
    for rate in ["10", "10", "0"] {
        app.store().audit().record_settings(&settings(rate)).unwrap();
    }
    let found = of(&app, "settings_changed").await;
    assert_eq!(
        found.iter().map(changes).collect::<Vec<_>>(),
        [
            vec!["rate: 10 -> 0".to_owned()],
            vec!["guest_reviews: - -> true".to_owned(), "rate: - -> 10".to_owned()],
        ]
    );
    assert_eq!((&found[0]["via"], &found[0]["network"]), (&json!("operator"), &Value::Null));
});

on_every_engine!(invalid_parameters_of_the_audit_trail_are_refused, async || {
    let app = app().await;
    let admin = sign_in(&app, "admin").await;
    for bad in ["action=dance", "account_id=x", "limit=0", "who=me"] {
        let refused = admin.get(&format!("{AUDIT}?{bad}")).await;
        assert_eq!(refused.problem(400), "parameter_invalid", "{bad}");
    }
    sign_in(&app, "admin").await;
    let page = admin.get(&format!("{AUDIT}?limit=1")).await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = admin.get(&format!("{AUDIT}?action=signed_in&cursor={cursor}")).await;
    assert_eq!(other.problem(400), "cursor_mismatch");
});
