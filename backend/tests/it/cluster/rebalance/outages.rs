//! Servers that crash and disks that are full while buckets move: the rebalance waits, says why, and
//! goes on by itself.

use std::fs;

use ostrakon::shard::{Spread, home_buckets, slot_of_key};
use ostrakon_shared::ProductId;
use serde_json::{Value, json};

use super::load::{Accounts, Clients, Crowd};
use super::{FEW, Growing};
use crate::support::app::{PRODUCTS, TestResponse, ids};
use crate::support::cli::demo_cluster;
use crate::support::cluster::TestCluster;
use crate::support::engine::Engine;
use crate::support::postgres::Postgres;
use crate::support::small_disk::{DatabaseOnSmallDisk, ServerOnSmallDisk, fill, may_mount};
use crate::support::wait::wait_until;

#[actix_web::test]
async fn servers_that_crash_while_their_buckets_move_are_waited_for() {
    let _on = Engine::Postgres.enter();
    let [default, source, target] = std::array::from_fn(|_| Postgres::start_new());
    let servers = [("reviews-2", &target), ("reviews-1", &source), ("default", &default)];
    let cluster = TestCluster::new();
    servers.iter().for_each(|(name, server)| cluster.place(name, &server.url("ostrakon")));
    let growing = Growing::start_on(cluster, 1, 2, |_| ()).await;
    let clients = Clients::of([growing.app.host()]).expecting(&["database_unavailable"]);
    let accounts = Accounts::create(&growing.app).await;
    growing.add_until(2);
    let planned = growing.plan(&json!({})).await;
    growing.start_at(&planned, 1_000_000).await;

    let crash_all = async {
        for (name, server) in servers {
            let moved = growing.last().await["moved_buckets"].as_u64().unwrap();
            let moved = growing.wait_for_moved(moved + FEW).await;
            assert_eq!((&moved["state"], &moved["waits_for"]), (&json!("running"), &Value::Null));
            server.kill();
            if name != "default" {
                let says =
                    |now: &Value| now["waits_for"].as_str().is_some_and(|it| it.contains(name));
                wait_until(|| growing.last(), says).await;
            }
            server.start();
            wait_until(|| growing.app.get("/readyz"), |ready| ready.status == 200).await;
        }
        let moved = growing.last().await["moved_buckets"].as_u64().unwrap();
        growing.wait_for_moved(moved + FEW).await;
    };
    clients.use_while(Crowd::SMALL, &accounts, crash_all).await;
    let finished = growing.wait_for_all("finished").await;
    assert_eq!(finished["moved_buckets"], planned["buckets"]);
    assert_eq!(finished["repaired_reviews"], 0);
    growing.app.verify();
    clients.check().await;
}

/// A server with a demo of three files, whose fourth is on a small disk.
struct FullTarget {
    // Dropped before the files.
    server: ServerOnSmallDisk,
    cluster: TestCluster,
}

impl FullTarget {
    fn start() -> FullTarget {
        let cluster = demo_cluster();
        let file = cluster.folder().join("ostrakon.toml");
        fs::write(file, "reviews_urls = ['reviews-4=sqlite:small/reviews-4.sqlite3']").unwrap();
        FullTarget { server: ServerOnSmallDisk::start(&cluster, "small"), cluster }
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.server.run(&self.cluster, arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    async fn wait_for(&self, is_expected: impl Fn(&Value) -> bool) -> Value {
        let status = async || {
            serde_json::from_str(&self.succeeds(&["rebalance", "status", "--json"])).unwrap()
        };
        wait_until(status, is_expected).await
    }

    /// Whether the review of a guest with this key belongs to the database on the small disk.
    fn is_there(&self, product: i64, key: &str) -> bool {
        let slot = slot_of_key(key.as_bytes(), Spread::DEFAULT);
        let product = ProductId::new(product).unwrap();
        let bucket = home_buckets(product, Spread::DEFAULT).nth(slot).unwrap();
        let owner = format!("SELECT database AS value FROM shard_map WHERE bucket = {bucket}");
        self.cluster.query_texts("default", &owner) == ["reviews-4"]
    }

    async fn post(&self, product: i64, key: &str) -> TestResponse {
        let path = format!("/api/products/{product}/reviews");
        let request = self.server.client.post(self.server.url(&path));
        let review = json!({"body": key, "rating": 4});
        TestResponse::to(request.header("idempotency-key", key).json(&review)).await
    }

    async fn list(&self, product: i64) -> Vec<String> {
        let path = format!("/api/products/{product}/reviews?limit=100");
        let listed = TestResponse::to(self.server.client.get(self.server.url(&path))).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        ids(listed.json()["items"].as_array().unwrap())
    }
}

async fn a_full_target_is_waited_for(is_open: bool) {
    if !may_mount() {
        eprintln!("skipped: this user may not mount a file system of his own (unshare --user)");
        return;
    }
    let full = FullTarget::start();
    full.succeeds(&["databases", "add"]);
    full.succeeds(&["rebalance", "plan"]);
    if is_open {
        // The commands that had it open have ended.
        let log = full.server.disk.join("reviews-4.sqlite3-shm");
        wait_until(async || log.exists(), |exists| *exists).await;
    }
    let filled = fill(&full.server.disk);
    if is_open {
        full.succeeds(&["rebalance", "start", "--rate", "1000000"]);
    } else {
        // The command refuses to start it; so it is one that was started before the disk was full.
        let start = "UPDATE rebalance SET state = 'running', started_at = 1, max_rate = 1000000";
        full.cluster.sql("default", start);
    }
    let is_full = |now: &Value| now["waits_for"] == "the disk of reviews-4 is full";
    full.wait_for(is_full).await;

    let mut written = Vec::new();
    for number in 0..100 {
        let (product, key) = (1 + number % PRODUCTS, format!("key-{number}"));
        if full.is_there(product, &key) {
            continue;
        }
        let posted = full.post(product, &key).await;
        assert_eq!(posted.status, 201, "{posted:?}");
        let id = posted.json()["id"].as_str().unwrap().to_owned();
        assert!(full.list(product).await.contains(&id));
        written.push((product, key, id));
    }
    assert!(!written.is_empty());
    full.wait_for(is_full).await;

    fs::remove_file(filled).unwrap();
    let finished = full.wait_for(|now| now["state"] == "finished").await;
    assert_eq!((&finished["moved_buckets"], &finished["waits_for"]), (&json!(256), &Value::Null));
    for (product, key, id) in &written {
        assert!(full.list(*product).await.contains(id));
        let again = full.post(*product, key).await;
        assert_eq!((again.status.as_u16(), again.json()["id"].as_str()), (201, Some(&**id)));
    }
    let moved = written.iter().filter(|(product, key, _)| full.is_there(*product, key));
    assert!(moved.count() > 0);
    let verified = full.succeeds(&["verify"]);
    let all = format!("{} reviews in 4 databases, all in their place", 5_000 + written.len());
    assert!(verified.contains(&all), "{verified}");
}

#[actix_web::test]
async fn a_full_disk_of_the_target_pauses_only_the_move() {
    a_full_target_is_waited_for(true).await;
}

/// The disk is full before the server has opened the new file, unless that was faster.
#[actix_web::test]
async fn a_full_disk_on_which_the_target_can_t_be_opened_is_waited_for() {
    a_full_target_is_waited_for(false).await;
}

#[actix_web::test]
async fn a_full_disk_of_the_target_s_server_pauses_only_the_move() {
    let _on = Engine::Postgres.enter();
    let server = Postgres::start_new();
    let Some(small) = DatabaseOnSmallDisk::create(&server) else { return };
    let cluster = TestCluster::new();
    cluster.place("reviews-2", &small.url);
    let growing = Growing::start_on(cluster, 1, 2, |_| ()).await;
    let post = async |number: i64| {
        let review = json!({"body": "x".repeat(1_000), "rating": 4});
        let posted = growing.app.post_review(1 + number % PRODUCTS, &review).await;
        assert_eq!(posted.status, 201, "{posted:?}");
    };
    // So many that each bucket of the products has some.
    for number in 0..400 {
        post(number).await;
    }
    growing.add_until(2);
    let planned = growing.plan(&json!({})).await;
    let filled = fill(&small.disk());
    growing.start_at(&planned, 1_000_000).await;
    let is_full = |now: &Value| now["waits_for"] == "the disk of reviews-2 is full";
    wait_until(|| growing.last(), is_full).await;
    // The target has none of these buckets.
    for number in 0..100 {
        post(number).await;
    }
    let waiting = wait_until(|| growing.last(), is_full).await;
    assert_eq!(waiting["state"], "running");

    fs::remove_file(filled).unwrap();
    let finished = growing.wait_for_all("finished").await;
    assert_eq!(finished["moved_buckets"], planned["buckets"]);
    growing.app.verify();
    for product in 1..=PRODUCTS {
        let rating = growing.app.get_json(&format!("/api/products/{product}/rating")).await;
        assert_eq!(rating["count"], 500 / PRODUCTS);
    }
}
