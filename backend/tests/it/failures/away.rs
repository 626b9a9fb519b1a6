//! Servers that are stopped, crash, or hang.

use futures_util::future::join_all;
use serde_json::json;

use super::proxy::Proxy;
use super::{ServerCluster, wait_until_ready};
use crate::support::app::ids;
use crate::support::postgres::Postgres;
use crate::support::wait::wait_until;

const PAGE: &str = "/api/products/1/reviews?limit=100";

async fn is_named_and_the_others_go_on(go: fn(&Postgres), come_back: fn(&Postgres)) {
    let cluster = ServerCluster::start().await;
    let app = &cluster.app;
    let [mut there, gone] = cluster.create_reviews(20).await;
    go(&cluster.reviews[1]);

    let page = app.get(PAGE).await;
    assert_eq!(page.problem(503), "database_unavailable");
    assert_eq!(page.json()["detail"], "reviews-2 is not answering.");
    assert_eq!(page.header("retry-after"), "2");
    let partial = app.get(&format!("{PAGE}&allow_partial=true")).await;
    assert_eq!((partial.status.as_u16(), partial.header("cache-control")), (200, "no-store"));
    assert_eq!(partial.json()["missing_databases"], json!(["reviews-2"]));
    let mut listed = ids(partial.json()["items"].as_array().unwrap());
    listed.sort();
    assert_eq!(listed, there);

    for id in &there {
        assert_eq!(app.get(&format!("/api/reviews/{id}")).await.status, 200);
    }
    let response = app.get(&format!("/api/reviews/{}", gone[0])).await;
    assert_eq!(response.problem(503), "database_unavailable");
    let written = cluster.post_to(0).await;
    assert_eq!(written.status, 201, "{written:?}");
    there.push(written.json()["id"].as_str().unwrap().to_owned());
    let refused = cluster.post_to(1).await;
    assert_eq!(refused.problem(503), "database_unavailable");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(app.get("/readyz").await.json()["detail"], "reviews-2 is not answering.");
    assert_eq!(cluster.health().await, ["up", "down"]);

    come_back(&cluster.reviews[1]);
    wait_until_ready(app).await;
    assert_eq!(cluster.post_to(1).await.status, 201);
    let all = app.all_pages(PAGE).await;
    assert!(gone.iter().chain(&there).all(|id| ids(&all).contains(id)));
    assert_eq!(cluster.health().await, ["up", "up"]);
    app.verify();
}

#[actix_web::test]
async fn a_server_that_is_stopped_is_named() {
    is_named_and_the_others_go_on(Postgres::stop, Postgres::start).await;
}

#[actix_web::test]
async fn a_server_that_crashes_is_named() {
    is_named_and_the_others_go_on(Postgres::kill, Postgres::start).await;
}

#[actix_web::test]
async fn a_server_that_hangs_is_named() {
    is_named_and_the_others_go_on(Postgres::pause, Postgres::resume).await;
}

#[actix_web::test]
async fn a_server_that_hangs_does_not_delay_requests_to_others() {
    let cluster = ServerCluster::start().await;
    let app = &cluster.app;
    let [there, gone] = cluster.create_reviews(20).await;
    cluster.reviews[1].pause();
    // Many more requests than connections and waiting places.
    let path = format!("/api/reviews/{}", gone[0]);
    let stuck = join_all((0..300).map(|_| app.get(&path)));
    let others = async {
        let mut responses = Vec::new();
        for id in there.iter().cycle().take(300) {
            responses.push(app.get(&format!("/api/reviews/{id}")).await);
        }
        responses
    };
    let (stuck, others) = futures_util::future::join(stuck, others).await;
    assert!(stuck.iter().all(|response| response.problem(503) == "database_unavailable"));
    assert!(others.iter().all(|response| response.status == 200));
    cluster.reviews[1].resume();
    wait_until_ready(app).await;
    assert_eq!(app.get(&path).await.status, 200);
}

#[actix_web::test]
async fn without_default_known_products_can_be_read() {
    let cluster = ServerCluster::start().await;
    let app = &cluster.app;
    let [one, _] = cluster.create_reviews(10).await;
    app.get_json(PAGE).await;
    cluster.default.stop();

    wait_until(|| app.get("/readyz"), |response| response.status == 503).await;
    assert_eq!(app.get("/readyz").await.json()["detail"], "default is not answering.");
    assert_eq!(app.get_json(PAGE).await["items"].as_array().unwrap().len(), 10);
    assert_eq!(app.get_json("/api/products/1/rating").await["count"], 10);
    app.get_json(&format!("/api/reviews/{}", one[0])).await;
    for path in ["/api/products", "/api/products/1", "/api/products/4/reviews"] {
        let response = app.get(path).await;
        assert_eq!(response.problem(503), "database_unavailable");
        assert_eq!(response.json()["detail"], "default is not answering.");
    }
    // The owner of a token is not known.
    let own = || {
        let request = app.request(reqwest::Method::GET, "/api/accounts/me/reviews");
        app.send(request.bearer_auth("ostk_unknown"))
    };
    assert_eq!(own().await.problem(503), "database_unavailable");
    assert_eq!(cluster.post_to(0).await.problem(503), "database_unavailable");

    cluster.default.start();
    wait_until_ready(app).await;
    assert_eq!(cluster.post_to(0).await.status, 201);
    assert_eq!(own().await.problem(401), "session_invalid");
}

#[actix_web::test]
async fn a_connection_that_was_cut_is_opened_again() {
    let proxy = Proxy::new();
    let cluster = ServerCluster::start_with(|config, reviews| {
        proxy.set_target(reviews[1].port());
        let url = format!("postgres://ostrakon@127.0.0.1:{}/ostrakon", proxy.port());
        config.reviews_urls.insert("reviews-2".to_owned(), url.parse().unwrap());
    })
    .await;
    let app = &cluster.app;
    let [_, mut written] = cluster.create_reviews(20).await;
    for _ in 0..20 {
        proxy.cut();
        // The connections were idle, so clients do not notice.
        assert_eq!(app.get(PAGE).await.status, 200);
        proxy.cut();
        let response = cluster.post_to(1).await;
        assert_eq!(response.status, 201, "{response:?}");
        written.push(response.json()["id"].as_str().unwrap().to_owned());
    }
    let listed = ids(&app.all_pages(PAGE).await);
    assert!(written.iter().all(|id| listed.contains(id)));

    proxy.refuse();
    wait_until(|| app.get("/readyz"), |response| response.status == 503).await;
    assert_eq!(cluster.post_to(1).await.problem(503), "database_unavailable");
    proxy.accept();
    wait_until_ready(app).await;
    assert_eq!(cluster.post_to(1).await.status, 201);
    app.verify();
}

#[actix_web::test]
async fn acknowledged_reviews_survive_crashes() {
    let cluster = ServerCluster::start().await;
    let app = &cluster.app;
    let write = async |writer: usize| {
        let mut acknowledged = Vec::new();
        for n in 0..150 {
            let body = json!({"body": "text", "rating": 5});
            let response = app.post_with_key(1, &body, &format!("{writer}-{n}")).await;
            match response.status.as_u16() {
                201 => acknowledged.push(response.json()["id"].as_str().unwrap().to_owned()),
                _ => assert_eq!(response.problem(503), "database_unavailable"),
            }
        }
        acknowledged
    };
    let crash = async {
        for server in [0, 1, 0, 1] {
            cluster.post_to(server).await;
            cluster.reviews[server].kill();
            cluster.reviews[server].start();
            wait_until_ready(app).await;
        }
    };
    let writers = join_all((0..4).map(write));
    let (acknowledged, ()) = futures_util::future::join(writers, crash).await;
    let listed = ids(&app.all_pages(PAGE).await);
    let acknowledged: Vec<String> = acknowledged.into_iter().flatten().collect();
    assert!(!acknowledged.is_empty());
    assert!(acknowledged.iter().all(|id| listed.contains(id)), "an acknowledged review is missing");
    app.verify();
    // Clients that were refused send their requests again, which makes no duplicates.
    for writer in 0..4 {
        for n in 0..150 {
            let body = json!({"body": "text", "rating": 5});
            let response = app.post_with_key(1, &body, &format!("{writer}-{n}")).await;
            assert_eq!(response.status, 201);
        }
    }
    let reviews = ids(&app.all_pages(PAGE).await);
    let by_guests = reviews.len() - listed.len();
    assert!(by_guests <= 600 && reviews.len() <= 604, "{} reviews", reviews.len());
    app.verify();
}
