//! A cluster moves to another engine and back: every row arrives, and every response stays the same.

use std::path::Path;

use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Deployment, Headers, Member, REVIEWS, Server, text};
use crate::support::engine::Engine;
use crate::support::postgres::Postgres;

/// Adds rows of all kinds that the demo lacks; returns a member and an admin.
fn use_it(server: &Server) -> (Member, Member) {
    let admin = json!({"name": "admin", "password": "admin"});
    let admin =
        Member::with_session(server, &server.post("/api/session", &[], &admin), Role::Admin);
    let member = Member::register(server, "Aspasia");
    for key in ["a", "B", "c-1", "c_1"] {
        server.made(
            REVIEWS,
            &[("idempotency-key", key)],
            &json!({"body": "ärgerlich 'quoted' 😀"}),
        );
    }
    let reviews: Vec<Value> = (1..=3)
        .map(|product| {
            let path = format!("/api/products/{product}/reviews");
            server.made(&path, &member.token(), &json!({"body": "mine", "rating": product}))
        })
        .collect();
    let at = |review: &Value| format!("/api/reviews/{}", text(&review["id"]));
    let changes = [("authorization", &*member.authorization), ("if-match", "\"1\"")];
    let edited =
        server.send(Method::PATCH, &at(&reviews[0]), &changes, Some(&json!({"title": "a"})));
    assert_eq!(edited.status, 200, "{edited:?}");
    assert!(server.send(Method::DELETE, &at(&reviews[1]), &changes, None).status.is_success());
    let report = json!({"reason": "other", "note": "not a pot"});
    for headers in [&[][..], &admin.token()] {
        let path = format!("{}/reports", at(&reviews[2]));
        let response = server.post(&path, headers, &report);
        assert!(response.status.is_success(), "{response:?}");
    }
    let guest = server.made("/api/products/9/reviews", &[], &json!({"body": "buy gold"}));
    let decision = json!({"decision": "spam", "reason": "advertising", "note": "gold",
                          "reviews": [{"id": guest["id"], "version": 1}]});
    let decided = server.made("/api/moderation/decisions", &admin.token(), &decision);
    assert_eq!(decided["items"][0]["status"], "spam", "{decided}");
    // The newest session and the newest account's id, which must not be given again.
    let gone = Member::register(server, "Pericles");
    assert_eq!(
        server.send(Method::DELETE, "/api/session", &[("cookie", &gone.cookie)], None).status,
        204
    );
    (member, admin)
}

/// The responses of a cluster, which do not depend on where its databases are.
fn responses(server: &Server, (member, admin): &(Member, Member)) -> Vec<(String, Value)> {
    let public = [
        "/api/products?limit=100",
        "/api/products/2000",
        "/api/products/1/rating",
        "/api/ratings?product_ids=1,2,3",
        "/api/products/1/reviews?limit=100",
        "/api/products/3/reviews?sort=highest&limit=50",
    ];
    let by_member = ["/api/accounts/me/reviews", "/api/accounts/me/tokens"];
    let by_admin = [
        "/api/admin/reviews?limit=100",
        "/api/admin/reviews?status=deleted",
        "/api/admin/reviews?status=spam",
        "/api/admin/accounts",
        "/api/admin/products?limit=100",
        "/api/moderation/queue",
    ];
    let read = |path: &str, headers: Headers| (path.to_owned(), server.read(path, headers));
    let mut responses: Vec<_> = public.iter().map(|path| read(path, &[])).collect();
    responses.push(read("/api/session", &[("cookie", &member.cookie)]));
    responses.extend(by_member.iter().map(|path| read(path, &[("cookie", &member.cookie)])));
    responses.extend(by_admin.iter().map(|path| read(path, &admin.token())));
    responses
}

#[test]
fn a_cluster_goes_to_postgres_and_back() {
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start_new());
    goes_and_comes_back(folder.path(), &Deployment::postgres(folder.path(), &postgres, "second"));
}

#[test]
fn a_cluster_goes_to_citus_and_back() {
    if Engine::Citus.is_available() {
        let folder = tempfile::tempdir().unwrap();
        goes_and_comes_back(folder.path(), &Deployment::citus(folder.path(), "second"));
    }
}

fn goes_and_comes_back(folder: &Path, second: &Deployment) {
    let first = Deployment::sqlite(folder, "first");
    first.succeeds(&["migrate"]);
    first.succeeds(&["demo"]);
    first.succeeds(&["rebalance", "plan", "--drain", "reviews-2"]);
    let gap = "INSERT INTO product (id, name, search_text) VALUES (2000, 'Far', 'far')";
    first.execute("default", gap);
    let server = first.serve();
    let people = use_it(&server);
    first.succeeds(&["verify"]);
    // The use of a token is recorded after the response.
    let own_tokens = || server.read("/api/accounts/me/tokens", &[("cookie", &people.0.cookie)]);
    while own_tokens()["items"][0]["last_used_at"].is_null() {
        std::thread::yield_now();
    }
    let before = responses(&server, &people);
    drop(server);

    let third = Deployment::sqlite(folder, "third");
    first.transfer(second);
    second.transfer(&third);
    // A table without rows would prove nothing.
    let mut filled = first.same_rows(&third);
    // A move leaves no marks.
    assert_eq!(filled.remove("bucket_change"), Some(0));
    assert!(filled.values().all(|rows| *rows > 0), "{filled:?}");
    for cluster in [second, &third] {
        assert!(cluster.succeeds(&["verify"]).contains("all in their place"));
        assert_eq!(responses(&cluster.serve(), &people), before);
    }

    second.succeeds(&["transfer", "--abandon"]);
    for cluster in [second, &third] {
        let server = cluster.serve();
        let (member, admin) = &people;
        let product = server.made("/api/admin/products", &admin.token(), &json!({"name": "New"}));
        assert_eq!(product["id"], "2001", "{product}");
        Member::register(&server, "Socrates");
        let accounts = server.read("/api/admin/accounts", &admin.token());
        // After the demo's admin, Aspasia and Pericles.
        assert_eq!(accounts["items"][3]["id"], "4", "{accounts}");
        let again = json!({"body": "ärgerlich 'quoted' 😀"});
        let again = server.post(REVIEWS, &[("idempotency-key", "c_1")], &again);
        assert_eq!(again.header("idempotency-replayed"), "true", "{again:?}");
        let twice = server.post(REVIEWS, &member.token(), &json!({"body": "mine again"}));
        assert_eq!(twice.problem(409), "review_exists");
        let password = json!({"name": "aspasia", "password": "a long sentence"});
        server.made("/api/session", &[], &password);
        drop(server);
        assert!(cluster.succeeds(&["verify"]).contains("all in their place"));
    }
}
