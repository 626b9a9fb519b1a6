//! Citus only: the engine distributes the tables itself.

use std::collections::BTreeSet;

use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use ostrakon::db::Address;
use ostrakon::shard::{Spread, bucket_of, even_owner, home_buckets};
use ostrakon_shared::{ProductId, ReviewId, Role};
use reqwest::Method;
use serde_json::json;

use crate::support::app::{TestApp, ids};
use crate::support::cluster::TestCluster;
use crate::support::engine::Engine;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

/// The number of shards that a query reads.
fn tasks(connection: &mut PgConnection, query: &str) -> usize {
    let plan = diesel::sql_query(format!("EXPLAIN {query}"));
    let lines: Vec<Line> = plan.load(connection).unwrap();
    let count = lines.iter().find_map(|line| line.text.trim().strip_prefix("Task Count: "));
    count.unwrap_or_else(|| panic!("{query} is not distributed")).parse().unwrap()
}

/// A cluster whose `reviews-1` is a file and whose `reviews-2` is a coordinator.
struct Mixed {
    app: TestApp,
    url: String,
    /// Its database is released after the app has ended.
    _coordinator: TestCluster,
}

impl Mixed {
    /// `None` if no Citus cluster is configured.
    async fn start() -> Option<Mixed> {
        if !Engine::Citus.is_available() {
            return None;
        }
        let (coordinator, url) = {
            let _on = Engine::Citus.enter();
            let coordinator = TestCluster::new();
            let Address::Postgres(url) = coordinator.address("reviews-2") else { unreachable!() };
            (coordinator, url)
        };
        let address = Address::Postgres(url.clone());
        let app = TestApp::start_with(2, |config| {
            config.reviews_urls = [("reviews-2".to_owned(), address)].into();
        });
        Some(Mixed { app: app.await, url, _coordinator: coordinator })
    }

    /// Writes 60 reviews of three products; returns their ids.
    async fn write_reviews(&self) -> Vec<String> {
        let mut written = Vec::new();
        for n in 0..60 {
            let body = json!({"body": format!("text {n}"), "rating": n % 5 + 1});
            let response = self.app.post_with_key(n % 3 + 1, &body, &n.to_string()).await;
            assert_eq!(response.status, 201, "{response:?}");
            let again = self.app.post_with_key(n % 3 + 1, &body, &n.to_string()).await;
            let replayed = (again.header("idempotency-replayed"), again.json());
            assert_eq!(replayed, ("true", response.json()));
            written.push(response.json());
        }
        ids(&written)
    }
}

#[actix_web::test]
async fn a_file_and_a_coordinator_share_the_reviews() {
    let Some(mixed) = Mixed::start().await else { return };
    mixed.write_reviews().await;
    let app = &mixed.app;
    for sort in ["newest", "oldest", "highest", "lowest"] {
        let path = format!("/api/products/1/reviews?sort={sort}&limit=3");
        assert_eq!(app.all_pages(&path).await.len(), 20, "{sort}");
    }
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 20);
    let columns = app.databases();
    let reviews = |index: usize| columns["items"][index]["reviews"].as_u64().unwrap();
    assert_eq!(reviews(0) + reviews(1), 60);
    assert!(columns["items"][1]["size_bytes"].as_u64().unwrap() > 0);
    app.verify();
}

#[actix_web::test]
async fn reviews_on_a_file_and_a_coordinator_are_moderated_together() {
    let Some(mixed) = Mixed::start().await else { return };
    let all = mixed.write_reviews().await;
    let app = mixed.app;
    let admin = app.create_account("admin", Role::Admin).await;
    for id in all.iter().take(20) {
        let path = format!("/api/reviews/{id}/reports");
        let response = app.send_json(None, Method::POST, &path, &json!({"reason": "spam"})).await;
        assert_eq!(response.status, 204, "{response:?}");
    }
    assert_eq!(app.all_pages_as(&admin, "/api/moderation/queue?limit=7").await.len(), 20);
    let decisions = json!({
        "decision": "reject", "reason": "advertising",
        "reviews": all[..10].iter().map(|id| json!({"id": id, "version": 1})).collect::<Vec<_>>(),
    });
    let path = "/api/moderation/decisions";
    let decided = app.send_json(Some(&admin), Method::POST, path, &decisions).await;
    assert_eq!(decided.status, 200, "{decided:?}");
    assert!(decided.json()["items"].as_array().unwrap().iter().all(|it| it["version"] == 2));
    assert_eq!(app.all_pages_as(&admin, "/api/admin/reviews?limit=9").await.len(), 60);
    assert_eq!(app.all_pages_as(&admin, "/api/admin/reviews?search=TEXT").await.len(), 60);
    app.verify();
    let app = app.restart().await;
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 20 - 4);
}

#[actix_web::test]
async fn queries_read_only_the_shards_of_their_buckets() {
    let Some(mixed) = Mixed::start().await else { return };
    let all = mixed.write_reviews().await;
    let mut citus = PgConnection::establish(&mixed.url).unwrap();
    let is_on_citus = |id: &&String| even_owner(bucket_of(id.parse().unwrap()), 2) == 1;
    let id: ReviewId = all.iter().find(is_on_citus).unwrap().parse().unwrap();
    let bucket = bucket_of(id);
    let point = format!("SELECT * FROM review WHERE bucket = {bucket} AND id = {}", id.get());
    assert_eq!(tasks(&mut citus, &point), 1);
    let home: BTreeSet<_> = home_buckets(ProductId::new(1).unwrap(), Spread::DEFAULT)
        .filter(|bucket| even_owner(*bucket, 2) == 1)
        .map(|bucket| bucket.to_string())
        .collect();
    let page = |buckets: &str| {
        format!(
            "SELECT * FROM review WHERE product_id = 1 AND status = 'approved'
             AND bucket = ANY ('{{{buckets}}}') AND id < 9000000000000000000
             ORDER BY id DESC LIMIT 21"
        )
    };
    let buckets: Vec<_> = home.iter().cloned().collect();
    assert!(tasks(&mut citus, &page(&buckets.join(","))) <= home.len());
    assert_eq!(tasks(&mut citus, &page(&buckets[0])), 1);
}
