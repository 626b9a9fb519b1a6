//! A process that does not know yet that buckets have moved, and whose replicas don't either.

use std::collections::BTreeMap;

use ostrakon::config::Config;
use ostrakon::db::ReadPreference;
use ostrakon::store::{Context, Store, StoreError};
use ostrakon_shared::{ProductId, ReviewId};
use serde_json::json;

use super::Growing;
use crate::support::app::TestResponse;
use crate::support::cluster::TestCluster;
use crate::support::engine::Engine;
use crate::support::postgres::Postgres;
use crate::support::wait::wait_until;

/// The store for a client with this token.
fn with_token(store: &Store, token: &str) -> Store {
    let positions = store.cluster().known_positions(token.parse().unwrap());
    store.with(Context::new(positions, None))
}

/// A new review in this database, and how many were written until one went there.
async fn post_to(growing: &Growing, database: &str) -> (ReviewId, TestResponse) {
    loop {
        let posted = growing.app.post_review(1, &json!({"body": "text", "rating": 4})).await;
        let id = posted.json()["id"].as_str().unwrap().parse().unwrap();
        if growing.app.store().cluster().locate(id).database == database {
            return (id, posted);
        }
    }
}

#[actix_web::test]
async fn a_client_reads_its_own_writes_after_a_move() {
    let _on = Engine::Postgres.enter();
    let primary = Postgres::start_new();
    let cluster = TestCluster::new();
    cluster.place("reviews-1", &primary.url("ostrakon"));
    let growing = Growing::start_on(cluster, 1, 2, |_| ()).await;
    let (old, _) = post_to(&growing, "reviews-1").await;
    let replica = primary.replica();
    // A process without the threads that look whether the map has changed.
    let stale = Config {
        replicas: BTreeMap::from([(
            "reviews-1".to_owned(),
            vec![replica.url("ostrakon").parse().unwrap()],
        )]),
        reads: ReadPreference::Replica,
        max_replica_lag_ms: u32::MAX,
        ..growing.cluster.config(2)
    };
    let stale = stale.open().unwrap();
    let replicas = async || {
        let databases = serde_json::to_value(stale.cluster().databases().unwrap()).unwrap();
        databases["items"][0]["replicas"].clone()
    };
    wait_until(replicas, |it| *it == json!([{"health": "up", "lag_ms": 0}])).await;
    replica.sql("SELECT pg_wal_replay_pause()");

    growing.rebalance_to(2).await;
    let (id, posted) = post_to(&growing, "reviews-2").await;
    let token = posted.header("ostrakon-position");
    let (of_map, others): (Vec<_>, Vec<_>) =
        token.split('.').partition(|position| position.starts_with("map:"));
    assert_eq!((of_map.len(), others.len()), (1, 1), "{token}");

    wait_until(replicas, |it| it[0]["health"] == "up").await;
    // Another client reads an older state, and so would this one by the logs' positions alone.
    let is_missing = |store: &Store| {
        store.reviews().get(old).unwrap();
        matches!(store.reviews().get(id), Err(StoreError::ReviewNotFound(_)))
    };
    let product = ProductId::new(1).unwrap();
    let count = |store: &Store| store.catalog().rating(product).unwrap().count;
    assert!(is_missing(&stale) && is_missing(&with_token(&stale, &others.join("."))));
    assert_eq!(count(&stale), 1);
    assert_eq!(stale.cluster().locate(id).database, "reviews-1");
    let own = with_token(&stale, token);
    assert_eq!(own.reviews().get(id).unwrap().id, id);
    assert_eq!(stale.cluster().locate(id).database, "reviews-2");
    // Other clients' later reviews in reviews-1 are not on its replica.
    assert_eq!(count(&own), 2);
}

#[actix_web::test]
async fn a_process_that_starts_after_a_move_tells_clients_of_it() {
    let _on = Engine::Postgres.enter();
    let growing = Growing::start(1, 2).await;
    growing.rebalance_to(2).await;
    let names_map = async || {
        let process = growing.app.start_second_process();
        let posted = process.post_review(1, &json!({"body": "text", "rating": 4})).await;
        posted.header("ostrakon-position").contains("map:")
    };
    assert!(names_map().await);
    growing.app.sql("default", "UPDATE bucket_move SET finished_at = finished_at - 60000");
    assert!(!names_map().await, "all processes know of it by now");
}
