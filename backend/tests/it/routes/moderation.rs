//! Reports, the queue, decisions and their history.

use std::os::unix::fs::PermissionsExt;

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestAccount, TestApp, TestResponse, ids};

const QUEUE: &str = "/api/moderation/queue";

async fn report(app: &TestApp, by: Option<&TestAccount>, id: &str, body: Value) -> TestResponse {
    app.send_json(by, Method::POST, &format!("/api/reviews/{id}/reports"), &body).await
}

async fn decide(app: &TestApp, by: &TestAccount, decision: &str, reviews: &[(&str, i64)]) -> Value {
    let reviews: Vec<_> =
        reviews.iter().map(|(id, version)| json!({"id": id, "version": version})).collect();
    let body = json!({"decision": decision, "reason": "off_topic", "reviews": reviews});
    let response = app.send_json(Some(by), Method::POST, "/api/moderation/decisions", &body).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

async fn undo(app: &TestApp, by: &TestAccount, id: &str, version: i64) -> Value {
    let body = json!({"reviews": [{"id": id, "version": version}]});
    app.send_json(Some(by), Method::POST, "/api/moderation/undo", &body).await.json()["items"][0]
        .clone()
}

on_every_engine!(pre_moderated_reviews_wait_for_a_moderator, async || {
    let app = TestApp::start_with(3, |config| config.pre_moderation = true).await;
    let moderator = app.create_account("moderator", Role::Moderator).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let body = json!({"body": "first", "rating": 1});
    let path = "/api/products/1/reviews";
    let review = app.send_json(Some(&author), Method::POST, path, &body).await.json();
    let id = review["id"].as_str().unwrap();
    assert_eq!(review["status"], "pending");
    assert_eq!(app.get(&format!("/api/reviews/{id}")).await.problem(404), "review_not_found");
    assert_eq!(app.all_pages(path).await, Vec::<Value>::new());
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 0);
    for trick in ["status=pending", "allow_partial=true&status=pending", "database=reviews-1"] {
        let refused = app.get(&format!("{path}?{trick}")).await;
        assert_eq!(refused.problem(400), "parameter_invalid");
    }

    let queue = app.get_json_as(&moderator, QUEUE).await;
    assert_eq!((&queue["waiting"], &queue["items"][0]["id"]), (&json!(1), &json!(id)));
    assert!(!queue.to_string().contains("\"rating\""), "blind to the rating: {queue}");
    assert_eq!(decide(&app, &moderator, "approve", &[(id, 1)]).await["items"][0]["version"], 2);
    assert_eq!(app.get_json(&format!("/api/reviews/{id}")).await["status"], "approved");
    assert_eq!(app.get_json_as(&moderator, QUEUE).await["waiting"], 0);

    let edit =
        app.request(Method::PATCH, &format!("/api/reviews/{id}")).header("if-match", "\"2\"");
    let edited = app.send(author.authorize(edit.json(&json!({"rating": 2})))).await.json();
    assert_eq!((&edited["status"], &edited["version"]), (&json!("pending"), &json!(3)));
    assert_eq!(app.get(&format!("/api/reviews/{id}")).await.problem(404), "review_not_found");
    app.verify();
});

on_every_engine!(readers_report_once_each, async || {
    let app = TestApp::start(3).await;
    let moderator = app.create_account("moderator", Role::Moderator).await;
    let reader = app.create_account("reader", Role::Member).await;
    let id = app.create_review(1, Some(5)).await;
    let spam = json!({"reason": "spam"});
    assert_eq!(report(&app, None, &id, spam.clone()).await.status, 204);
    assert_eq!(report(&app, None, &id, spam.clone()).await.problem(409), "already_reported");
    let other = json!({"reason": "other", "note": "quotes my letter"});
    assert_eq!(report(&app, Some(&reader), &id, other).await.status, 204);
    assert_eq!(
        report(&app, Some(&reader), &id, spam.clone()).await.problem(409),
        "already_reported"
    );
    for bad in [
        json!({"reason": "other"}),
        json!({"reason": "dislike"}),
        json!({"reason": "spam", "note": "n".repeat(101)}),
        json!({"reason": "spam", "status": "rejected"}),
        json!({}),
    ] {
        assert_eq!(report(&app, None, &id, bad).await.problem(422), "validation_failed");
    }
    let nowhere = report(&app, None, "7ZZZZZZZZZZZZ", spam).await;
    assert_eq!(nowhere.problem(404), "review_not_found");

    // It stays public until a moderator decides.
    assert_eq!(app.get_json(&format!("/api/reviews/{id}")).await["version"], 1);
    let queue = app.get_json_as(&moderator, QUEUE).await;
    let reports = queue["items"][0]["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().any(|report| report["note"] == "quotes my letter"));
    assert!(!queue.to_string().contains("reader"), "who reported stays untold");
    decide(&app, &moderator, "approve", &[(&id, 1)]).await;
    assert_eq!(app.get_json_as(&moderator, QUEUE).await["waiting"], 0);
    app.verify();
    let database = app.store().cluster().locate(id.parse().unwrap()).database;
    app.sql(&database, "UPDATE report SET closed_by = NULL");
    let report = app
        .store()
        .cluster()
        .verify(app.store().cluster().database_index(&database).unwrap(), |_| ());
    assert!(report.unwrap().problems[0].contains("number of open reports is wrong"));
});

with_databases!(the_queue_has_exact_pages_oldest_first, async |app| {
    let moderator = app.create_account("moderator", Role::Moderator).await;
    let mut waiting = Vec::new();
    for n in 0..30 {
        let id = app.create_review(n % 5 + 1, None).await;
        if n % 3 != 0 {
            report(&app, None, &id, json!({"reason": "offensive"})).await;
            waiting.push(id);
        }
    }
    let app = app.restart().await;
    let queue = app.all_pages_as(&moderator, &format!("{QUEUE}?limit=7")).await;
    assert_eq!(ids(&queue), waiting);
    assert_eq!(queue[0]["product_name"], "Product 2");
    let seen: Vec<_> = waiting.iter().map(|id| (id.as_str(), 1)).collect();
    let results = decide(&app, &moderator, "reject", &seen).await;
    assert!(results["items"].as_array().unwrap().iter().all(|item| item["status"] == "rejected"));
    assert_eq!(app.all_pages("/api/products/2/reviews").await.len(), 2);
    app.verify();
});

on_every_engine!(two_moderators_do_not_overwrite_each_other, async || {
    let app = TestApp::start(3).await;
    let moderator = app.create_account("moderator", Role::Moderator).await;
    let other = app.create_account("other", Role::Moderator).await;
    let (first, second) =
        (app.create_review(1, Some(1)).await, app.create_review(2, Some(1)).await);
    decide(&app, &moderator, "reject", &[(&first, 1)]).await;
    let results =
        decide(&app, &other, "spam", &[(&first, 1), (&second, 1), ("7ZZZZZZZZZZZZ", 1)]).await;
    let column = |name: &str| {
        results["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        column("problem"),
        [json!("version_conflict"), Value::Null, json!("review_not_found")]
    );
    assert_eq!(column("status"), [Value::Null, json!("spam"), Value::Null]);
    // All at once: one decision wins, the others get a conflict.
    let third = app.create_review(3, Some(1)).await;
    let seen = [(third.as_str(), 1)];
    let race = (0..8).map(|_| decide(&app, &moderator, "reject", &seen));
    let race = futures_util::future::join_all(race).await;
    let told = race.iter().filter(|r| r["items"][0]["problem"] == "version_conflict").count();
    assert_eq!(told, 7);
    app.verify();
});

on_every_engine!(moderators_can_t_decide_about_their_own_reviews, async || {
    let app = TestApp::start_with(3, |config| config.pre_moderation = true).await;
    let one = app.create_account("one", Role::Moderator).await;
    let other = app.create_account("other", Role::Admin).await;
    let path = "/api/products/1/reviews";
    for (author, judge) in [(&one, &other), (&other, &one)] {
        let review =
            app.send_json(Some(author), Method::POST, path, &json!({"body": "mine"})).await.json();
        let id = review["id"].as_str().unwrap();
        let result = &decide(&app, author, "approve", &[(id, 1)]).await["items"][0];
        assert_eq!((&result["problem"], &result["status"]), (&json!("own_review"), &Value::Null));
        assert_eq!(app.get(&format!("/api/reviews/{id}")).await.problem(404), "review_not_found");
        let result = &decide(&app, judge, "reject", &[(id, 1)]).await["items"][0];
        assert_eq!((&result["status"], &result["version"]), (&json!("rejected"), &json!(2)));
        assert_eq!(undo(&app, author, id, 2).await["problem"], "own_review");
        assert_eq!(undo(&app, judge, id, 2).await["status"], "pending");
        assert_eq!(decide(&app, judge, "approve", &[(id, 3)]).await["items"][0]["version"], 4);
    }
    app.verify();
});

on_every_engine!(a_guest_s_address_is_hidden_by_a_key_outside_the_databases, async || {
    let app = TestApp::start(1).await;
    let id = app.create_review(1, Some(5)).await;
    let spam = json!({"reason": "spam"});
    assert_eq!(report(&app, None, &id, spam.clone()).await.status, 204);
    let file = app.cluster().folder().join("data").join("secret-key");
    let key = std::fs::read_to_string(&file).unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, key.trim().len()), (0o600, 44));
    let readers =
        || app.cluster().query_texts("reviews-1", "SELECT reader AS value FROM report ORDER BY 1");
    let kept = readers();
    assert!(kept[0].starts_with("guest ") && kept[0].len() == 38, "{kept:?}");

    // The same key knows the guest again; another key does not, nor does it keep the hash.
    let app = app.restart().await;
    assert_eq!(report(&app, None, &id, spam.clone()).await.problem(409), "already_reported");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    std::fs::write(&file, "another key of 32 characters here").unwrap();
    let app = app.restart().await;
    assert_eq!(report(&app, None, &id, spam).await.status, 204);
    let readers =
        || app.cluster().query_texts("reviews-1", "SELECT reader AS value FROM report ORDER BY 1");
    assert_eq!(readers().len(), 2);

    // Hashes that were keyed by the cluster's id are replaced by a migration.
    let migration = match crate::support::engine::engine() {
        crate::support::engine::Engine::Sqlite => include_str!(
            "../../../../migrations/sqlite/reviews/2026-11-27-020000_forget_addresses/up.sql"
        ),
        _ => include_str!(
            "../../../../migrations/postgres/reviews/2026-11-27-020000_forget_addresses/up.sql"
        ),
    };
    let account = app.create_account("aspasia", Role::Member).await;
    assert_eq!(report(&app, Some(&account), &id, json!({"reason": "spam"})).await.status, 204);
    let before = readers();
    app.sql("reviews-1", migration);
    let after = readers();
    assert_eq!((before.len(), after.len(), &before[0]), (3, 3, &after[0]));
    assert!(
        after[1..].iter().all(|reader| reader.starts_with("guest ") && !before.contains(reader))
    );
});

on_every_engine!(a_decision_can_be_undone_and_the_history_shows_both, async || {
    let app = TestApp::start(3).await;
    let moderator = app.create_account("moderator", Role::Moderator).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let id = app.create_review(1, Some(5)).await;
    assert_eq!(undo(&app, &moderator, &id, 1).await["problem"], "nothing_to_undo");
    report(&app, None, &id, json!({"reason": "off_topic"})).await;
    decide(&app, &moderator, "reject", &[(&id, 1)]).await;
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 0);
    assert_eq!(undo(&app, &moderator, &id, 1).await["problem"], "version_conflict");
    let undone = undo(&app, &moderator, &id, 2).await;
    assert_eq!((&undone["status"], &undone["version"]), (&json!("approved"), &json!(3)));
    assert_eq!(undo(&app, &moderator, &id, 3).await["problem"], "nothing_to_undo");
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 1);
    assert_eq!(app.get_json_as(&moderator, QUEUE).await["waiting"], 1, "its report is open again");

    let detail = app.get_json_as(&admin, &format!("/api/admin/reviews/{id}")).await;
    let history = detail["history"].as_array().unwrap();
    let column = |name: &str| history.iter().map(|event| event[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("action"), ["undo", "reject"]);
    assert_eq!(column("from"), ["rejected", "approved"]);
    assert_eq!(column("to"), ["approved", "rejected"]);
    assert_eq!(column("actor"), ["moderator", "moderator"]);
    assert_eq!(column("reason"), [Value::Null, json!("off_topic")]);
    assert_eq!(detail["review"]["open_reports"], 1);
    app.verify();
});

on_every_engine!(bad_decisions_are_refused, async || {
    let app = TestApp::start(1).await;
    let moderator = app.create_account("moderator", Role::Moderator).await;
    let id = app.create_review(1, None).await;
    let one = json!([{"id": id, "version": 1}]);
    let twice = json!([{"id": id, "version": 1}, {"id": id, "version": 2}]);
    for bad in [
        json!({"decision": "approve", "reviews": one}),
        json!({"decision": "delete", "reason": "spam", "reviews": one}),
        json!({"decision": "reject", "reason": "low_rating", "reviews": one}),
        json!({"decision": "reject", "reason": "other", "reviews": one}),
        json!({"decision": "reject", "reason": "illegal", "reviews": []}),
        json!({"decision": "reject", "reason": "illegal", "reviews": twice}),
        json!({"decision": "reject", "reason": "illegal", "reviews": [{"id": "x", "version": 1}]}),
        json!({"decision": "reject", "reason": "illegal", "reviews": one, "status": "approved"}),
    ] {
        let path = "/api/moderation/decisions";
        let refused = app.send_json(Some(&moderator), Method::POST, path, &bad).await;
        assert_eq!(refused.problem(422), "validation_failed", "{bad}");
    }
});

on_every_engine!(deleted_reviews_leave_the_queue, async || {
    let app = TestApp::start(3).await;
    let moderator = app.create_account("moderator", Role::Moderator).await;
    let author = app.create_account("aspasia", Role::Member).await;
    let path = "/api/products/1/reviews";
    let made = app.send_json(Some(&author), Method::POST, path, &json!({"body": "b"})).await.json();
    let id = made["id"].as_str().unwrap();
    report(&app, None, id, json!({"reason": "spam"})).await;
    let delete = app.request(Method::DELETE, &format!("/api/reviews/{id}"));
    assert_eq!(app.send(author.authorize(delete)).await.status, 204);
    assert_eq!(app.get_json_as(&moderator, QUEUE).await["waiting"], 0);
    let refused = decide(&app, &moderator, "approve", &[(id, 2)]).await;
    assert_eq!(refused["items"][0]["problem"], "review_deleted");
    app.verify();
});
