//! Bounds of queues, statements, files and responses.

use diesel::connection::SimpleConnection;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use ostrakon_shared::Role;
use reqwest::Method;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::cluster::{open, with_suffix};
use crate::support::wait::wait_until;

#[actix_web::test]
async fn excess_requests_are_refused_at_once() {
    let app = TestApp::start(1).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let holder = app.cluster().lock_file("default");
    let archive = || async {
        let edit = app.request(Method::PATCH, "/api/admin/products/1").header("if-match", "*");
        app.send(admin.authorize(edit).json(&json!({"archived": true}))).await
    };
    let mut responses: FuturesUnordered<_> = (0..300).map(|_| archive()).collect();
    // While the lock is held, no other response is possible.
    for _ in 0..44 {
        let response = responses.next().await.unwrap();
        assert_eq!(response.problem(503), "overloaded");
        assert!(!response.header("retry-after").is_empty());
    }
    // Other kinds of work are not delayed.
    app.get_json("/api/products/1/reviews").await;
    app.create_review(2, None).await;
    drop(holder);
    let rest: Vec<u16> = responses.map(|response| response.status.as_u16()).collect().await;
    assert!(rest.iter().all(|status| [200, 503].contains(status)), "{rest:?}");
    assert!(rest.contains(&200), "what was let in is answered");
}

#[actix_web::test]
async fn a_slow_read_of_a_file_is_interrupted() {
    let app = TestApp::start_with(1, |config| config.connections.statement_timeout_ms = 1).await;
    let admin = app.create_account("admin", Role::Admin).await;
    app.create_review(1, Some(4)).await;
    app.sql(
        "reviews-1",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
         INSERT INTO review (bucket, id, product_id, rating, body, status, version, open_reports)
         SELECT bucket, id + i, product_id, rating, body, status, version, 0 FROM review, n",
    );
    let found = app.get_as(&admin, "/api/admin/reviews?search=nobody-wrote-this").await;
    assert_eq!(found.problem(503), "database_unavailable");
    assert!(!found.header("retry-after").is_empty());
    let page = app.get_json_as(&admin, "/api/admin/reviews").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 20);
}

#[actix_web::test]
async fn the_write_ahead_log_of_a_file_is_bounded() {
    let app = TestApp::start_with(1, |config| config.cache_mib = 0).await;
    let file = app.file("reviews-1");
    let log = with_suffix(file.clone(), "-wal");
    let megabytes = || std::fs::metadata(&log).unwrap().len() >> 20;
    let mut reader = open(&file);
    reader.batch_execute("BEGIN; SELECT count(*) FROM review").unwrap();
    let big = "PRAGMA wal_autocheckpoint = 0; CREATE TABLE big AS SELECT randomblob(120000000)";
    app.sql("reviews-1", big);
    assert!(megabytes() > 100);
    // A long read is not interrupted, and delays no other request.
    app.create_review(1, None).await;
    assert!(megabytes() > 100);
    drop(reader);
    let read_and_write = || async {
        let reads = (0..10).map(|_| app.get_json("/api/products/1/reviews"));
        futures_util::future::join(join_all(reads), app.create_review(1, None)).await;
        megabytes()
    };
    wait_until(read_and_write, |megabytes| *megabytes < 64).await;
    app.verify();
}

on_every_engine!(the_reports_shown_with_a_review_are_bounded, async || {
    let app = TestApp::start(1).await;
    let moderator = app.create_account("moderator", Role::Admin).await;
    let ids = [app.create_review(1, None).await, app.create_review(2, None).await];
    // No recursive query: Citus joins none with a distributed table.
    let numbers: Vec<_> = (1..=300).map(|n| format!("({n})")).collect();
    let reports = format!(
        "INSERT INTO report (bucket, review_id, reader, reason, created_at)
         SELECT bucket, id, CONCAT('guest ', n.column1), 'spam', 1795361220000 + n.column1
         FROM review, (VALUES {}) AS n;
         UPDATE review SET open_reports = 300",
        numbers.join(",")
    );
    app.sql("reviews-1", &reports);
    let queue = app.get_json_as(&moderator, "/api/moderation/queue").await;
    assert_eq!(queue["items"].as_array().unwrap().len(), 2);
    for item in queue["items"].as_array().unwrap() {
        let reports = item["reports"].as_array().unwrap();
        assert_eq!(reports.len(), 20);
        assert_eq!(reports[0]["created_at"], "2026-11-22T15:27:00.3Z", "the newest");
    }
    for id in &ids {
        let detail = app.get_json_as(&moderator, &format!("/api/admin/reviews/{id}")).await;
        assert_eq!(detail["reports"].as_array().unwrap().len(), 100);
    }
    app.verify();
});

on_every_engine!(verify_lists_a_thousand_problems_and_counts_all, async || {
    let app = TestApp::start(1).await;
    app.create_review(1, Some(5)).await;
    app.sql(
        "reviews-1",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
         INSERT INTO product_rating (bucket, product_id, unrated, r1, r2, r3, r4, r5, hidden)
         SELECT 700, i, 1, 0, 0, 0, 0, 0, 0 FROM n",
    );
    let report = app.store().cluster().verify(0, |_| ()).unwrap();
    assert_eq!((report.reviews, report.problem_count, report.problems.len()), (1, 12_000, 1_000));
    assert!(report.problems[0].contains("rating of product 1 in bucket 700"));
    // On each side of the products that have reviews.
    app.sql("reviews-1", "DELETE FROM product_rating WHERE bucket = 700 AND product_id <> 2");
    let report = app.store().cluster().verify(0, |_| ()).unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
    app.sql("reviews-1", "DELETE FROM product_rating");
    let report = app.store().cluster().verify(0, |_| ()).unwrap();
    assert_eq!(report.problems.len(), 1, "{report:?}");
});
