//! Replicas: which reads they serve, and when.

use ostrakon::db::ReadPreference;
use serde_json::json;

use super::{ServerCluster, wait_until_ready};
use crate::support::app::ids;
use crate::support::postgres::Postgres;
use crate::support::wait::wait_until;

const PAGE: &str = "/api/products/1/reviews?limit=100";

/// A cluster with a replica of reviews-2.
async fn with_replica(reads: ReadPreference, max_replica_lag_ms: u32) -> (ServerCluster, Postgres) {
    let mut replica = None;
    let cluster = ServerCluster::start_with(|config, reviews| {
        let follower = reviews[1].replica();
        config
            .replicas
            .insert("reviews-2".to_owned(), vec![follower.url("ostrakon").parse().unwrap()]);
        config.reads = reads;
        config.max_replica_lag_ms = max_replica_lag_ms;
        replica = Some(follower);
    })
    .await;
    (cluster, replica.unwrap())
}

/// Waits until the replica is known to have every write.
async fn until_it_has_all(cluster: &ServerCluster) {
    let replica = async || cluster.app.databases()["items"][1]["replicas"][0].clone();
    wait_until(replica, |it| *it == json!({"health": "up", "lag_ms": 0})).await;
}

#[actix_web::test]
async fn reads_go_on_while_the_primary_is_away() {
    let (cluster, _replica) = with_replica(ReadPreference::Primary, 1_000).await;
    let app = &cluster.app;
    let [one, two] = cluster.create_reviews(20).await;
    cluster.app.verify();
    wait_until(|| app.get(PAGE), |page| page.status == 200).await;
    until_it_has_all(&cluster).await;
    cluster.reviews[1].kill();

    let page = wait_until(|| app.get(PAGE), |page| page.status == 200).await;
    let mut listed = ids(page.json()["items"].as_array().unwrap());
    listed.sort();
    let mut all = [one, two.clone()].concat();
    all.sort();
    assert_eq!(listed, all);
    assert_eq!(page.json()["missing_databases"], json!(null));
    for id in &two {
        app.get_json(&format!("/api/reviews/{id}")).await;
    }
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 20);
    assert_eq!(
        app.get_json(&format!("{PAGE}&sort=oldest")).await["items"].as_array().unwrap().len(),
        20
    );
    let refused = cluster.post_to(1).await;
    assert_eq!(refused.problem(503), "database_unavailable");
    assert_eq!(refused.header("retry-after"), "2");
    wait_until(|| cluster.health(), |health| *health == ["up", "read_only"]).await;
    assert_eq!(app.get("/readyz").await.problem(503), "database_unavailable");

    cluster.reviews[1].start();
    wait_until_ready(app).await;
    assert_eq!(cluster.post_to(1).await.status, 201);
    assert_eq!(cluster.health().await, ["up", "up"]);
}

#[actix_web::test]
async fn a_client_reads_its_own_writes() {
    let (cluster, replica) = with_replica(ReadPreference::Replica, 60_000).await;
    let app = &cluster.app;
    cluster.create_reviews(10).await;
    until_it_has_all(&cluster).await;
    replica.sql("SELECT pg_wal_replay_pause()");
    let written = cluster.post_to(1).await;
    assert_eq!(written.status, 201);
    let position = written.header("ostrakon-position").to_owned();
    assert!(position.starts_with("reviews-2:"), "{written:?}");
    assert_eq!(written.header("set-cookie"), "", "programs get no cookie");
    let id = written.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/reviews/{id}");

    // Others read from the replica, which does not have it.
    assert_eq!(app.get(&path).await.problem(404), "review_not_found");
    assert_eq!(app.get_json(PAGE).await["items"].as_array().unwrap().len(), 10);
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 10);
    let with = |header: &'static str, value: String| {
        move |path: &str| app.send(app.request(reqwest::Method::GET, path).header(header, &value))
    };
    for read in [
        with("ostrakon-position", position.clone()),
        with("cookie", format!("ostrakon_position={position}")),
    ] {
        assert_eq!(read(&path).await.status, 200);
        assert_eq!(read(PAGE).await.json()["items"].as_array().unwrap().len(), 11);
        assert_eq!(read("/api/products/1/rating").await.json()["count"], 11);
    }
    let odd = with("ostrakon-position", "reviews-2".to_owned())(&path).await;
    assert_eq!(odd.problem(400), "parameter_invalid");
    assert_eq!(with("cookie", "ostrakon_position=?".to_owned())(PAGE).await.status, 200);

    // A browser keeps the position in a cookie, with those of earlier writes.
    let request = app.request(reqwest::Method::POST, "/api/products/1/reviews");
    let request = request.header("cookie", format!("ostrakon_position={position}.default:1"));
    let response = app.send(request.json(&json!({"body": "text"}))).await;
    assert_eq!(response.status, 201);
    if cluster.database_index(response.json()["id"].as_str().unwrap()) == 1 {
        let cookie = response.header("set-cookie");
        assert!(cookie.starts_with("ostrakon_position=default:1.reviews-2:"), "{cookie}");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    }

    replica.sql("SELECT pg_wal_replay_resume()");
    wait_until(|| app.get(&path), |response| response.status == 200).await;
}

#[actix_web::test]
async fn a_replica_that_lags_or_fails_is_left_out() {
    let (cluster, replica) = with_replica(ReadPreference::Replica, 1).await;
    let app = &cluster.app;
    cluster.create_reviews(10).await;
    replica.sql("SELECT pg_wal_replay_pause()");
    let id = cluster.post_to(1).await.json()["id"].as_str().unwrap().to_owned();
    // It comes from the primary as soon as the replica is known to lag.
    let path = format!("/api/reviews/{id}");
    wait_until(|| app.get(&path), |response| response.status == 200).await;
    replica.sql("SELECT pg_wal_replay_resume()");
    until_it_has_all(&cluster).await;

    replica.kill();
    for _ in 0..20 {
        assert_eq!(app.get(&path).await.status, 200);
    }
    let state = async || cluster.app.databases()["items"][1]["replicas"][0]["health"].clone();
    wait_until(state, |health| health == "down").await;
    assert_eq!(cluster.health().await, ["up", "up"]);
    replica.start();
    until_it_has_all(&cluster).await;
}

#[actix_web::test]
async fn a_promoted_replica_takes_over() {
    let mut replica = None;
    let cluster = ServerCluster::start_with(|config, reviews| {
        let follower = reviews[1].replica();
        // Acknowledged writes are on both servers.
        reviews[1].sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        reviews[1].sql("SELECT pg_reload_conf()");
        let (one, two) = (reviews[1].port(), follower.port());
        let url = format!(
            "postgres://ostrakon@127.0.0.1:{one},127.0.0.1:{two}/ostrakon\
             ?target_session_attrs=read-write"
        );
        config.reviews_urls.insert("reviews-2".to_owned(), url.parse().unwrap());
        replica = Some(follower);
    })
    .await;
    let (app, replica) = (&cluster.app, replica.unwrap());
    let [_, written] = cluster.create_reviews(20).await;
    cluster.reviews[1].kill();
    assert_eq!(cluster.post_to(1).await.problem(503), "database_unavailable");
    replica.promote();
    replica.sql("ALTER SYSTEM RESET synchronous_standby_names");
    replica.sql("SELECT pg_reload_conf()");
    wait_until_ready(app).await;
    let response = wait_until(|| cluster.post_to(1), |response| response.status == 201).await;
    let listed = ids(&app.all_pages(PAGE).await);
    assert!(written.iter().all(|id| listed.contains(id)), "an acknowledged review is missing");
    assert!(listed.contains(&response.json()["id"].as_str().unwrap().to_owned()));
    app.verify();
}
