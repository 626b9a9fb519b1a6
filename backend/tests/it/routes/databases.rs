//! The table of databases; databases that are down, and buckets that have moved.

use futures_util::future::join_all;
use ostrakon::shard::{Spread, bucket_of, home_buckets};
use ostrakon_shared::{ProductId, ReviewId, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestApp, TestResponse, ids};
use crate::support::cli::{ServerProcess, demo_cluster, fails, ostrakon};
use crate::support::engine::{Engine, engine};
use crate::support::wait::wait_until;

on_every_engine!(the_table_counts_reviews_and_buckets, async || {
    let app = TestApp::start(3).await;
    let admin = app.create_account("admin", Role::Admin).await;
    let empty = app.get_json_as(&admin, "/api/databases").await;
    assert_eq!(empty["items"][0]["share"], json!(null));
    for n in 0..40 {
        app.create_review(n % 5 + 1, Some(3)).await;
    }
    let table = app.get_json_as(&admin, "/api/databases").await;
    let items = table["items"].as_array().unwrap();
    let column = |name: &str| items.iter().map(|item| item[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("name"), ["reviews-1", "reviews-2", "reviews-3"]);
    assert_eq!(column("engine"), [engine().name(); 3]);
    assert_eq!(column("health"), ["up"; 3]);
    assert_eq!(column("buckets"), [342, 341, 341]);
    let reviews: u64 = column("reviews").iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(reviews, 40);
    let shares: f64 = column("share").iter().map(|n| n.as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 0.001, "{shares}");
    assert_eq!(app.get("/healthz").await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 200);
});

/// Posts a review of product 1; the key selects the database.
async fn post(app: &TestApp, key: String) -> TestResponse {
    app.post_with_key(1, &json!({"body": "x"}), &key).await
}

on_every_engine!(a_database_that_is_down_is_named_and_the_others_go_on, async || {
    let app = TestApp::start(3).await;
    let mut posted = Vec::new();
    for n in 0..30 {
        posted.push(
            post(&app, format!("before-{n}")).await.json()["id"].as_str().unwrap().to_owned(),
        );
    }
    let lives_in_2 =
        |id: &String| app.store().cluster().locate(id.parse().unwrap()).database == "reviews-2";
    let (gone, there): (Vec<_>, Vec<_>) = posted.iter().cloned().partition(lives_in_2);
    assert!(!gone.is_empty() && !there.is_empty());
    // The restart empties the write-ahead log, from which reviews could still be read.
    let app = app.restart().await;
    app.cluster().corrupt("reviews-2");

    let page = app.get("/api/products/1/reviews?limit=100").await;
    let (status, code) = app.cluster().corrupt_problem();
    assert_eq!(page.problem(status), code);
    if status == 503 {
        assert_eq!(page.json()["detail"], "reviews-2 is not answering.");
    }
    assert_eq!(page.header("retry-after"), if status == 503 { "2" } else { "" });
    let told = ["sqlite", "postgres", "no database", "does not exist"];
    assert!(!told.iter().any(|word| page.text.contains(word)), "{}", page.text);

    let partial = app.get("/api/products/1/reviews?limit=100&allow_partial=true").await;
    assert_eq!((partial.status.as_u16(), partial.header("cache-control")), (200, "no-store"));
    assert_eq!(
        (partial.header("etag"), &partial.json()["missing_databases"]),
        ("", &json!(["reviews-2"]))
    );
    let mut listed = ids(partial.json()["items"].as_array().unwrap());
    listed.sort();
    assert_eq!(listed, there);

    assert_eq!(app.get("/api/products/1/rating").await.problem(status), code);
    assert_eq!(app.get("/api/products").await.problem(status), code);
    assert_eq!(app.get("/api/products/1").await.problem(status), code);
    let product = app.get("/api/products/1?allow_partial=true").await;
    assert_eq!((product.header("etag"), &product.json()["rating"]), ("", &json!(null)));
    let products = app.get("/api/products?allow_partial=true").await.json();
    assert_eq!(products["missing_databases"], json!(["reviews-2"]));
    assert_eq!(products["items"][0]["rating"], json!(null));

    for id in &there {
        assert_eq!(app.get(&format!("/api/reviews/{id}")).await.status, 200);
    }
    for id in &gone {
        let response = app.get(&format!("/api/reviews/{id}")).await;
        assert_eq!(response.problem(status), code);
    }
    let posted = join_all((0..30).map(|n| post(&app, format!("after-{n}")))).await;
    let refused: Vec<_> = posted.iter().filter(|response| response.status != 201).collect();
    assert!(!refused.is_empty() && refused.len() < posted.len());
    refused.iter().for_each(|response| assert_eq!(response.problem(status), code));
    let ready = app.get("/readyz").await;
    assert_eq!(
        (ready.problem(503).as_str(), &ready.json()["detail"]),
        ("database_unavailable", &json!("reviews-2 is not answering."))
    );
    let table = app.databases();
    assert_eq!(
        (&table["items"][1]["health"], &table["items"][1]["reviews"]),
        (&json!("down"), &json!(null))
    );
    assert_eq!(
        (&table["items"][0]["health"], &table["items"][0]["share"]),
        (&json!("up"), &json!(null))
    );
});

on_every_engine!(a_bucket_that_moved_is_found_in_its_new_database, async || {
    let app = TestApp::start(3).await;
    let mut posted = Vec::new();
    for n in 0..40 {
        posted.push(
            app.post_with_key(1, &json!({"body": "x", "rating": 5}), &n.to_string()).await.json(),
        );
    }
    // Does by hand, without writes, what a move does: the rows in the target, the
    // source's row `gone`, the target's `owned` under the next epoch, and the map.
    let home: Vec<_> = home_buckets(ProductId::new(1).unwrap(), Spread::DEFAULT).collect();
    let bucket = |id: &str| bucket_of(id.parse::<ReviewId>().unwrap());
    let moved = home[0];
    let here =
        posted.iter().filter(|review| bucket(review["id"].as_str().unwrap()) == moved).count();
    assert!(here > 0, "no review in bucket {moved}");
    let tables = ["review", "product_rating", "idempotency_key"];
    app.cluster().copy_rows("reviews-1", "reviews-3", &tables, &format!("bucket = {moved}"));
    app.sql("reviews-3", &format!("INSERT INTO bucket_owner VALUES ({moved}, 'owned', 2, NULL)"));
    let gone = format!("UPDATE bucket_owner SET state = 'gone' WHERE bucket = {moved}");
    app.sql("reviews-1", &gone);

    // The map does not say so yet: a writer must not believe the source.
    let key = (0..40).find(|n| bucket(posted[*n]["id"].as_str().unwrap()) == moved).unwrap();
    let again = app.post_with_key(1, &json!({"body": "x", "rating": 5}), &key.to_string()).await;
    assert_eq!(again.problem(503), "bucket_moved");
    assert_eq!(app.get("/api/products/1/reviews").await.problem(503), "bucket_moved");

    app.sql(
        "default",
        &format!("UPDATE shard_map SET database = 'reviews-3', epoch = 2 WHERE bucket = {moved}"),
    );
    let again = app.post_with_key(1, &json!({"body": "x", "rating": 5}), &key.to_string()).await;
    assert_eq!((again.header("idempotency-replayed"), again.json()), ("true", posted[key].clone()));
    let listed = app.all_pages("/api/products/1/reviews?limit=7").await;
    assert_eq!(listed.len(), 40);
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 40);
    let id = posted[key]["id"].as_str().unwrap();
    assert_eq!(app.get_json(&format!("/api/reviews/{id}/location")).await["database"], "reviews-3");
    let total: u64 = app.databases()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["reviews"].as_u64().unwrap())
        .sum();
    assert_eq!(total, 40, "rows that are left behind do not count");
});

// As if a table had been dropped, or a permission revoked.
on_every_engine!(a_query_that_the_engine_refuses_is_an_internal_error, async || {
    let app = TestApp::start(2).await;
    let id = app.create_review(1, Some(4)).await;
    for database in ["reviews-1", "reviews-2"] {
        app.cluster().sql(database, "DROP TABLE report");
        app.cluster().sql(database, "ALTER TABLE product_rating RENAME TO gone");
    }
    let report = format!("/api/reviews/{id}/reports");
    let body = json!({"reason": "spam"});
    for response in [
        app.send_json(None, Method::POST, &report, &body).await,
        app.post_review(1, &json!({"body": "text"})).await,
        app.post_with_key(2, &json!({"body": "text"}), "key").await,
        app.get("/api/products/3/rating").await,
        app.get("/api/products?allow_partial=true").await,
    ] {
        assert_eq!(response.problem(500), "internal", "{response:?}");
        assert_eq!(response.header("retry-after"), "");
        for word in ["report", "product_rating", "table", "relation", "reviews-"] {
            assert!(!response.text.contains(word), "{response:?}");
        }
    }
    // Requests that need neither table succeed.
    app.get_json(&format!("/api/reviews/{id}")).await;
    assert_eq!(app.get("/readyz").await.status, 200);
});

/// A role with exactly the permissions that a server needs: its name, and its grants.
fn role(number: u32) -> (String, String) {
    let role = format!("limited_{number}_{}", std::process::id());
    let grants = format!(
        "DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};"
    );
    (role, grants)
}

#[test]
fn a_role_that_may_not_write_serves_nothing() {
    let _on = Engine::Postgres.enter();
    let cluster = demo_cluster();
    let (role, grants) = role(1);
    let databases = ["default", "reviews-1", "reviews-2", "reviews-3"];
    let urls = databases.map(|database| {
        cluster.sql(database, &grants);
        cluster.address(database).to_string().replace("//ostrakon@", &format!("//{role}@"))
    });
    let serve = || {
        let mut command = ostrakon(&cluster, &["serve"]);
        command.env("OSTRAKON_LISTEN", "127.0.0.1:0").env("OSTRAKON_DEFAULT_URL", &urls[0]);
        command.env("OSTRAKON_REVIEWS_URLS", urls[1..].join(","));
        command
    };
    let server = ServerProcess::spawn(serve());
    assert_eq!(server.get("/readyz"), "{\"status\":\"ok\"}");
    for (right, table) in [("INSERT", "review"), ("UPDATE", "product_rating")] {
        cluster.sql("reviews-2", &format!("REVOKE {right} ON {table} FROM {role}"));
        let ready = server.get("/readyz");
        assert!(ready.contains("reviews-2 is not answering"), "{ready}");
        let said = fails(serve(), 2);
        assert!(said.contains("reviews-2") && said.contains(&format!("table {table}")), "{said}");
        cluster.sql("reviews-2", &format!("GRANT {right} ON {table} TO {role}"));
        assert_eq!(server.get("/readyz"), "{\"status\":\"ok\"}");
    }
    drop(server);
    for database in databases {
        cluster.sql(database, &format!("DROP OWNED BY {role}"));
    }
}

on_every_engine!(a_database_is_verified_while_it_serves, async || {
    let app = TestApp::start(3).await;
    let admin = app.create_account("admin", Role::Admin).await;
    for n in 0..30 {
        app.create_review(n % 5 + 1, Some(3)).await;
    }
    let verify = async |name: &str| {
        let path = format!("/api/databases/{name}/verification");
        app.send(admin.authorize(app.request(Method::POST, &path))).await
    };
    let finished = async |index: usize| {
        let tables = || app.get_json_as(&admin, "/api/databases");
        let check = |tables: &Value| tables["items"][index]["verification"].clone();
        let is_finished = |tables: &Value| check(tables)["finished_at"].is_string();
        check(&wait_until(tables, is_finished).await)
    };
    assert_eq!(verify("reviews-9").await.problem(404), "database_not_found");
    assert_eq!(verify("default").await.problem(404), "database_not_found");
    let begun = verify("reviews-1").await;
    assert_eq!((begun.status.as_u16(), &begun.json()["finished_at"]), (202, &Value::Null));
    let clean = finished(0).await;
    assert_eq!((&clean["problem_count"], &clean["problems"]), (&json!(0), &json!([])));
    assert_eq!(clean["reviews"], app.databases()["items"][0]["reviews"]);

    app.sql("reviews-2", "UPDATE product_rating SET r3 = r3 + 1, hidden = hidden + 1");
    verify("reviews-2").await;
    let found = finished(1).await;
    assert!(found["problem_count"].as_u64().unwrap() > 0);
    assert!(found["problems"][0].as_str().unwrap().contains("rating of product"), "{found}");
    let app = app.restart().await;
    let kept = &app.databases()["items"][1]["verification"];
    assert_eq!(kept, &found, "what was found survives a restart");
});
