//! The consistency token, by which replicas show a client its own writes, affects no other client.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{TestApp, TestResponse};
use crate::support::engine::Engine;

const POSITION: &str = "ostrakon-position";

/// The databases in the token of a response.
fn databases(response: &TestResponse) -> Vec<String> {
    let header = response.header(POSITION);
    header.split('.').filter_map(|part| part.split_once(':')).map(|(name, _)| name.into()).collect()
}

/// The database of the review in a response.
fn database_of(app: &TestApp, response: &TestResponse) -> String {
    let id = response.json()["id"].as_str().unwrap().parse().unwrap();
    app.store().cluster().locate(id).database
}

async fn post(app: &TestApp, position: Option<&str>) -> TestResponse {
    let mut request = app.request(Method::POST, "/api/products/1/reviews");
    if let Some(position) = position {
        request = request.header(POSITION, position);
    }
    app.send(request.json(&json!({"body": "text"}))).await
}

on_every_server!(positions_of_a_client_never_reach_the_responses_of_another, async || {
    let app = TestApp::start(3).await;
    let sent = "default:1.nonsense-7:5.reviews-1:fffffffffffffff0.reviews-2:fffffffffffffff0.\
                reviews-3:fffffffffffffff0.reviews-4:1.reviews-01:1";
    let posts = (0..100).map(|n| post(&app, (n % 10 == 0).then_some(sent)));
    for (n, response) in join_all(posts).await.iter().enumerate() {
        assert_eq!(response.status, 201, "{response:?}");
        let own = database_of(&app, response);
        let expected = if n % 10 == 0 { vec!["default".to_owned(), own] } else { vec![own] };
        assert_eq!(databases(response), expected, "{n}: {response:?}");
        assert!(!response.header(POSITION).contains("fffff"), "{response:?}");
    }
    app.verify();
});

on_every_server!(genuine_positions_stay_with_their_client_in_every_process, async || {
    let one = TestApp::start(3).await;
    let two = one.start_second_process();
    let mut position = post(&one, None).await.header(POSITION).to_owned();
    let mut written = BTreeSet::new();
    // The other process does not know yet how far the databases have come. Which database a review
    // goes to is random: 200 turns reach all three.
    for process in [&two, &one].into_iter().cycle().take(200) {
        let response = post(process, Some(&position)).await;
        assert_eq!(response.status, 201, "{response:?}");
        let kept = databases(&response);
        let before: Vec<_> = position.split([':', '.']).step_by(2).collect();
        assert!(before.iter().all(|&name| kept.iter().any(|kept| kept == name)), "{response:?}");
        assert!(kept.contains(&database_of(&one, &response)));
        position = response.header(POSITION).to_owned();
        written.extend(kept);
        if written.len() == 3 {
            return;
        }
    }
    panic!("only {written:?} were written to");
});

on_every_engine!(positions_are_bounded_and_only_of_servers, async || {
    let app = TestApp::start(1).await;
    let on_server = crate::support::engine::engine() != Engine::Sqlite;
    let long = vec!["reviews-1:1"; 400].join(".");
    assert_eq!(post(&app, Some(&long)).await.problem(400), "parameter_invalid");
    let request = app.request(Method::POST, "/api/products/1/reviews");
    let request = request.header("cookie", format!("ostrakon_position={long}"));
    assert_eq!(app.send(request.json(&json!({"body": "text"}))).await.status, 201);
    let response = post(&app, Some("reviews-1:1.reviews-9:1")).await;
    let expected = if on_server { vec!["reviews-1".to_owned()] } else { Vec::new() };
    assert_eq!(databases(&response), expected, "{response:?}");
    // A write that fails adds nothing.
    let missing = app.request(Method::POST, "/api/products/404/reviews");
    let missing = app.send(missing.json(&json!({"body": "text"}))).await;
    assert_eq!(
        (missing.problem(404).as_str(), missing.header(POSITION)),
        ("product_not_found", "")
    );
});
